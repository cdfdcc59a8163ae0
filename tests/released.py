"""Files as each released version wrote them; `python -m tests.released` makes those of this one.

They are generated, small, and never changed afterwards: what they hold is what users of that version have.
"""

import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from mint_lightning import __version__
from mint_lightning.cli import main
from mint_lightning.shards import open_source, pack

FOLDER = Path(__file__).with_name("released")
TINY = '{"image_size": 32, "widths": [4, 4, 8, 8], "embedding": 6}'
CONFIG = """
model: {class_path: mint_lightning.learning.VanillaMINT, init_args: {taps: [conv4], widths: [4]}}
data:
  class_path: datamodules.Faces
  init_args: {shards: set, network: {card: networks/a/card.json}, batch_size: 16, workers: 0}
trainer: {max_epochs: 1, accelerator: cpu, enable_progress_bar: false}
"""
KEPT = ("set", "networks", "fit.yaml", "auditor", "table", "store", "best.ckpt")


def make(out: Path) -> None:
    """A shard set, a trained network, a head's checkpoint, an auditor, a table with its scores, stored activations."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            people = open_source("synthetic:identities=60,photos=2,seed=1")
            pack(people, Path("set"), image_size=32, partitions={"A": 0.5, "B": 0.5}, lanes=2)
            Path("fit.yaml").write_text(CONFIG)
            train = ["--shards", "set", "--partitions", "[A]", "--out", "networks/a", "--arguments", TINY]
            _run("train-audited", *train, "--epochs", "1", "--batch_size", "16", "--bf16", "false", "--pairs", "none")
            _run("fit", "--config", "fit.yaml", "--name", "one")
            data = ["--data.class_path", "datamodules.Faces", "--data.shards", "set", "--data.batch_size", "16"]
            data += ["--data.network", "{card: networks/a/card.json}"]
            heads = ["--rows", "[{head: vanilla, taps: [conv4], arguments: {widths: [4]}}, {head: norm}]"]
            how = ["--twins", "1", "--pixels", "false", "--accelerator", "cpu", "--register", "false"]
            _run("table", *data, *heads, *how, "--store", "store", "--seeds", "1", "--recipe", "{epochs: 1}")
            Path("mlruns/auditors/one").rename("auditor")
            Path("mlruns/tables/table").rename("table")
            Path("mlruns/checkpoints/one/best.ckpt").rename("best.ckpt")
            for page in Path("table").glob("*.html"):
                page.unlink()  # large, and only looked at
            shutil.rmtree("table/auditors/embedding_norm")  # half a megabyte that is there twice
            out.parent.mkdir(parents=True, exist_ok=True)
            with tarfile.open(out, "w:xz") as tar:
                for name in KEPT:
                    tar.add(name)
        finally:
            os.chdir(here)


def unpacked(archive: Path, folder: Path) -> Path:
    """The files of a released version, in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _run(*words: str) -> None:
    assert main(list(words)) == 0, words


if __name__ == "__main__":
    make(FOLDER / f"{__version__}.tar.xz")

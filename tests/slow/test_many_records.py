"""A hundred thousand records: packed in memory that hardly grows with them, and streamed by `fit`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mint_lightning.cli import main
from mint_lightning.shards import Manifest
from tests.record_files import insightface, write_records

pytestmark = pytest.mark.slow

PEOPLE, PHOTOS = 10_000, 10
SIDE = 32
HALVES = '{"members": 0.5, "externals": 0.5}'
NETWORK = {
    "card": None,
    "architecture": "iresnet_small",
    "arguments": {"image_size": SIDE, "widths": [4, 4, 8, 8], "embedding": 8},
    "preprocessing": {"size": [SIDE, SIDE]},
    "seed": 1,
}
MEASURED = """
import resource, sys
from mint_lightning.cli import main
assert main(sys.argv[1:]) == 0
print("MiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def pictures(people: int) -> Iterator[tuple[int, bytes]]:
    for person in range(people):
        noise = np.random.default_rng(person).integers(0, 256, (PHOTOS, 4, 4, 3), dtype=np.uint8)
        for photo in noise:
            large = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            yield person, cv2.imencode(".jpg", large)[1].tobytes()


def packed(folder: Path, people: int) -> tuple[Manifest, int]:
    """The set of so many people at `folder`/set, and the packing process's most memory in MiB."""
    folder.mkdir()
    write_records(folder / "train.rec", insightface(list(pictures(people))))
    arguments = ["pack", "--source", f"recordio:{folder}", "--out", str(folder / "set"), "--image_size", str(SIDE)]
    arguments += ["--partitions", HALVES, "--workers", "2"]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Manifest.load(folder / "set"), int(done.stdout.split()[-1])


def test_many_records_are_packed_and_streamed_by_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, little = packed(tmp_path / "few", PEOPLE // 10)
    manifest, much = packed(tmp_path / "many", PEOPLE)
    number = PEOPLE * PHOTOS
    assert manifest.photos == {"found": number, "read": number, "broken": 0}
    assert manifest.images == number
    print(f"most memory: {little} MiB for {number // 10:,} records, {much} MiB for {number:,}")
    assert (much - little) * 2**20 < 2000 * 0.9 * number, "what is known of a photo stays, no image does"

    monkeypatch.chdir(tmp_path)
    data = ["--data.shards", "many/set", "--data.network", json.dumps(NETWORK), "--data.batch_size", "256"]
    data += ["--data.members", "[members]", "--data.externals", "[externals]"]
    config = str(Path(__file__).parents[2] / "conf/faces_vanilla.yaml")
    assert main(["fit", "--config", config, *data, "--trainer.max_epochs", "1", "--trainer.accelerator", "cpu"]) == 0
    assert (tmp_path / "mlruns/checkpoints/faces_vanilla/best.ckpt").is_file()

"""What earlier versions wrote is read by this one, or refused in a sentence."""

import json
import re
from pathlib import Path

import pytest
import torch

from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from mint_lightning.evidence import TableEvidence
from mint_lightning.shards import KeyList, Manifest
from tests.released import FOLDER, unpacked

pytestmark = pytest.mark.integration

RELEASED = sorted(FOLDER.glob("*.tar.xz"))


@pytest.fixture(params=RELEASED, ids=[path.name.removesuffix(".tar.xz") for path in RELEASED])
def old(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(unpacked(request.param, tmp_path / "old"))
    return Path.cwd()


def test_its_files_are_read(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = Manifest.load(old / "set")
    assert len(KeyList.load(old / "set", manifest)) == manifest.images == 120
    assert main(["verify", "set"]) == 0
    assert len(load_auditor(old / "auditor").scores)
    assert len(load_auditor(old / "table/auditors/vanilla_conv4").scores)
    assert TableEvidence.from_json(json.loads((old / "table/table.json").read_text())["evidence"]).rows
    assert main(["test", "--config", "fit.yaml", "--ckpt_path", "best.ckpt", "--name", "again"]) == 0
    assert (
        main(
            ["audit", "--auditor", "table", "--weights", "a=networks/a/network.safetensors", "set", "--out", "answers"]
        )
        == 0
    )
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("set/manifest.json", ["verify", "set"]),
        ("networks/a/card.json", ["test", "--config", "fit.yaml", "--ckpt_path", "best.ckpt"]),
        ("auditor/auditor.json", ["audit", "--auditor", "auditor", "set", "--out", "answers"]),
    ],
)
def test_what_a_later_version_wrote_is_refused(
    file: str, command: list[str], old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = old / file
    path.write_text(re.sub(r'"schema_version": \d+', '"schema_version": 99', path.read_text(), count=1))
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.err.strip().splitlines()[-1].startswith("Error: ")
    assert re.search("schema.version 99", said.out + said.err)


def test_a_checkpoint_of_a_later_version_is_refused(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = torch.load("best.ckpt", weights_only=True)
    content["mint"]["schema_version"] = 99
    torch.save(content, "best.ckpt")
    assert main(["test", "--config", "fit.yaml", "--ckpt_path", "best.ckpt"]) == 2
    assert "schema_version 99" in capsys.readouterr().err


def test_this_version_is_among_them() -> None:
    from mint_lightning import __version__

    assert FOLDER / f"{__version__}.tar.xz" in RELEASED, "python -m tests.released makes it"

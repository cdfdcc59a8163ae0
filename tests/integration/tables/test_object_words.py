"""A table of objects and what its auditors answer: nothing that is read speaks of people or of faces."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from datamodules import Objects
from mint_lightning.audited import NetworkSource
from mint_lightning.auditor import load_auditor
from mint_lightning.cli import main
from mint_lightning.learning.membership import BY_PHOTO_OF_OBJECTS
from tests.human_words import human_words, of_files
from tests.object_photos import drawn
from tests.object_table import object_config, object_table

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = tmp_path_factory.mktemp("objects")
    rows = [{"head": "vanilla", "taps": ["layer7"]}, {"head": "loss"}]
    return root, object_config(root) | {"shadows": {}, "rows": rows, "seeds": 1, "permuted": True}


@pytest.fixture(scope="module")
def table(made: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return object_table(tmp_path_factory.mktemp("work"), made[1])


def test_nothing_that_is_written_speaks_of_people(table: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(table.parents[2])
    assert main(["table", "--config", "objects.yaml", "--store", "store"]) == 0
    printed = capsys.readouterr().out
    assert "Reused" in printed
    assert "clustered by object" in printed
    assert human_words(printed) == []
    assert of_files(table, "report.html", "table.md", "table.tex") == {}
    auditor = load_auditor(table / "auditors/vanilla_layer7")
    assert auditor.card.subject == "objects"
    assert auditor.novelty is not None
    assert auditor.novelty.faces is None
    assert not any(human_words(limit) for limit in auditor.card.limits)


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_audit_of_objects_looks_for_no_faces_and_speaks_of_none(
    made: tuple[Path, dict[str, Any]], table: Path, tmp_path, monkeypatch, capsys, language: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mint_lightning.shards.align.FaceCut.__init__", None)  # whoever would look for faces fails
    asked = ["audit", "--auditor", str(table / "auditors/vanilla_layer7"), "--language", language]
    for item in range(3):
        folder = tmp_path / f"mine/object {item}"
        folder.mkdir(parents=True)
        for photo in range(2):
            Image.fromarray(drawn(0, 90 + item, photo)).save(folder / f"{photo}.png")
    for words in (["mine"], ["mine", "--aligned", "true"], [str(made[0] / "shards")]):
        for group_by in ("none", "identity"):
            capsys.readouterr()
            assert main([*asked, *words, "--group-by", group_by]) == 0
            assert human_words(capsys.readouterr().out) == []
            assert of_files(tmp_path / "mlruns/audits/audit", "audit.json", "audit.csv") == {}
    assert main([*asked, "mine", "--faces", "all"]) == 2
    assert "of objects, in which no faces are found: leave out --detector and --faces" in capsys.readouterr().err


def test_what_tells_two_sets_of_objects_apart_is_said_of_objects(made: tuple[Path, dict[str, Any]], capsys) -> None:
    assert main(["shift", str(made[0] / "shards"), "--partitions", "members", "externals"]) == 0
    printed = capsys.readouterr().out
    assert " objects of test" in printed
    assert human_words(printed) == []


def test_splits_by_photo_say_what_they_are_of(made: tuple[Path, dict[str, Any]]) -> None:
    given = {name: made[1]["data"]["init_args"][name] for name in ("shards", "members", "externals")}
    card = NetworkSource(**made[1]["data"]["init_args"]["network"])
    data = Objects(network=card, split_by="photo", **given)
    assert data.subject == "objects"
    assert data.groups.no_claim == BY_PHOTO_OF_OBJECTS

"""The plain parts of the benchmark on objects: its commands can be parsed, its page says what the tables found."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.common import door
from benchmarks.objects import page, parts
from mint_lightning.commands.configs import config_path
from mint_lightning.evidence import RowScores, ScoreSet
from mint_lightning.report.scores import write_scores
from tests.evidence_fixture import table_evidence

pytestmark = pytest.mark.unit

EARLY = {"cifar10": 10, "gtsrb": 5}


def test_every_network_that_a_table_asks_is_trained() -> None:
    made = {result.parent.name for _, result in parts.trainings({"cifar10": 60, "gtsrb": 30}, EARLY, 10)}
    made |= {f"{name}_epoch{epoch}" for name, epoch in EARLY.items()} | {"cifar10_validated", "gtsrb_validated"}
    for table in parts.tables(EARLY):
        content = yaml.safe_load((Path("conf") / f"{table.config}.yaml").read_text())
        network = content["data"]["init_args"]["network"]
        cards = [network.get("card"), *(shadow["card"] for shadow in content.get("shadows", {}).values())]
        words = shlex.split(table.command)
        if "--data.network.card" in words:
            cards[0] = words[words.index("--data.network.card") + 1]
        assert {Path(card).parent.name for card in cards if card} <= made, table.name
        assert Path(config_path(f"conf/{table.config}.yaml")).is_file()


def test_the_longest_trainings_come_first() -> None:
    names = [result.parent.name for _, result in parts.trainings({"cifar10": 60, "gtsrb": 30}, EARLY, 10)]
    assert names[:2] == ["cifar10", "gtsrb"]
    assert sorted(names[2:]) == sorted(f"{name}_half{half}" for name in EARLY for half in range(4))


def test_the_page_keeps_what_people_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "DOOR", door.Door(tmp_path / "door"))
    page.DOOR.record("table --config conf/objects_cifar10.yaml --name some", 61.4)
    page.DOOR.record("all tables", 600.0)
    table = parts.Table("some", "what was audited", "objects_cifar10")
    monkeypatch.setattr(parts, "TABLES", tmp_path)
    evidence = table_evidence()
    table.result.parent.mkdir(parents=True)
    table.result.write_text(json.dumps({"evidence": evidence.to_json()}))
    row = evidence.rows[0].name
    assert evidence.rows[0].head != "score"
    names = np.array([f"photo{number}" for number in range(7)])
    audited = ScoreSet(
        score=np.array([1.0, 2.0, -1.0, 1.0, -1.0, -2.0, 9.0]),
        member=np.array([True, True, True, False, False, False, True]),
        unseen=np.zeros(7, bool),
        identity=names,
        split=np.array(["test"] * 6 + ["calibrate"]),
        key=names,
        network="net",
    )
    rows = [RowScores(each.name, each.head, each.tap, 0, 0, audited, twins=(audited,)) for each in evidence.rows]
    write_scores(table.result.parent / "scores.parquet", rows)
    found = page.precision(table, evidence)
    assert found == {each.name: "67 %" for each in evidence.rows if each.head != "score"}
    assert row in found
    written = tmp_path / "page.md"
    written.write_text(f"# Ours\n\nWritten by people.\n\n{page.MARK}\nold figures\n")
    page.write(written, [table], [], EARLY)
    text = written.read_text()
    assert text.startswith("# Ours\n\nWritten by people.\n")
    assert "old figures" not in text
    assert "## what was audited" in text
    assert "    61  mint-lightning table --config conf/objects_cifar10.yaml --name some" in text
    assert "took 10 minutes in all" in text
    for each in evidence.rows:
        assert each.name in text


def test_figures_as_the_page_writes_them() -> None:
    assert page.short(0.5434) == ".543"
    assert page.short(1.0) == "1.000"
    row = table_evidence().rows[0]
    point = next(each for each in row.operating if each.fpr_target == 0.01)
    found = page.tpr(row, 0.01)
    assert (found == "not resolvable") is (point.tpr is None)
    assert page.tpr(row, 0.5) == "not resolvable"
    controls = [each for each in row.controls if each.kind == "pixels"]
    chosen = next((each for each in controls if each.counts), None)
    assert page.control(row, "pixels") == (page.short(chosen.auc.value) if chosen else "-")
    assert page.control(row, "nothing") == "-"


def test_two_commands_run_together_and_their_times_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = door.Door(Path("door"))
    names = ("one", "two")
    commands = [
        (f"pack --source synthetic:identities=8,photos=2 --image_size 32 --out {name}", Path(name) / "manifest.json")
        for name in names
    ]
    made.run_together(commands, "both")
    seconds = made.taken()
    assert set(seconds) == {command for command, _ in commands} | {"both"}
    assert max(seconds[command] for command, _ in commands) <= seconds["both"] < np.inf
    with pytest.raises(SystemExit, match="exit code 2"):
        made.run_together([("pack --source nowhere:x --out three", Path("three/manifest.json"))])

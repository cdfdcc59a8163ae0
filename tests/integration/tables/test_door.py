"""Tables through the front door: dry runs, and what is refused in one sentence before any network runs."""

import functools
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from mint_lightning.cli import main
from mint_lightning.commands import table as command
from mint_lightning.learning import controls, gather
from tests.small_table import config

pytestmark = pytest.mark.integration


@pytest.fixture
def door(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config without rows, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    found = config(shards, tmp_path / "store")
    del found["rows"]
    Path("table.yaml").write_text(yaml.safe_dump(found))
    return Path("table.yaml")


GRID = "[{head: vanilla, taps: [conv4, all_conv], samples: [64, null]}]"


def numbers(printed: str) -> dict[str, int]:
    """What a dry run says of rows, heads, finished heads, images and forwards."""
    found = {}
    for line in printed.splitlines():
        words = line.replace(",", "").replace(".", "").split()
        found |= {after: int(word) for word, after in pairwise(words) if word.isdecimal()}
    return found


def test_a_dry_run_says_what_the_run_then_does(door: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["table", "--config", str(door), "--grid", GRID, "--recipe", "{epochs: 1}"]
    for switch in (["--dry-run"], ["--dry_run", "true"]):
        assert main([*words, *switch]) == 0
        assert not list(tmp_path.rglob("*.safetensors"))
        assert not Path("mlruns").exists(), "neither tables nor runs"
        before = numbers(capsys.readouterr().out)
        # Four rows on two networks and two rows of pixels, two seeds each.
        assert (before["rows"], before["heads"], before["forwards"]) == (4, 21, 3 * before["images;"])
    assert main(words) == 0
    document = json.loads(Path("mlruns/tables/killed/table.json").read_text())["evidence"]
    rows = document["rows"]
    assert len(rows) == before["rows"]
    assert sum(len(row["heads"]) for row in rows) == before["heads"] - 5
    assert [row["samples"] for row in rows[:2]] == [row["samples"] for row in rows[2:]]
    assert rows[0]["samples"] == 64
    assert rows[1]["samples"] > 64
    capsys.readouterr()
    assert main([*words, "--dry-run"]) == 0
    after = numbers(capsys.readouterr().out)
    assert (after["forwards"], after["of"]) == (0, before["heads"])


@pytest.mark.parametrize(
    ("words", "dry"),
    [([], False), (["--dry-run"], True), (["--dry_run"], True), (["--dry-run", "true"], True),
     (["--dry_run", "true"], True), (["--dry-run=true"], True), (["--dry-run", "false"], False),
     (["--dry-run", "--seed", "3"], True)],
)  # fmt: skip
def test_how_a_dry_run_is_asked_for(words: list[str], dry: bool, door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    monkeypatch.setattr(command, "table", functools.wraps(command.table)(lambda **given: told.append(given["dry_run"])))
    command.main("table", ["--config", str(door), *words])
    assert told == [dry]


REFUSED: dict[str, tuple[Any, str]] = {
    "lanes": ({"taps": ["conv4"], "samples": [1000]}, "take 992 or 1008"),
    "too many": ({"taps": ["conv4"], "samples": [16000]}, "give at most"),
    "negative": ({"taps": ["conv4"], "samples": [-5]}, "samples is -5"),
    "a word": ({"taps": ["conv4"], "samples": ["abc"]}, "samples is 'abc'"),
    "over one": ({"taps": ["conv4"], "samples": [2.5]}, "samples is 2.5"),
    "a share over one": ({"taps": ["conv4"], "samples": [1.5]}, "samples is 1.5"),
    "a share of nothing": ({"taps": ["conv4"], "samples": [0.0001]}, "take one that leaves some"),
    "yes": ({"taps": ["conv4"], "samples": [True]}, "samples"),
    "no samples": ({"taps": ["conv4"], "samples": []}, "at least one of taps and one of samples"),
    "no taps": ({"taps": []}, "at least one of taps and one of samples"),
    "no taps to join": ({"taps": [[]]}, "needs taps"),
    "unknown tap": ({"taps": ["conv9"]}, "has no tap 'conv9'"),
    "unknown joined tap": ({"taps": [["conv4", "conv9"]]}, "has no tap 'conv9'"),
    "cnn at the outcome": ({"head": "cnn", "taps": ["outcome"]}, "outcome"),
    "the same twice": ({"taps": ["conv4", "conv4"]}, "Two rows are called 'Vanilla conv4'"),
    "1K twice": ({"taps": ["conv4"], "samples": [1024, "1.024K"]}, "Two rows are called"),
    "unknown head": ({"head": "norm", "taps": ["conv4"]}, "norm"),
    "unknown argument": ({"taps": ["conv4"], "arguments": {"depth": 3}}, "no argument 'depth'"),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_what_a_grid_refuses(
    refused: str, door: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object, **__: object) -> None:
        raise AssertionError("the networks ran first")

    monkeypatch.setattr(gather, "read_network", run)
    monkeypatch.setattr(controls, "adapt_batchnorm", run)
    grid, words = REFUSED[refused]
    for dry in ("false", "true"):
        asked = ["--grid", json.dumps([{"head": "vanilla", **grid}]), "--dry-run", dry]
        assert main(["table", "--config", str(door), *asked]) == 2
        printed = capsys.readouterr().err
        assert words in printed
        assert "Traceback" not in printed
        assert len(printed.strip().splitlines()) == 1, printed

"""The plain parts of the benchmark on heads: a pair is opened once, rows are compared on the same photos."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.heads import compared, opened, page, parts
from mint_lightning.commands.configs import config_path
from mint_lightning.evidence import ScoreSet

pytestmark = pytest.mark.unit


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    asked = tmp_path / "lfw_fresh.yaml"
    asked.write_text("rows: [one]\n")
    monkeypatch.setattr(opened, "RECORD", tmp_path / "opened.json")
    monkeypatch.setattr(opened, "ASKED", asked)
    return asked


def test_a_closed_pair_is_not_looked_at(record: Path) -> None:
    with pytest.raises(SystemExit, match="The fresh pair is closed"):
        opened.check()


def test_a_pair_is_opened_once_and_with_what_was_asked_then(record: Path) -> None:
    opened.write()
    first = opened.RECORD.read_text()
    opened.write()
    opened.check()
    assert opened.RECORD.read_text() == first
    record.write_text("rows: [another]\n")
    for again in (opened.check, opened.write):
        with pytest.raises(SystemExit, match="chosen after it was seen"):
            again()
    assert opened.RECORD.read_text() == first


def test_each_command_is_of_a_config_that_is_there_and_each_network_is_trained() -> None:
    made = {**parts.CARDS, **parts.FRESH_CARDS}
    for table in [*parts.tried(), *parts.fresh(), *parts.carried()]:
        words = shlex.split(table.command)
        assert Path(config_path(words[words.index("--config") + 1])).is_file()
        assert words[words.index("--data.network.card") + 1] == str(made[table.network])
        assert ("lfw_fresh" in table.command) == (table.network in parts.FRESH_CARDS), "whose halves they are"


def test_the_rows_that_the_page_speaks_of_are_asked() -> None:
    asked = {row["name"] for row in yaml.safe_load(Path("conf/lfw_fresh.yaml").read_text())["rows"] if "name" in row}
    assert {page.ONE, page.FOUR, page.EIGHT, *page.PUBLISHED} <= asked


def scores(values: np.ndarray, member: np.ndarray, identity: np.ndarray, order: np.ndarray) -> ScoreSet:
    names = np.array([f"key{number:03}" for number in range(len(values))])
    return ScoreSet(
        score=values[order], member=member[order], unseen=np.zeros(len(values), bool), identity=identity[order],
        split=np.full(len(values), "out-of-fold"), key=names[order], network="net",
    )  # fmt: skip


def test_rows_are_compared_photo_by_photo_whatever_their_order() -> None:
    rng = np.random.default_rng(0)
    member = np.arange(400) % 2 == 0
    identity = np.array([f"lfw/{number // 4}_{number % 2}" for number in range(400)])
    good, bad = rng.normal(size=400) + member, rng.normal(size=400)
    straight = scores(good, member, identity, np.arange(400))
    mixed = scores(bad, member, identity, rng.permutation(400))
    found = compared.gap(straight, mixed, "bad")
    assert found.estimate.value == pytest.approx(
        np.mean(good[member][:, None] > good[~member]) - np.mean(bad[member][:, None] > bad[~member])
    )
    assert found.estimate.low > 0.1
    assert compared.gap(straight, straight, "itself").estimate.value == 0


def test_the_difference_of_rates_is_zero_between_a_row_and_itself_and_known_otherwise() -> None:
    rng = np.random.default_rng(1)
    member = np.arange(4000) % 2 == 0
    identity = np.array([f"cifar/{number}" for number in range(4000)])
    found, blind = rng.normal(size=4000) + 2.0 * member, rng.normal(size=4000)
    own, other = (scores(values, member, identity, np.arange(4000)) for values in (found, blind))
    assert compared.tpr_gap(own, own, 0.1).value == 0
    gap = compared.tpr_gap(own, other, 0.1)
    assert gap.value == pytest.approx(0.76 - 0.10, abs=0.05)  # the normal's: 1 - Phi(1.28 - 2) and .1
    flags = gap.value * (1 - gap.value)
    assert gap.low < gap.value < gap.high
    assert (gap.high - gap.low) / 2 == pytest.approx(1.96 * np.sqrt((flags + 0.1) / 2000), rel=0.35)

"""Options that reach into a dict are put together, whatever their order."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mint_lightning.commands.nested import joined

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("prefix", ["data", "data.init_args"])
def test_none_is_forgotten(prefix: str) -> None:
    words = ["--name", "a", f"--{prefix}.network.card", "C", f"--{prefix}.network.name=N", "--data.shards", "s"]
    words += [f"--{prefix}.network.preprocessing.size", "[32, 32]", f"--{prefix}.network.seed", "3"]
    kept = joined(words, {"data"})
    assert kept[:4] == ["--name", "a", "--data.shards", "s"]
    assert kept[4] == "--data.network"
    expected = {"card": "C", "name": "N", "preprocessing": {"size": [32, 32]}, "seed": 3}
    assert json.loads(kept[5]) == expected
    assert len(kept) == 6


def test_what_the_whole_entry_said_is_kept_and_later_words_win() -> None:
    words = ["--data.network", '{"card": null, "architecture": "x"}', "--data.network.architecture", "y"]
    assert json.loads(joined(words, {"data"})[1]) == {"card": None, "architecture": "y"}


@pytest.mark.parametrize(
    "words",
    [
        ["--data.shards", "s", "--data.workers=2"],
        ["--other.network.card", "C"],
        ["--data.network", "{}"],
        ["--data.network.card"],
        ["--rows", "[{head: norm}]", "-x", "me.jpg"],
    ],
)
def test_everything_else_is_left_as_it_is(words: list[str]) -> None:
    assert joined(words, {"data"}) == words


@given(
    st.permutations(["card", "name", "seed", "access"]), st.dictionaries(st.sampled_from("abc"), st.text(), max_size=3)
)
def test_order_does_not_matter(order: list[str], more: dict[str, str]) -> None:
    words = [word for key in order for word in (f"--data.network.{key}", json.dumps(f"{key}!"))]
    words += [word for key, value in more.items() for word in (f"--{key}", value)]
    kept = joined(words, {"data"})
    assert json.loads(kept[-1]) == {key: f"{key}!" for key in order}
    assert kept[:-2] == words[8:]

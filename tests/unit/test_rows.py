"""Rows of a table: their names, what they read, what they refuse."""

import pytest

from mint_lightning.errors import UserError
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.rows import RowSpec, published_rows

pytestmark = pytest.mark.unit


def test_the_published_rows() -> None:
    assert [row.title for row in published_rows(["conv1", "conv2", "conv3", "conv4", "features"])] == [
        "Vanilla conv1",
        "Vanilla conv2",
        "Vanilla conv3",
        "Vanilla conv4",
        "Vanilla outcome",
        "Vanilla all conv",
        "CNN conv4",
        "Embedding norm",
        "Flip agreement",
    ]


def test_the_default_rows_of_another_network_read_its_own_taps() -> None:
    rows = published_rows(["layer1", "layer2", "outcome"])
    assert [row.title for row in rows] == [
        "Vanilla layer1", "Vanilla layer2", "Vanilla outcome", "Vanilla all conv", "Flip agreement"
    ]  # fmt: skip
    assert rows[3].taps == ["layer1", "layer2"]
    assert [row.title for row in published_rows(["outcome"])] == ["Vanilla outcome", "Flip agreement"]


def test_scores_read_the_outcome_in_their_views() -> None:
    assert RowSpec("agreement").requests("e") == [("original", "e"), ("flip", "e")]
    assert RowSpec("norm").requests("e") == [("original", "e")]


def test_a_head_is_built_from_its_seed_alone() -> None:
    row = RowSpec("vanilla", ["conv1"], arguments={"l1": 0.0})
    a, b, c = (row.build([(4,)], seed) for seed in (1, 1, 2))
    assert (a.layers[0].weight == b.layers[0].weight).all()
    assert (a.layers[0].weight != c.layers[0].weight).any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"head": "vanilla"}, "needs taps"),
        ({"head": "norm", "taps": ["conv1"]}, "learns nothing"),
        ({"head": "cnn", "taps": ["conv1:map"], "arguments": {"l1": 1}}, "no argument 'l1'"),
        ({"head": "norm", "recipe": Recipe()}, "learns nothing"),
        ({"head": "norm", "seeds": 3}, "learns nothing"),
        ({"head": "vanilla", "taps": ["conv1"], "seeds": 0}, "at least one head"),
    ],
)
def test_what_a_row_refuses(arguments: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        RowSpec(**arguments)

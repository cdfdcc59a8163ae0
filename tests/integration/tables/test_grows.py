"""A table that is asked for again, or for more, computes only what its store lacks."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mint_lightning.audited import IRESNET_TAPS, NetworkSource
from mint_lightning.learning.audit import TableRun, estimate_table, run_table
from mint_lightning.learning.rows import RowSpec
from tests.network_card import ARGUMENTS
from tests.small_table import ROWS, Work, assert_same, faces, settings

pytestmark = pytest.mark.integration


def test_a_finished_table_computes_nothing(shards: Path, whole: tuple[TableRun, Path], work: Work) -> None:
    run, store = whole
    again = run_table(faces(shards), ROWS, settings(store))
    assert not work.images
    assert not work.epochs
    assert_same(run, again)


def test_every_head_stands_once_in_the_evidence(whole: tuple[TableRun, Path]) -> None:
    for row in whole[0].evidence.rows:
        found = [(head.role, head.network, head.seed) for head in row.heads]
        fitted = not row.name.startswith(("Embedding", "Flip"))
        names = [("audited", "audited"), ("twin", "twin 1")] if fitted else []
        assert found == [(role, network, seed) for role, network in names for seed in (0, 1)]
    assert [pixels.name for pixels in whole[0].pixels] == ["Vanilla pixels", "Vanilla statistics", "CNN pixels"]
    for pixels in whole[0].pixels:
        seeds = (0,) if pixels.name.startswith("CNN") else (0, 1)
        assert [(head.role, head.network, head.seed) for head in pixels.heads] == [
            ("pixels", pixels.name, seed) for seed in seeds
        ]


COMPLETE = NetworkSource(architecture="iresnet_small", arguments=ARGUMENTS, seed=7)
LACKING = replace(COMPLETE, taps={name: IRESNET_TAPS[name] for name in ("conv4", "outcome")})
OTHER = RowSpec("cnn", ["conv3:map"], arguments={"filters": [2, 2], "width": 4}, name="other")
LACKED = {"CNN conv3", "Vanilla conv3 + conv4"}
HEADS = {"Vanilla conv4", "Vanilla conv4, 64 images"} | LACKED
GROWN: dict[str, tuple[list[RowSpec], dict[str, Any], int, str, set[str]]] = {
    # more rows, other settings, networks that run, whose heads are new, which are new
    "a tap": ([RowSpec("vanilla", ["conv2"])], {}, 2, "", {"Vanilla conv2"}),
    "a size": ([RowSpec("vanilla", ["conv4"], 96)], {}, 0, "", {"Vanilla conv4, 96 images"}),
    "a head": ([OTHER], {}, 0, "", {"other"}),
    "a seed": ([], {"seeds": 3}, 0, "", HEADS | {"Vanilla pixels", "Vanilla statistics"}),
    "a twin": ([], {"twins": 2}, 1, "twin 2", HEADS),
    "a reference": ([], {"references": {"r": COMPLETE}}, 1, "r", HEADS),
    "a reference without a tap": ([], {"references": {"r": LACKING}}, 1, "r", HEADS - LACKED),
    "a complement": ([], {"complement": COMPLETE}, 1, "complement", HEADS),
}


@pytest.mark.parametrize("grown", GROWN)
def test_a_grown_table_computes_what_is_new(
    grown: str, shards: Path, whole: tuple[TableRun, Path], tmp_path: Path, work: Work
) -> None:
    more, changes, networks, whose, names = GROWN[grown]
    run, kept = whole
    store = Path(shutil.copytree(kept, tmp_path / "store"))
    files = {path: path.stat().st_mtime_ns for path in store.rglob("*.safetensors")}
    rows, made = [*ROWS, *more], settings(store, **changes)
    estimate = estimate_table(faces(shards), rows, made)
    work.clear()
    after = run_table(faces(shards), rows, made)
    assert sum(work.images.values()) == networks * estimate.images
    assert sum(work.forwards.values()) == estimate.forwards
    assert len(work.images) == networks
    assert estimate.heads - estimate.kept == len(work.epochs)
    assert {name for name, _, _ in work.epochs} == names
    if whose:
        assert {network for _, network, _ in work.epochs} == {whose}
    if grown == "a seed":
        assert {seed for _, _, seed in work.epochs} == {2}
    assert {path: path.stat().st_mtime_ns for path in files} == files, "nothing that was there is written again"
    for before, row in zip(run.rows, after.rows, strict=False):
        alone = {(head.network, head.seed): head.score.tolist() for head in row.heads}
        assert all(alone[head.network, head.seed] == head.score.tolist() for head in before.heads)
    again = estimate_table(faces(shards), rows, made)
    assert (again.forwards, again.kept, again.disk) == (0, again.heads, 0)


def test_cross_fitted_heads_of_several_seeds(shards: Path, tmp_path: Path, work: Work) -> None:
    rows, made = [ROWS[0], ROWS[-2]], settings(tmp_path, folds=3)
    run = run_table(faces(shards), rows, made)
    work.clear()
    more = run_table(faces(shards), rows, replace(made, seeds=3))
    assert not work.images
    assert {seed for _, _, seed in work.epochs} == {2}
    for found, seeds in ((run, 2), (more, 3)):
        scores, norms = found.rows
        assert sorted(scores.audited.key) == sorted(set(norms.audited.key)), "every image has one score"
        assert {(head.role, head.network) for head in scores.heads} == {("audited", "audited"), ("twin", "twin 1")}
        for own in (scores.audited, *scores.twins):
            heads = [head for head in scores.heads if head.network == own.network]
            assert [head.seed for head in heads] == list(range(seeds))
            np.testing.assert_allclose(own.score, np.mean([head.score for head in heads], axis=0))

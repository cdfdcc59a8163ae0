"""AAD that is in neither memory nor store is computed anew in every epoch, and gives the same figures."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules import Faces
from mint_lightning.learning import placement
from mint_lightning.learning.audit import TableRun, estimate_table, run_table
from mint_lightning.learning.rows import RowSpec
from mint_lightning.shards.columns import Digests
from tests.small_table import RECIPE, ROWS, Work, assert_same, faces, settings

pytestmark = pytest.mark.integration

Placed = Callable[[placement.Need], bool]


def anew(monkeypatch: pytest.MonkeyPatch, wanted: Placed) -> None:
    """What is `wanted` is computed anew in every epoch; the rest stays where it would be."""
    choose = placement.choose

    def chosen(needs: list[placement.Need], *rest: Any) -> Any:
        found = {(n.network, n.request): placement.Choice("recompute", 0) for n in needs if wanted(n)}
        return choose([need for need in needs if not wanted(need)], *rest) | found

    monkeypatch.setattr(placement, "choose", chosen)


PLACED: dict[str, Placed] = {
    "all": lambda need: True,
    "a tap": lambda need: need.request[1] == "conv4",
    "maps": lambda need: need.request[1].endswith(":map"),
    "one network": lambda need: need.network == "audited",
}


@pytest.mark.parametrize("what", ["all", "a tap", pytest.param("one network", marks=pytest.mark.slow)])
def test_a_streamed_table_is_the_stored_one(
    what: str, shards: Path, whole: tuple[TableRun, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, work: Work,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    anew(monkeypatch, PLACED[what])
    run = run_table(faces(shards), ROWS, settings("auto"))
    assert_same(whole[0], run, atol=1e-4)
    epochs = {(row.name, head.network, head.seed): len(head.curve) for row in run.rows for head in row.heads}
    stored = {(row.name, head.network, head.seed): len(head.curve) for row in whole[0].rows for head in row.heads}
    assert epochs == stored
    assert len(set(epochs.values())) > 1, "some heads stop before others"
    assert work.streamed
    assert_same(run, run_table(faces(shards), ROWS, settings("auto")))


def test_several_workers_stream_the_same(
    shards: Path, whole: tuple[TableRun, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    anew(monkeypatch, PLACED["a tap"])
    row = whole[0].rows[2]  # a joined row, of which one tap is stored
    run = run_table(faces(shards, workers=2), [ROWS[2]], settings("auto", twins=0, pixels=False))
    assert run.rows[0].name == row.name
    assert run.rows[0].audited.key.tolist() == row.audited.key.tolist()
    np.testing.assert_allclose(run.rows[0].audited.score, row.audited.score, atol=1e-4)


def test_each_sample_size_has_its_own_pass(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    monkeypatch.chdir(tmp_path)
    anew(monkeypatch, PLACED["all"])
    rows = [RowSpec("vanilla", ["conv4"], size) for size in (32, 64)]
    data = faces(shards)
    made = settings("auto", twins=0, pixels=False)
    estimate = estimate_table(faces(shards), rows, made)
    work.clear()
    run_table(data, rows, made)
    validate, scored = len(data.rows("validate")), len(data.rows("calibrate", "test"))
    epochs = {name: 0 for name, _, _ in work.epochs}
    for (name, _, _), count in work.epochs.items():
        epochs[name] = max(epochs[name], count)
    sizes = {"Vanilla conv4, 32 images": 32, "Vanilla conv4, 64 images": 64}
    learnt = sum(sizes[name] * count for name, count in epochs.items())
    standardised = sum(sizes.values())
    assert sum(work.streamed.values()) == learnt + standardised + max(epochs.values()) * validate + scored
    assert learnt <= estimate.forwards <= RECIPE.epochs * (sum(sizes.values()) + validate)


def test_no_room_anywhere(
    shards: Path, whole: tuple[TableRun, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk and no memory: even the vectors of the scores that need no fitting are computed."""
    monkeypatch.chdir(tmp_path)
    for measure in ("measure_disk", "free_disk"):
        monkeypatch.setattr(placement, measure, lambda folder: placement.Disk(10, 1e9, 1e9))
    told: list[str] = []
    run = run_table(faces(shards), ROWS, settings("auto", max_memory_gib=1e-9), tell=told.append)
    assert all("computed anew in every epoch" in line for line in told)
    assert_same(whole[0], run, atol=1e-4)


@pytest.mark.parametrize("what", [pytest.param("all", marks=pytest.mark.slow), "maps"])
def test_broken_images_are_left_out_alike(
    what: str, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def data() -> Faces:
        made = faces(shards, max_broken=0.1)
        splits = [made.rows(split) for split in ("fit", "validate", "calibrate", "test")]
        hashes = np.array(made.keys.sha256[:])
        hashes[np.concatenate([rows[[2, 7]] for rows in splits])] = b"0" * 64  # no image has this hash
        made.keys = replace(made.keys, sha256=Digests.of(hashes))
        return made

    stored, plain = data(), settings(tmp_path / "store")
    whole = run_table(stored, ROWS, plain)
    assert len(whole.broken) == 8
    found = estimate_table(data(), ROWS, plain)
    assert found.kept == found.heads
    anew(monkeypatch, PLACED[what])
    run = run_table(data(), ROWS, settings("auto"))
    assert_same(whole, run, atol=1e-4)
    assert sorted(run.broken) == sorted(whole.broken)

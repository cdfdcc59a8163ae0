"""A table whose activations do not fit in memory reads them from disk as they are needed, and is the same."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mint_lightning.audited import Entry
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.audit import TableRun, run_table, wanted_rows
from mint_lightning.learning.folds import make_folds
from mint_lightning.learning.networks import device_of
from tests.small_table import ROWS, Work, assert_same, faces, settings

pytestmark = pytest.mark.integration


def test_what_exceeds_memory_is_read_from_disk(
    shards: Path, whole: tuple[TableRun, Path], tmp_path: Path, work: Work
) -> None:
    for kept in ("aad", "twins"):  # the heads are learnt anew
        shutil.copytree(whole[1] / kept, tmp_path / kept)
    small = settings(tmp_path, max_memory_gib=0.0001)
    data = faces(shards)
    made = Activations.read(
        data, ROWS, wanted_rows(make_folds(data, 0, 0)), small.networks(data), small.keeping, device=device_of("cpu")
    )
    kept_as = [type(kept) for own in made.bank.aad.values() for kept in own.values()]
    assert 0 < kept_as.count(Entry) < len(kept_as), "some fit and others do not"
    assert_same(whole[0], run_table(faces(shards), ROWS, small))
    assert not work.images
    assert work.epochs


def test_no_memory_at_all(shards: Path, whole: tuple[TableRun, Path], tmp_path: Path) -> None:
    shutil.copytree(whole[1] / "aad", tmp_path / "aad")
    none = settings(tmp_path, twins=0, pixels=False, max_memory_gib=1e-9)
    run = run_table(faces(shards), [ROWS[0], ROWS[3]], none)
    for row, other in zip(run.rows, [whole[0].rows[0], whole[0].rows[3]], strict=True):
        assert row.audited.key.tolist() == other.audited.key.tolist()
        np.testing.assert_allclose(row.audited.score, other.audited.score, atol=1e-4)  # other heads share the sums

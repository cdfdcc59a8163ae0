"""The demo over many seeds: what was planted is found, what is not there is not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.demo import findings, nulls, planted

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the seeds run; MINT_SLOW_FOLDER keeps them, so that a stopped run goes on."""
    kept = os.environ.get("MINT_SLOW_FOLDER")
    path = Path(kept) if kept else tmp_path_factory.mktemp("seeds")
    path.mkdir(parents=True, exist_ok=True)
    here = Path.cwd()
    os.chdir(path)
    yield path
    os.chdir(here)


def test_planted_membership_is_found() -> None:
    found = [bool(findings(planted(seed))) for seed in range(10)]
    assert sum(found) >= 9, found


def test_where_there_is_nothing_nothing_beyond_the_error_rate_is_found() -> None:
    found = [bool(findings(table)) for table in nulls(40)]
    assert sum(found) <= 5, found

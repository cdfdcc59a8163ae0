"""The benchmark of false claims, small: it runs, claims no more often than chance allows, and without references never.

The whole, of twenty seeds, is benchmarks/claims.md.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.stats import binomtest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def test_a_small_pool_is_counted(tmp_path: Path) -> None:
    page = tmp_path / "claims.md"
    small = [
        "--seeds",
        "2",
        "--pool",
        "3",
        "--people",
        "40",
        "--identities",
        "120",
        "--training_epochs",
        "1",
        "--epochs",
        "2",
    ]
    chosen = ["--changes", "black border", "grey", "--folder", str(tmp_path / "work"), "--page", str(page)]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.claims", *small, *chosen],
        check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    text = page.read_text(encoding="utf-8")
    assert "| black border | 6 |" in text
    assert "| **all** | 12 |" in text
    for path in (tmp_path / "work").glob("cells_*.json"):
        kept = json.loads(path.read_text())["turns"].values()
        claims, count = sum(turn["claims"] for turns in kept for turn in turns), sum(map(len, kept))
        assert binomtest(claims, count, 0.025, alternative="greater").pvalue > 0.05
        for turns in kept:
            assert len(turns) == 3
            assert not any(turn["claims_without"] for turn in turns)
            assert all(
                set(turn["auc"]) == {"Vanilla conv4", "Vanilla outcome", "Embedding norm", "Flip agreement"}
                for turn in turns
            )

"""The plain parts of benchmarks/stream: rates, what is watched, the page. No speed is asserted."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.common.jobs import ROOT
from benchmarks.common.stopwatch import Stopwatch
from benchmarks.stream import page as stream_page
from benchmarks.stream import parts as stream_parts
from benchmarks.stream.clock import PARTS, watched

pytestmark = pytest.mark.unit


def fitted(epoch: float, whole: float) -> dict[str, Any]:
    return {
        "fit_images": 80, "validate_images": 20, "epochs": 2, "epoch": epoch, "whole": whole, "before": 1.0,
        "workers": 0.1, "parts": {name: 0.1 for name, *_ in PARTS},
    }  # fmt: skip


def test_a_rate_counts_every_image_of_its_epoch() -> None:
    found = {"images": 100, "bare": [1.0, 2.0], "fit": [fitted(1.25, 4.0), fitted(2.0, 5.0)]}
    assert stream_page.epoch_ratios(found) == [0.8, 1.0]
    assert stream_page.whole_ratios(found) == [0.5, 0.8]


def test_enough_people_are_drawn() -> None:
    assert stream_parts.identities_for(256) * stream_parts.PHOTOS > 2 * 256
    assert stream_parts.identities_for(100_000) * stream_parts.PHOTOS < 2.1 * 100_000


def test_everything_is_put_back_after_watching() -> None:
    owners = [owner for _, owner, _ in PARTS]
    before = [dict(vars(owner)) for owner in owners]
    with watched(Stopwatch()):
        assert [dict(vars(owner)) for owner in owners] != before
    assert [dict(vars(owner)) for owner in owners] == before, "inherited attributes are gone again too"


def test_the_page_keeps_what_people_wrote_and_says_what_is_missed(tmp_path: Path) -> None:
    page = tmp_path / "stream.md"
    page.write_text(f"# Title\n\nConclusions.\n\n{stream_page.MARK}\nold figures\n", encoding="utf-8")
    fit = {"images": 100, "bare": [1.0, 1.0], "fit": [fitted(2.0, 5.0), fitted(2.0, 5.0)]}
    cut = {"images": 64, "share": 0.089, "tap": [1.0], "cut": [1.0], "whole": [10.0]}
    results = [
        ("fit_against_bare", {"network": {"architecture": "iresnet18"}, "images": 80, "repeats": 2}, fit),
        ("cut", {"images": 64, "repeats": 1, "batch": 32}, cut),
        ("decoding", {"images": 80, "repeats": 1}, {"images": 4000, "wall": [1.0], "processor": [1.0]}),
        ("memory", {"images": 10}, {"images": 10, "once_kib": 1000, "pss_kib": 900, "rss_kib": 2000}),
        ("memory", {"images": 100}, {"images": 100, "once_kib": 1050, "pss_kib": 1300, "rss_kib": 2400}),
    ]
    where = {"processor": "some", "cores": 2, "torch": "2", "threads": 2, "python": "3"}
    stream_page.write(page, results, where)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Title\n\nConclusions.\n\n<!--")
    assert "old figures" not in text
    assert "0.90: **not met** (0.5 against 0.9)" in text
    assert "1.10: **not met** (1.2 against 1.1)" in text
    assert text.count(": met") == 2


@pytest.mark.slow
def test_the_whole_benchmark_runs_small(tmp_path: Path) -> None:
    sizes = ["--small", "256", "--iresnet18", "--cut", "2", "--memory", "256", "--repeats", "1"]
    page = tmp_path / "stream.md"
    command = [sys.executable, "-m", "benchmarks.stream", *sizes, "--page", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8").count("## ") == 5

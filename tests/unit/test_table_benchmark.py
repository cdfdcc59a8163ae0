"""The plain parts of benchmarks/table: ratios, the extrapolation, what is watched, the page. No speed is asserted."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.common.jobs import ROOT, key
from benchmarks.common.stopwatch import Stopwatch, watched
from benchmarks.table import page as table_page
from benchmarks.table import run
from benchmarks.table.cnn import epoch_clock, head_alone
from benchmarks.table.plain import PlainCell
from benchmarks.table.stacking import stacking
from benchmarks.table.whole import parts
from mint_lightning.learning.table import MINTTable

pytestmark = pytest.mark.unit

GIVEN = {"network": {"architecture": "iresnet50"}, "images": 100, "sizes": [0.5, None], "seeds": 3, "epochs": 20}
LAPS = {"networks": 5.0, "activations": 10.0, "heads": 1.0, "scores": 0.5, "evidence": 0.5}
WHOLE: dict[str, Any] = {
    "images": 100,
    "rows": {"fit": 50, "validate": 10, "calibrate": 20, "test": 20},
    "halves": [50, 50],
    "bare": [[4.0, 6.0]],
    "table": [{"command": 20.0, "laps": LAPS, "parts": {"network": 9.0, "steps of heads": 1.0}}],
}
PLAIN: dict[str, Any] = {
    "images": 100, "validate": 10, "scored": 40, "bare": [0.1, 0.1],
    "cells": [{"place": "conv1", "samples": 0.5, "fit": 24, "learn": 0.2, "score": 0.1},
              {"place": "all_conv", "samples": None, "fit": 48, "learn": 0.2, "score": 0.1}],
}  # fmt: skip


def test_a_table_counts_from_its_first_image_to_its_last_figure() -> None:
    assert table_page.window(WHOLE["table"][0]) == 12.0
    assert table_page.whole_ratios(WHOLE) == [1.2]


def test_the_plain_script_is_extrapolated_to_all_heads() -> None:
    first = 20 * (24 * 0.2 + 10 * 0.1) + 40 * 0.1
    second = 20 * (48 * 0.2 + 10 * 0.1) + 40 * 0.1
    assert table_page.plain_seconds(GIVEN, PLAIN) == pytest.approx(3 * (first + second))
    assert table_page.plain_forwards(GIVEN, PLAIN) == pytest.approx(3 * (first + second) / 10)


def test_everything_that_is_watched_is_there_and_put_back() -> None:
    owners = [owner for _, owner, _ in parts()]
    before = [dict(vars(owner)) for owner in owners]
    with watched(Stopwatch(), parts()):
        assert [dict(vars(owner)) for owner in owners] != before
    assert [dict(vars(owner)) for owner in owners] == before
    methods = MINTTable.on_train_epoch_start, MINTTable.on_train_epoch_end
    with epoch_clock():
        assert MINTTable.on_train_epoch_start is not methods[0]
    assert (MINTTable.on_train_epoch_start, MINTTable.on_train_epoch_end) == methods


def test_the_plain_script_learns() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 2))
    images, member = torch.randn(32, 3, 8, 8), torch.arange(32) % 2
    images[member == 1] += 1
    cell = PlainCell(network.requires_grad_(False), ["0", "2"], images[:1], seed=0)
    assert cell.read(images).shape == (32, 6)
    for _ in range(40):
        cell.learn(images, member.float())
    scores = cell.score(images)
    assert scores[member == 1].mean() > scores[member == 0].mean()


def test_heads_alone_and_together_run() -> None:
    assert head_alone((2, 6, 6), steps=2, validate=5, batch=4)() > 0
    for head, shape in (("vanilla", [5]), ("cnn", [2, 6, 6])):
        found = stacking(head, shape, heads=2, batch=4, steps=1, repeats=2)
        assert all(seconds > 0 for kind in ("together", "loop") for seconds in found[kind])


def test_jobs_have_names_of_their_own() -> None:
    options = argparse.Namespace(
        network='{"architecture": "iresnet50"}', images=100, seeds=3, epochs=20, turns=1, limit=8,
        cnn=100, growth=[10, 100], stacked=None, batch=64, repeats=2,
    )  # fmt: skip
    jobs = run.jobs(options)
    assert len({key(name, arguments, "code", {}) for name, arguments in jobs}) == len(jobs)
    assert {name for name, _ in jobs} == set(run.table_parts.__all__)
    options.images, options.cnn, options.growth, options.stacked = 0, 0, [], 0
    assert run.jobs(options) == []


def test_the_page_says_what_is_missed(tmp_path: Path) -> None:
    growth = [
        {"images": n, "seconds": s, "laps": LAPS, "kib": {"Pss": 9, "Rss": 9, "Pss_Anon": a}, "aad_bytes": 9 * n}
        for n, s, a in ((10, 10.0, 1024), (100, 19.0, 1024), (1000, 200.0, 11 * 1024))
    ]  # fmt: skip
    kept = {"table": [1.3, 1.3], "alone": [1.0, 1.0]}
    grown = {"network": {"architecture": "iresnet_small", "arguments": {"stem_stride": 4}}, "seeds": 3, "epochs": 5,
             "batch": 64, "kept": "memory"}  # fmt: skip
    results = [
        ("whole", GIVEN | {"batch": 64}, WHOLE),
        ("plain", GIVEN | {"limit": 8}, PLAIN),
        ("cnn", {"tap": "conv4"}, {"shape": [2, 6, 6], "fit": 64, "validate": 8, "memory": kept, "disk": kept}),
        *(("growth", grown, found) for found in growth),
        ("stacking", {"head": "cnn", "shape": [2, 6, 6], "heads": 3, "batch": 8},
         {"loop": [0.1, 0.1], "together": [0.2, 0.2]}),
    ]  # fmt: skip
    page = tmp_path / "table.md"
    table_page.write(page, results, {"processor": "some", "cores": 2, "torch": "2", "threads": 2, "python": "3"})
    text = page.read_text(encoding="utf-8")
    assert text.count("\n## ") == 5
    assert "| 1.200 | 1.25: met |" in text
    assert "100: **not met**" in text
    assert "1.25: **not met** (1.3 against 1.25)" in text
    assert "costs 2.01 of one at the step before (1.25: **not met** (2.01 against 1.25))" in text
    assert "anonymous memory grew by 10 MiB" in text
    assert "| cnn | 2x6x6 | 3 | 8 | 100.0 (100.0 to 100.0) | 200.0 (200.0 to 200.0) | 0.50 (0.50 to 0.50) |" in text


@pytest.mark.slow
def test_the_whole_benchmark_runs_small(tmp_path: Path) -> None:
    sizes = ["--network", '{"architecture": "iresnet_small"}', "--images", "400", "--seeds", "1", "--epochs", "2",
             "--limit", "8", "--cnn", "200", "--growth", "400", "--stacked", "1", "--batch", "32",
             "--repeats", "1"]  # fmt: skip
    page = tmp_path / "table.md"
    command = [sys.executable, "-m", "benchmarks.table", *sizes, "--page", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8").count("\n## ") == 5

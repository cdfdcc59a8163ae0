"""The plain parts of benchmarks/scale: arithmetic, the page, each part at its smallest. No speed is asserted."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.common.jobs import ROOT, key
from benchmarks.scale import page as scale_page
from benchmarks.scale import parts as scale_parts
from benchmarks.scale import run, sizing
from benchmarks.scale.compared import furthest, largest, same
from benchmarks.scale.kills import tried
from benchmarks.scale.streaming import window
from benchmarks.scale.tables import rows
from mint_lightning.learning.rows import RowSpec, check_names

pytestmark = pytest.mark.unit

WHERE = {"processor": "some", "cores": 2, "torch": "2", "threads": 2, "python": "3"}
FACES = {"identities": 60, "side": 32, "batch": 32, "epochs": 3, "seeds": 5}
KILL = {"kind": "fit", "step": 3, "sent": "SIGKILL", "delay": 0.0, "killed": True, "code": -9, "seconds": 1.0}


def streamed(tars: int, growth: float) -> dict[str, Any]:
    """100 snapshots at 10 images each: `growth` times the memory and the time in the last tenth."""
    snapshots, seconds = [], 0.0
    for point in range(1, 101):
        late = growth if point > 90 else 1.0
        seconds += late
        held = {"once_kib": 1024 * late, "rss_kib": 2048 * late, "files": 10.0}
        snapshots.append({"images": 10 * point, "seconds": seconds, **held})
    return {"images": 1000, "tars": tars, "packed": 100, "most_open": 11, "snapshots": snapshots}


def test_needs_are_as_worked_out_by_hand() -> None:
    measured = {"reading": 1000.0, "tar_bytes": 5000.0, "key_bytes": 2.0**20}
    found = sizing.need(nodes=2, gpus=4, rate=2500.0, images=7_200_000, measured=measured)
    assert found.images_per_second == 10_000
    assert (found.workers, found.lanes) == (12, 24)  # three for each of 4 and of 8 GPUs
    assert found.megabytes_per_second == 50.0
    assert found.pass_hours == pytest.approx(0.1)  # 7.2 million at 20,000 a second: 360 s
    assert found.epoch_hours == pytest.approx(0.06)  # 60 % of them
    assert found.key_gib == pytest.approx(16 * 7_200_000 / 1024)  # 4 processes and 12 workers
    assert sizing.need(1, 1, 1.0, 3600, measured).workers == 1


def test_the_sizing_says_where_its_rates_are_from(tmp_path: Path) -> None:
    page = tmp_path / "scale.md"
    page.write_text(f"# Scale\n\n## Sizing\n\n{sizing.MARK}\nold figures\n", encoding="utf-8")
    sizing.main(["--nodes", "1", "--gpus", "8", "--rates", "500", "--page", str(page)])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Scale\n\n## Sizing\n\n<!--")
    assert "old figures" not in text
    assert "Assumed, not measured" in text
    assert "| 1 x 8 | 500 | 4,000 | 8 | 8 |" in text
    assert "benchmarks/stream.md" in text


def test_a_window_leaves_out_the_rest() -> None:
    found = streamed(8, 2.0)
    start, end = window(found, 0.01, 0.1), window(found, 0.9, 1.0)
    assert (start["rate"], start["once_kib"], start["files"]) == (10.0, 1024.0, 10.0)
    assert (end["rate"], end["once_kib"]) == (5.0, 2048.0)
    with pytest.raises(ValueError, match="more points"):
        window(found, 0.0, 0.01)


def test_what_is_the_same_has_the_same_bits() -> None:
    one = {"a": torch.tensor([1.0, 2.0]), "b": [(1, 2.0)]}
    assert same(one, {"a": torch.tensor([1.0, 2.0]), "b": [(1, 2.0)]})
    assert not same(one, {"a": torch.tensor([1.0, 2.0], dtype=torch.float64), "b": [(1, 2.0)]})
    assert not same(one, {"a": torch.tensor([1.0, 2.0 + 1e-6]), "b": [(1, 2.0)]})
    assert not same(one, {"a": torch.tensor([1.0, 2.0])})
    assert largest({"a": torch.tensor([1.0, 4.0])}, {"a": torch.tensor([1.5, 2.0])}) == 2.0
    assert furthest({"fit/loss": [(1, 0.5)], "epoch": [(1, 0)]}, {"fit/loss": [(1, 0.25)]}, "loss") == 0.25
    with pytest.raises(ValueError, match="same steps"):
        furthest({"fit/loss": [(1, 0.5)]}, {"fit/loss": [(2, 0.5)]}, "loss")


def test_half_a_line_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "kills.jsonl"
    assert tried(path) == []
    path.write_text('{"number": 0}\n{"numb', encoding="utf-8")
    assert tried(path) == [{"number": 0}]
    assert path.read_text(encoding="utf-8") == '{"number": 0}\n'


def test_every_job_has_a_part_and_a_name_of_its_own() -> None:
    jobs = run.jobs(run.parsed([]))
    assert {name for name, _ in jobs} == set(scale_parts.__all__)
    assert len({key(name, arguments, "code", {}) for name, arguments in jobs}) == len(jobs)
    assert [name for name, _ in run.jobs(run.parsed(["--only", "soak"]))] == ["soak"]
    specs = rows(60, epochs=2)
    check_names([RowSpec(spec["head"], spec["taps"], name=spec.get("name")) for spec in specs])
    assert len({str(spec) for spec in specs}) == 60


def test_the_page_says_what_is_missed(tmp_path: Path) -> None:
    page = tmp_path / "scale.md"
    page.write_text(f"# Title\n\nConclusions.\n\n{scale_page.MARK}\nold figures\n", encoding="utf-8")
    clock = {"images": 100, "epochs": [9.0, 2.0, 2.0]}
    equal = {"same": True, "head": 0.0, "scores": 0.0, "auc": 0.0}
    changes = {"again": equal, "no workers": {"same": False, "head": 1e-3, "scores": 0.1, "auc": 0.0}}
    far = {"head": 1e-7, "loss": 1e-3, "auc": 0.0}
    results: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("ddp", FACES, {"one": clock, "two": clock | {"epochs": [9.0, 1.0, 1.0]}, **far}),
        ("kills", FACES, {"steps": {"fit": 9, "table": 20}, "kills": [
            {**KILL, "number": 0, "different": []},
            {**KILL, "number": 4, "kind": "table", "different": ["heads", "figures"]}]}),
        ("soak", {"images": 1000}, streamed(8, 2.0)),
        ("shards", {"images": 100, "passes": 10}, streamed(1000, 1.0)),
        ("shards", {"images": 100, "passes": 10}, streamed(32, 1.0)),
        ("table", FACES, {"cells": 300, "seconds": 60.0, "laps": {"heads": 30.0}, "once_kib": 4096, "rss_kib": 4096}),
        ("table", FACES, {"cells": 30, "seconds": 15.0, "laps": {"heads": 3.0}, "once_kib": 2048, "rss_kib": 4096}),
        ("determinism", FACES, {"base": {"auc": 0.5}, "changes": changes}),
        ("facts", {}, {"faces": 10, "tar_bytes": 5000.4, "rows": 100, "key_bytes": 99.6, "key_disk_bytes": 40.0}),
    ]  # fmt: skip
    scale_page.write(page, results, WHERE)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Title\n\nConclusions.\n\n<!--")
    assert "old figures" not in text
    assert text.count("\n## ") == 7
    assert "| 50 (50 to 50) | 100 (100 to 100) | 2.00 (2.00 to 2.00) |" in text
    assert "| head weights | 1.0e-07 | 1e-05: met |" in text
    assert "| logged losses | 1.0e-03 | 1e-05: **not met** (0.001 against 1e-05) |" in text
    assert "| `fit` | 9 | 1 | 1 |" in text
    assert "**1 of 2 did not:**" in text
    assert "- number 4, `table`, SIGKILL 0.000 s behind batch 3: heads, figures" in text
    assert "| once, MiB | 1 | 2 | 2.000 | 1.05: **not met** (2 against 1.05) |" in text
    assert "| images/s | 10 | 5 | 0.500 | 0.90: **not met** (0.5 against 0.9) |" in text
    assert "| 32 | 10 | 1.000 | 11 | 1 | 1.000 | 2 |" in text
    assert "| 300 | 60.0 | 0.20 | 30.0 | 0.0 | 4 | 2.000 | 4 |" in text
    assert "| again | yes | 0.0e+00 | 0.0e+00 | 0.0e+00 | same bits: met |" in text
    assert "| no workers | no | 1.0e-03 | 1.0e-01 | 0.0e+00 | same bits: **not met** |" in text
    assert "there is none" in text


def test_streams_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = scale_parts.soak(images=1280, packed=640, batch=64, points=8)
    assert found["images"] == 1280
    assert len(found["snapshots"]) == 8
    assert window(found, 0.1, 1.0)["rate"] > 0
    many = scale_parts.shards(images=640, tar=4, passes=1, batch=64, points=4)
    assert many["tars"] > 2 * found["tars"]
    assert many["most_open"] > 0


@pytest.mark.slow
def test_killed_runs_go_on_and_the_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"identities": 60, "photos": 5, "side": 32, "arguments": run.TINY, "seed": 0}
    first = scale_parts.kills(count=2, **given)["kills"]
    found = scale_parts.kills(count=5, **given)["kills"]
    assert found[:2] == first
    assert len(found) == 5
    assert not any(each["different"] for each in found)


@pytest.mark.slow
def test_the_whole_benchmark_runs_small(tmp_path: Path) -> None:
    sizes = ["--ddp", "60", "--same", "60", "--side", "32", "--network", '{"widths": [4, 4, 8, 8], "embedding": 8}']
    sizes += ["--batch", "32", "--epochs", "2", "--kills", "1", "--soak", "4000", "--packed", "500", "--shards", "100"]
    sizes += ["--images", "500", "--table", "2", "4", "--seeds", "1", "--identities", "60", "--facts", "10"]
    page = tmp_path / "scale.md"
    command = [sys.executable, "-m", "benchmarks.scale", *sizes, "--page", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8").count("## ") == 7

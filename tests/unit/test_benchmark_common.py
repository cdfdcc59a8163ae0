"""What the benchmarks share: ratios, names of results, the stopwatch, the page."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.common.figures import ratios, spread, verdict, write_below
from benchmarks.common.jobs import ROOT, Bench, key
from benchmarks.common.processes import files, usage
from benchmarks.common.stopwatch import Stopwatch

pytestmark = pytest.mark.unit


def test_ratios_compare_neighbours() -> None:
    assert ratios([2.0, 3.0], [4.0, 2.0]) == [0.5, 1.5]
    with pytest.raises(ValueError):
        ratios([1.0], [1.0, 2.0])


def test_a_spread_is_the_median_with_its_range() -> None:
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00 to 3.00)"
    assert spread([3000.4, 1000.0], 0) == "2,000 (1,000 to 3,000)"
    assert spread([3.0]) == "3.00"


def test_a_verdict_says_what_is_missed() -> None:
    assert verdict(0.9, 0.9, at_least=True) == "met"
    assert verdict(0.85, 0.9, at_least=True) == "**not met** (0.85 against 0.9)"
    assert verdict(1.04, 1.05, at_least=False) == "met"
    assert verdict(1.2, 1.05, at_least=False).startswith("**not met**")


def test_results_are_kept_for_the_same_work_on_the_same_code(tmp_path: Path) -> None:
    one = key("cut", {"images": 64, "repeats": 5}, "code", {"cores": 2})
    assert one == key("cut", {"repeats": 5, "images": 64}, "code", {"cores": 2})
    others = [
        key("cut", {"images": 65, "repeats": 5}, "code", {"cores": 2}),
        key("cut", {"images": 64, "repeats": 5}, "changed", {"cores": 2}),
        key("cut", {"images": 64, "repeats": 5}, "code", {"cores": 4}),
        key("memory", {"images": 64, "repeats": 5}, "code", {"cores": 2}),
    ]
    assert len({one, *others}) == 5
    bench = Bench("benchmarks.some", tmp_path, ("datamodules/*.py",), None)
    (tmp_path / "datamodules").mkdir()
    file = tmp_path / "datamodules/faces.py"
    file.write_text("a")
    before = bench.sources(tmp_path)
    (tmp_path / "README.md").write_text("does not matter")
    assert bench.sources(tmp_path) == before
    file.write_text("b")
    assert bench.sources(tmp_path) != before
    assert bench.sources() == bench.sources(ROOT)


def test_the_stopwatch_counts_each_moment_once() -> None:
    watch = Stopwatch()
    start = time.perf_counter()
    with watch.part("outer"):
        time.sleep(0.02)
        with watch.part("inner"):
            time.sleep(0.03)
    values = watch.of("values", lambda: iter([1, 2]))()
    assert next(values) == 1
    time.sleep(0.05)  # is not the generator's
    assert list(values) == [2]
    total = time.perf_counter() - start
    assert watch.seconds["inner"] >= 0.03
    assert watch.seconds["outer"] >= 0.02
    assert sum(watch.seconds.values()) <= total - 0.05


def test_what_people_wrote_above_the_mark_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    write_below(page, "<!-- mark -->", "Title", ["one"])
    assert page.read_text() == "# Title\n\n<!-- mark -->\n\none\n"
    page.write_text("# Mine\n\nConclusions.\n\n<!-- mark -->\n\nold\n")
    write_below(page, "<!-- mark -->", "Title", ["two"])
    assert page.read_text() == "# Mine\n\nConclusions.\n\n<!-- mark -->\n\ntwo\n"


MAPS = """
import mmap, sys
with open(sys.argv[1], "rb") as file:
    seen = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    sum(seen[::4096])
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_file_that_two_processes_have_mapped_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "library"
    path.write_bytes(bytes(8 * 2**20))
    both = [
        subprocess.Popen([sys.executable, "-c", MAPS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for each in both:
            assert each.stdout is not None
            assert each.stdout.readline()
        alone, together = files([both[0].pid]), files([each.pid for each in both])
        assert alone[str(path)] == together[str(path)] == 8 * 1024
        assert usage(both[0].pid)["Rss"] > 8 * 1024
    finally:
        for each in both:
            each.communicate()

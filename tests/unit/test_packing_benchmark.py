"""The page of benchmarks/packing: rates, verdicts, and what people wrote stays. No speed is asserted."""

from pathlib import Path

import pytest

from benchmarks.packing import page as packing_page
from benchmarks.packing import parts as packing_parts

pytestmark = pytest.mark.unit


def test_the_page_says_what_is_missed(tmp_path: Path) -> None:
    page = tmp_path / "packing.md"
    page.write_text(f"# Title\n\nConclusions.\n\n{packing_page.MARK}\nold figures\n", encoding="utf-8")
    where = {"processor": "some", "cores": 2, "torch": "2", "threads": 1, "python": "3"}
    results = [
        ("plain", {}, {"images": 3000, "processor": [1.0, 1.5, 3.0], "wall": [2.0, 2.0, 2.0]}),
        (
            "detection",
            {"detector": "centerface"},
            {"images": 10, "input": [8, 3, 32, 64], "whole": [2], "bare": [1], "single": [1]},
        ),
        ("memory", {}, {"images": 1000, "once_kib": 2000, "rss_kib": 3000, "seconds": 2.0}),
        ("memory", {}, {"images": 3000, "once_kib": 2400, "rss_kib": 3000, "seconds": 5.0}),
    ]
    packing_page.write(page, results, where)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Title\n\nConclusions.\n\n<!--")
    assert "old figures" not in text
    assert "| 3,000 | 2,000 (1,000 to 3,000) | 1,500 (1,500 to 1,500) | 1,500: met |" in text
    assert "| CenterFace | 10 | 32 x 64 | 8 | 10.0 | 10.0 | 5.0 | 0.500 |" in text
    assert "1.200" in text
    assert "| 205 | 5 | 1.10: **not met** (1.2 against 1.1) |" in text


def test_every_stage_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packing_parts.cv2, "setNumThreads", lambda threads: None)  # it would last for other tests
    found = packing_parts.stages(images=4, repeats=1)
    assert list(found) == ["images", "decode", "align", "encode", "hash and write"]
    assert all(len(found[name]) == 1 and found[name][0] > 0 for name in found if name != "images")
    assert packing_parts.plain(images=40, repeats=1)["wall"][0] > 0

"""The plain parts of benchmarks/networks: ratios, the page, what a job gives. No speed is asserted."""

from pathlib import Path

import pytest

from benchmarks.networks import page as networks_page
from benchmarks.networks.speed import tap_speed

pytestmark = pytest.mark.unit
WHERE = {"processor": "some", "cores": 2, "torch": "2", "threads": 2, "python": "3"}
FIGURE = {"value": 0.6, "low": 0.5, "high": 0.7}


def test_a_tap_is_compared_with_the_bare_run_beside_it() -> None:
    found = {"order": ["a", "b"], "seconds": {"bare": [1.0, 2.0, 3.0, 4.0], "a": [2.0, 3.0], "b": [1.0, 8.0]}}
    assert networks_page.relative(found, "a") == [0.5, 1.0]
    assert networks_page.relative(found, "b") == [2.0, 0.5]


def test_a_network_is_clocked_at_every_tap_and_at_all() -> None:
    found = tap_speed("cifar_resnet20", batch=2, turns=2)
    assert found["order"] == ["conv1", "conv2", "conv3", "features", "outcome", "all taps"]
    assert len(found["seconds"]["bare"]) == 2 * len(found["order"])
    assert all(len(found["seconds"][tap]) == 2 for tap in found["order"])
    assert found["shares"]["outcome"] == pytest.approx(1.0)


def test_the_page_of_networks_has_all_that_was_measured(tmp_path: Path) -> None:
    page = tmp_path / "networks.md"
    page.write_text(f"# Title\n\nConclusions.\n\n{networks_page.MARK}\nold\n", encoding="utf-8")
    speed = {"images": 64, "order": ["conv1"], "seconds": {"bare": [2.0], "conv1": [1.0]}, "shares": {"conv1": 0.25}}
    both = {"Vanilla conv1": FIGURE}
    formats = {"apart": {"conv1": 0.0123}, "auc": {"float32": both, "bfloat16": both}, "images": 256}
    run = {"curve": [0.5, 0.7, 0.6], "test": 0.65}
    warm = {"further": {"anew": [run], "from the first": [run]}}
    learnt = {"people": 40, "epochs": 2, "seeds": 1}
    results = [
        ("tap_speed", {"name": "net", "batch": 64, "turns": 1}, speed),
        ("formats", learnt, formats),
        ("warm", {**learnt, "tap": "outcome"}, warm),
    ]
    networks_page.write(page, results, WHERE)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Title\n\nConclusions.")
    assert "old" not in text
    assert "| net | 64 | 32.0 | conv1 2.00 (25 %) |" in text
    assert "conv1 1.23 %" in text
    assert "| Vanilla conv1 | 0.600 [0.500, 0.700] | 0.600 [0.500, 0.700] |" in text
    assert "| further | from the first | 0.500 | 0.700 | 2 | 0.650 |" in text

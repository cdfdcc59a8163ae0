"""MLflow's own page in a real browser: cells are sorted, filtered and plotted. `MINT_PICTURES=docs` keeps pictures."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mint_lightning.tracking import log_table, open_store
from mint_lightning.tracking.ui import links
from tests.evidence_fixture import context
from tests.tracked_table import cells_evidence

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,  # half a minute, most of it until MLflow's server answers
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
PATIENCE = 60_000
FILTER = "tags.kind = 'cell' and params.tap = 'conv4' and tags.role = 'audited'"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of the saved views on a running page."""
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as outside:
        outside.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = open_store(root)
        evidence = cells_evidence(rows=24, networks=4, seeds=3, epochs=12)
        log_table(evidence, context(title="Synthetic faces"), store=store, experiment="faces")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = (root / "log").open("wb")
        server = subprocess.Popen(
            [sys.executable, "-m", "mint_lightning.tracking.ui", str(port)], cwd=root, stdout=log, stderr=log
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", server)
        yield {line.partition(": ")[0]: line.partition(": ")[2] for line in links(store, port)}
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 800})
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


def test_layers_shows_rows_by_excess(served: dict[str, str], page: Any) -> None:
    _open(page, served["faces, Layers"])
    assert page.get_by_text("matching runs").inner_text() == "24 matching runs"
    assert _column(page, "params.`tap`")[:3] == ["conv4"] * 3
    assert _column(page, "tags.`finds`")[:3] == ["yes"] * 3
    _keep(page, "mlflow_layers")


def test_cells_are_filtered_and_sorted(served: dict[str, str], page: Any) -> None:
    _open(page, served["faces, Cells"])
    box = page.get_by_test_id("search-box")
    box.fill(FILTER)
    box.press("Enter")
    page.get_by_text("18 matching runs").wait_for()  # 6 rows at conv4, 3 seeds
    assert set(_column(page, "params.`tap`")) == {"conv4"}
    assert set(_column(page, "params.`role`")) == {"audited"}
    falling = [float(value) for value in _column(page, "metrics.`auc`")]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > falling[-1]
    _keep(page, "mlflow_cells")
    page.locator(".ag-header-cell[col-id='metrics.`auc`']").click()
    page.wait_for_url("**orderByAsc=true**")
    page.wait_for_function(
        "first => document.querySelector(\".ag-row[row-index='0'] [col-id='metrics.`auc`']\")?.innerText != first",
        arg=str(falling[0]),
    )
    rising = [float(value) for value in _column(page, "metrics.`auc`")]
    assert rising == sorted(rising)


def test_cells_are_plotted(served: dict[str, str], page: Any) -> None:
    _open(page, served["faces, Cells"])
    box = page.get_by_test_id("search-box")
    box.fill(FILTER)
    box.press("Enter")
    page.get_by_text("18 matching runs").wait_for()
    page.locator("input[type=radio][value=CHART]").evaluate("button => button.click()")
    page.get_by_placeholder("Search metric charts").fill("validate_auc|^auc$")
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length == 3")  # the others are hidden
    drawn = page.evaluate("[...document.querySelectorAll('.js-plotly-plot')].map(plot => plot.data)")
    bars, _, curves = sorted(drawn, key=len)
    assert (bars[0]["type"], len(bars[0]["x"])) == ("bar", 10)  # the page draws the first ten runs
    assert {(line["type"], len(line["x"])) for line in curves} == {("scatter", 12)}  # a curve over 12 epochs
    _keep(page, "mlflow_charts")


def _open(page: Any, address: str) -> None:
    page.goto("about:blank")
    page.goto(address)
    page.locator(".ag-row[row-index='0'] [col-id='params.`tap`']").wait_for()
    assistant = page.get_by_role("button", name="Close", exact=True)
    if assistant.count():
        assistant.first.click()


def _column(page: Any, name: str) -> list[str]:
    """Values of a column in the order of the rows on the page, which is not that of the document."""
    script = """name => [...document.querySelectorAll('.ag-center-cols-container .ag-row, .ag-row')]
        .map(row => [Number(row.getAttribute('row-index')), row.querySelector(`[col-id="${name}"]`)?.innerText])
        .filter(([, text]) => text).sort((a, b) => a[0] - b[0]).map(([, text]) => text)"""
    return list(page.evaluate(script, name))


def _keep(page: Any, name: str) -> None:
    if folder := os.environ.get("MINT_PICTURES"):
        page.wait_for_timeout(2000)  # until nothing moves
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def _wait(address: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(240):
        assert server.poll() is None, "the server of the page ended"
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the server of the page does not answer")

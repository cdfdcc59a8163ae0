"""The markdown table has the figures of the evidence, and a name cannot break out of its cell."""

import pytest

from mint_lightning.report.markdown import escape, render_markdown
from tests.evidence_fixture import context, table_evidence

pytestmark = pytest.mark.unit


def table_lines(text: str, heading: str = "| Row | AUC") -> list[str]:
    """The table whose heading begins so."""
    return next(part for part in text.split("\n\n") if part.startswith(heading)).splitlines()


def cell_count(line: str) -> int:
    return line.replace("\\|", "").count("|") - 1


def test_one_line_for_each_row_with_its_figures():
    evidence = table_evidence()
    lines = table_lines(render_markdown(evidence))
    assert len(lines) == 2 + len(evidence.rows)
    assert len({cell_count(line) for line in lines}) == 1
    for row, line in zip(evidence.rows, lines[2:], strict=True):
        assert row.name in line
        assert f"{row.auc.value:.3f} [{row.auc.low:.3f}, {row.auc.high:.3f}]" in line
        assert f"{row.excess.value:+.3f}" in line
        assert ("**yes**" in line) == row.finds


def test_the_claim_opens_and_the_making_closes_it():
    evidence = table_evidence()
    text = render_markdown(evidence, context())
    assert text.startswith("**Scores like training photos.** CNN conv4 exceeds")
    assert "- Command: `python -m mint_lightning demo`" in text
    assert "manifest `5eed5eed5eed5eed`" in text
    assert "train the audited network 1 min 58 s" in text
    assert text.endswith("\n")
    assert "Command" not in render_markdown(evidence)


def test_a_hostile_name_stays_in_its_cell():
    name = "a | b <script>alert(1)</script> `x` [l](http://x) ![i](y) *b*\nnext"
    rows = ((name, "vanilla", "conv1", 0.0), ("Vanilla conv4", "vanilla", "conv4", 0.0))
    lines = table_lines(render_markdown(table_evidence(3, rows=rows)))
    assert len(lines) == 4
    assert cell_count(lines[2]) == cell_count(lines[3])
    assert "<script" not in lines[2]
    assert "\\[l](" in lines[2]
    assert "\\`x\\`" in lines[2]


def test_plain_text_is_left_as_it_is():
    assert escape("AUC 0.543 [0.519, 0.567], p < 0.001 & more") == "AUC 0.543 [0.519, 0.567], p < 0.001 & more"

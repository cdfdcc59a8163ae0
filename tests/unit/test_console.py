"""The printed table says what the evidence says, at every width."""

import io

import pytest
from rich.console import Console

from mint_lightning.report.console import print_table
from tests.evidence_fixture import context, null_evidence, table_evidence

pytestmark = pytest.mark.unit


def printed(evidence, width=160, **changes) -> str:
    stream = io.StringIO()
    print_table(evidence, context(**changes), Console(file=stream, width=width, color_system=None))
    return stream.getvalue()


def line_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(name))


def test_every_figure_of_a_row_is_printed():
    evidence = table_evidence()
    row = evidence.row("CNN conv4")
    text = printed(evidence)
    first = line_of(text, "CNN conv4")
    point = row.operating[1]
    best_pixels = next(c for c in row.controls if c.kind == "pixels" and c.counts)
    twins = next(c for c in row.controls if c.kind == "twins")
    for figure in (row.auc.value, best_pixels.auc.value, twins.auc.value):
        assert f"{figure:.3f}"[1:] in first
    assert f"{100 * row.accuracy.value:.1f} %" in first
    assert f"{100 * point.tpr.value:.1f} %" in first
    assert f"{row.excess.value:+.3f}".replace("+0", "+") in first
    assert "yes" in first
    assert f"{row.auc.images:,}" in first
    second = text.splitlines()[text.splitlines().index(first) + 1]
    assert f"[{row.auc.low:.3f}, {row.auc.high:.3f}]".replace("0.", ".") in second
    assert "p <.001" in second
    assert str(row.auc.identities) in second


def test_the_spread_of_the_twins_is_their_standard_deviation():
    row = table_evidence().row("Vanilla conv1")
    values = [c.auc.value for c in row.controls if c.kind == "twin"]
    mean = sum(values) / 3
    spread = (sum((value - mean) ** 2 for value in values) / 2) ** 0.5
    assert f"±{spread:.3f}".replace("0.", ".") in line_of(printed(table_evidence()), "Vanilla conv1")


def test_the_claim_closes_the_output():
    evidence = table_evidence()
    text = " ".join(printed(evidence).split())
    assert text.endswith(" ".join(evidence.claim.reason.split()))
    assert "Scores like training photos. CNN conv4" in text


def test_a_table_that_finds_nothing_says_so():
    text = printed(null_evidence())
    assert "Not distinguishable." in text
    assert "yes" not in text


@pytest.mark.parametrize("width", [80, 90, 100, 120, 200])
def test_nothing_is_cut_at_any_width(width):
    """No line is longer than the terminal, and what is left out is named."""
    text = printed(table_evidence(2, references=2, random_partition=False), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for row in table_evidence(2, references=2, random_partition=False).rows:
        assert f"{row.auc.value:.3f}"[1:] in text
        assert f"[{row.auc.low:.3f}, {row.auc.high:.3f}]".replace("0.", ".") in text
    assert ("Not shown at this width" in text) == ("people" not in text.split("Intervals")[0])


def test_references_have_a_column_only_where_they_were_run():
    assert "References" in printed(table_evidence(2, references=2, random_partition=False), 200)
    assert "References" not in printed(table_evidence())
    assert "Controls not run: references." in printed(table_evidence())


def test_the_highest_of_several_references_stands_in_the_table():
    evidence = table_evidence(2, references=2, random_partition=False)
    for row in evidence.rows:
        lowest, highest = sorted(c.auc.value for c in row.controls if c.kind == "reference")
        first = line_of(printed(evidence, 200), row.name)
        assert f"{highest:.3f}"[1:] in first
        assert f"{lowest:.3f}"[1:] not in first


def test_missing_controls_are_shown_as_not_run():
    first = line_of(printed(table_evidence(2, controls=False)), "CNN conv4")
    assert first.count("not run") == 2
    assert "yes" not in first


def test_unresolvable_rates_are_not_invented():
    text = printed(table_evidence(0, people=60))
    assert "not resolvable" in text


def test_names_are_text_and_not_markup():
    rows = (("[bold]Vanilla[/bold] [link=x]conv1", "vanilla", "conv1", 0.3),)
    assert "[bold]Vanilla[/bold]" in printed(table_evidence(3, rows=rows), title="[red]T[/red]")

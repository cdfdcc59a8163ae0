"""What a yes is worth, and the parts of the photos, in every form of the report."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from mint_lightning.errors import UserError
from mint_lightning.evidence import RowScores, TableEvidence, weigh
from mint_lightning.report.figures import reliability
from mint_lightning.report.html import render_html
from mint_lightning.report.markdown import render_markdown
from mint_lightning.report.parts import parts
from mint_lightning.report.reliability import reliability_curve
from mint_lightning.report.tidy import table_csv
from mint_lightning.report.tidy_parts import reliability_csv, slices_csv
from mint_lightning.report.worth import worth, worth_columns, worth_note
from tests.evidence_fixture import context, table_evidence
from tests.unit.evidence_data import score_set
from tests.unit.test_html import Page

pytestmark = pytest.mark.unit
RARE = 'rare | <script>alert(1)</script> "x"'


@pytest.fixture(scope="module")
def sliced() -> TableEvidence:
    """Two rows on people of three databases, with an attribute of which one value is rare."""
    generator = np.random.default_rng(0)
    base = score_set(generator, shift=1.5, identities=2400, photos=2, sources=("lfw", "att", "cfp"))
    other = replace(base, score=generator.standard_normal(len(base)))
    rows = [
        RowScores("Vanilla conv4", "vanilla", "conv4", 0, 100, base, validate_auc=0.8),
        RowScores("Embedding norm", "score", "", 0, 0, other, validate_auc=0.9),
    ]
    age = {key: ("young", "old", RARE)[0 if n % 9 else 1 if n > 40 else 2] for n, key in enumerate(base.key.tolist())}
    return weigh(rows, random_partition=True, attributes={"age": age})


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_line_says_precision_with_its_bounds_epsilon_and_calibration():
    row = table_evidence().row("CNN conv4")
    found = worth(row)
    for each, key in zip(row.precision, ("precision_0.01", "precision_0.1", "precision_0.5"), strict=True):
        assert found[key].text == f"{100 * each.estimate.value:.1f} %"
        assert found[key].detail.startswith("≥ ")
    assert found["epsilon"].text == f"{row.epsilon.low:.2f}"
    assert found["ece"].text == f"{row.reliability.ece.value:.3f}"
    assert worth(table_evidence().row("Flip agreement"))["ece"].text == "–"
    assert [column.title for column in worth_columns([row])] == [
        "Row", "Precision, prior 1 %", "Precision, prior 10 %", "Precision, prior 50 %", "Epsilon at least", "ECE"
    ]  # fmt: skip
    assert "rule at 1 % FPR" in worth_note([row])
    assert "the database too" not in worth_note([row])
    assert "the database too" in worth_note(table_evidence().rows)
    assert worth_columns([replace(row, precision=(), epsilon=None, reliability=None)]) == ()


def test_a_small_table_says_at_which_rate_and_what_is_not_resolvable():
    small = table_evidence(5, rows=(("row", "vanilla", "conv1", 0.0),), people=60)
    assert small.rows[0].operating[0].resolvable
    assert "rule at 10 % FPR" in worth_note(small.rows)
    row = replace(small.rows[0], precision=(), epsilon=None)
    assert worth(row)["epsilon"].detail == "not resolvable"


def test_markdown_and_page_show_it_for_every_row(sliced):
    evidence = table_evidence()
    text, page = render_markdown(evidence), Page(render_html(evidence, context())).words
    block = next(part for part in text.split("\n\n") if part.startswith("| Row | Precision")).splitlines()
    assert len(block) == 2 + len(evidence.rows)
    assert "What a yes is worth" in page
    for row, line in zip(evidence.rows, block[2:], strict=True):
        cells = worth(row)
        for key in ("precision_0.01", "epsilon"):
            assert f"{cells[key].text} {cells[key].detail}" in line
            assert cells[key].detail in page
    assert "Parts of the photos" not in page
    assert "<details>" not in text


def test_parts_stand_folded_in_markdown_and_page(sliced):
    row = sliced.row("Vanilla conv4")
    assert list(parts(row)) == ["By set of outsiders, each against all training photos", "By age"]
    text = render_markdown(sliced, context())
    assert "<summary>Parts of the photos: " in text
    markup = render_html(sliced, context())
    page = Page(markup)
    assert "<summary>By age</summary>" in markup
    for part in row.slices:
        assert f"{part.images:,}" in page.words
        if part.auc is not None:
            assert f"{part.auc.value:.3f} [{part.auc.low:.3f}, {part.auc.high:.3f}]" in page.words
            assert f"{part.auc.value:.3f} [{part.auc.low:.3f}, {part.auc.high:.3f}]" in text
    assert "too few: " in text
    assert "too few: " in page.words
    assert not {"script"} & {tag for tag, _ in page.elements}
    assert "<script" not in text
    lines = [line for line in text.split("<details>")[1].splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_the_csv_files_have_every_figure(sliced):
    line, norm = read(table_csv(sliced, context()))
    row = sliced.row("Vanilla conv4")
    assert float(line["precision_prior_10_low"]) == row.precision[1].estimate.low
    assert float(line["precision_at_fpr"]) == 0.01
    assert float(line["epsilon_low"]) == row.epsilon.low
    assert float(line["ece_high"]) == row.reliability.ece.high
    assert float(line["ece_debiased"]) == row.reliability.debiased
    assert (norm["ece"], line["resolvable_at_0.01pct_fpr"], line["tpr_at_0.01pct_fpr"]) == ("", "false", "")
    found = read(slices_csv(sliced, context()))
    assert len(found) == sum(len(each.slices) for each in sliced.rows)
    for part, record in zip(row.slices, found, strict=False):
        assert (record["kind"], record["part"], record["reason"]) == (part.kind, part.name, part.reason)
        assert record["auc"] == ("" if part.auc is None else str(part.auc.value))
    bins = read(reliability_csv(sliced, context()))
    assert [float(record["observed_low"]) for record in bins] == [each.observed.low for each in row.reliability.bins]
    assert {record["row"] for record in bins} == {"Vanilla conv4"}
    empty = table_evidence(5, rows=(("row", "score", "", 0.0),), people=60)
    assert slices_csv(empty, context()).count("\n") == reliability_csv(empty, context()).count("\n") == 1


def test_the_curve_is_of_the_head_best_on_validate_and_shows_every_bin(sliced):
    row, picture = sliced.row("Vanilla conv4"), reliability(sliced)
    assert picture.title == "Reliability of Vanilla conv4"
    diagonal, *bars, curve = picture.figure.axes[0].get_lines()
    np.testing.assert_allclose(diagonal.get_xdata(), diagonal.get_ydata())
    np.testing.assert_allclose(curve.get_xdata(), [each.predicted for each in row.reliability.bins])
    np.testing.assert_allclose(curve.get_ydata(), [each.observed.value for each in row.reliability.bins])
    np.testing.assert_allclose(
        bars[0].get_ydata(), [row.reliability.bins[0].observed.low, row.reliability.bins[0].observed.high]
    )
    assert f"ECE {row.reliability.ece.value:.3f}" in picture.alt
    assert reliability_curve(sliced.row("Embedding norm")) is None


def test_an_attribute_that_lacks_an_image_is_refused():
    scores = score_set(np.random.default_rng(1), identities=60)
    row = RowScores("row", "score", "", 0, 0, scores)
    with pytest.raises(UserError, match="'age' lacks 240 of 240 images, 'image-00000' first"):
        weigh([row], random_partition=True, attributes={"age": {}})


def test_the_evidence_survives_json(sliced):
    assert TableEvidence.from_json(sliced.to_json()) == sliced

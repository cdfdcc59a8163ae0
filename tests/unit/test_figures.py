"""The pictures hold the data of the evidence, in files and in pages, without pyplot."""

import io
import re
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from mint_lightning.report import figures
from mint_lightning.report.picture import SERIES
from tests.evidence_fixture import null_evidence, table_evidence

pytestmark = pytest.mark.unit
HOSTILE = "_<script>$\\frac{$&\"'"


def test_roc_has_every_row_and_the_diagonal_on_log_axes():
    evidence = table_evidence()
    axes = figures.roc(evidence).figure.axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    diagonal, *curves = axes.get_lines()
    np.testing.assert_allclose(diagonal.get_xdata(), diagonal.get_ydata())
    assert len(curves) == len(evidence.rows)
    for row, curve in zip(evidence.rows, curves, strict=True):
        np.testing.assert_allclose(curve.get_xdata(), row.roc.fpr)
        np.testing.assert_allclose(curve.get_ydata(), row.roc.tpr)
    assert len({curve.get_color() for curve in curves}) == len(curves)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [row.name in label for row, label in zip(evidence.rows, labels, strict=False)] == [True] * len(evidence.rows)


def test_rows_that_find_are_told_apart_by_more_than_colour():
    evidence = table_evidence()
    curves = figures.roc(evidence).figure.axes[0].get_lines()[1:]
    styles = {row.finds: curve.get_linestyle() for row, curve in zip(evidence.rows, curves, strict=True)}
    assert styles[True] != styles[False]


def test_a_table_with_more_rows_than_colours_shows_those_that_find():
    count = len(SERIES) + 5
    rows = tuple((f"row {number}", "vanilla", "conv1", 0.0) for number in range(count - 1))
    evidence = table_evidence(5, rows=(*rows, ("the one", "vanilla", "conv4", 1.0)), people=120)
    axes = figures.roc(evidence).figure.axes[0]
    assert len(axes.get_lines()) == 1 + count
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any("the one" in label for label in labels)
    assert "5 other rows" in labels


def test_comparison_puts_every_counting_control_beside_its_row():
    evidence = table_evidence(2, references=2, random_partition=False)
    axes = figures.comparison(evidence).figure.axes[0]
    points = {round(float(line.get_xdata()[0]), 9) for line in axes.get_lines() if len(line.get_xdata()) == 1}
    for row in evidence.rows:
        assert round(row.auc.value, 9) in points
        for kind in ("pixels", "twins"):
            control = next(c for c in row.controls if c.kind == kind and c.counts)
            assert round(control.auc.value, 9) in points
        assert round(max(c.auc.value for c in row.controls if c.kind == "reference"), 9) in points
    assert [label.get_text() for label in axes.get_yticklabels()] == [row.name for row in evidence.rows]


def test_histogram_shows_three_groups_as_shares_and_the_threshold():
    row = table_evidence().row("CNN conv4")
    axes = figures.histogram(row).figure.axes[0]
    drawn = [patch.get_data().values for patch in axes.patches if hasattr(patch, "get_data")]
    for counts in (row.histogram.members, row.histogram.externals, row.histogram.unseen):
        shares = np.array(counts) / sum(counts)
        assert any(np.allclose(shares, values) for values in drawn)
    assert any(np.allclose(line.get_xdata(), row.operating[1].threshold) for line in axes.get_lines())


def test_png_is_a_picture_on_white():
    picture = figures.roc(table_evidence())
    image = Image.open(io.BytesIO(picture.png(dpi=50)))
    assert image.format == "PNG"
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert len(set(image.convert("RGB").resize((60, 40)).get_flattened_data())) > 10


def test_svg_for_a_page_follows_its_colours_and_names_no_address():
    svg = figures.roc(table_evidence()).svg()
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    assert "CNN conv4" in root.attrib["aria-label"]
    assert "http" not in svg
    assert "var(--series-0, #" in svg
    assert {element.tag for element in root.iter()}.isdisjoint({"metadata", "script", "image"})
    assert any("CNN conv4" in (element.text or "") for element in root.iter("text"))


def test_ids_of_two_pictures_on_a_page_never_meet_and_every_reference_is_met():
    evidence = table_evidence()
    pictures = [figures.roc(evidence).svg(), figures.comparison(evidence).svg()]
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in pictures]
    assert not ids[0] & ids[1]
    for svg, own in zip(pictures, ids, strict=True):
        wanted = set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg))
        assert wanted
        assert wanted <= own


def test_a_hostile_name_is_drawn_as_text():
    evidence = table_evidence(3, rows=((HOSTILE, "vanilla", "conv1", 0.0),))
    for picture in figures.pictures(evidence):
        assert picture.png(dpi=40)
        root = ElementTree.fromstring(picture.svg())
        assert "script" not in {element.tag for element in root.iter()}
    assert any(HOSTILE in (element.text or "") for element in root.iter("text"))


def test_file_names_of_pictures_are_plain_and_distinct():
    evidence = table_evidence(3, rows=(("../../a b", "vanilla", "conv1", 0.0), ("../../a  b", "cnn", "conv1", 0.0)))
    names = [picture.name for picture in figures.pictures(evidence)]
    assert len(set(names)) == 6
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)


def test_the_same_evidence_gives_the_same_svg():
    assert figures.comparison(null_evidence()).svg() == figures.comparison(null_evidence()).svg()


def test_drawing_leaves_matplotlib_as_it_was_and_never_loads_pyplot():
    before = dict(matplotlib.rcParams)
    figures.roc(table_evidence()).svg()
    assert dict(matplotlib.rcParams) == before
    code = "import sys, mint_lightning.report.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

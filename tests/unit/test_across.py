"""Tables of several networks side by side: which rows are the same, and what is said of them."""

import csv
import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from mint_lightning.errors import UserError
from mint_lightning.report.across import Audited, across_csv, across_notes, side_by_side
from mint_lightning.report.across_html import render_across_html
from mint_lightning.report.across_text import print_across, render_across_markdown
from tests.evidence_fixture import PLACES, context, grid_evidence, table_evidence

pytestmark = pytest.mark.unit


def audited(evidence, name="net", mark="c0ffee", **changes) -> Audited:
    network = {"name": name, "fingerprint": mark * 10}
    return Audited(evidence, context(network=network, **changes), "tables", f"{mark}-run")


def resized(evidence, samples):
    return replace(evidence, rows=tuple(replace(r, samples=samples if r.samples else 0) for r in evidence.rows))


def printed(across, width) -> list[str]:
    stream = io.StringIO()
    print_across(across, Console(file=stream, width=width, color_system=None))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_the_same_head_place_and_samples_are_one_line():
    small, large = grid_evidence(sizes=(1_000, 50_000)), grid_evidence(sizes=(1_000, 50_000), heads=("vanilla",))
    across = side_by_side([audited(small, "a"), audited(large, "b", "beefed")])
    assert [line.title for line in across.lines[:3]] == [
        "conv1 · Vanilla · 1,000",
        "conv1 · Vanilla · 50,000",
        "conv1 · CNN · 1,000",
    ]
    assert [line.title for line in across.lines[-2:]] == ["Embedding norm", "Flip agreement"]
    line = across.lines[0]
    assert (across.row(line, 0).name, across.row(line, 1).name) == (small.rows[0].name, large.rows[0].name)
    assert across.row(across.lines[2], 1) is None


def test_places_stand_in_depth_order_also_where_the_first_table_lacks_some():
    few, all_of_them = grid_evidence(places=("conv1", "conv4", "all conv")), grid_evidence()
    across = side_by_side([audited(few, "a"), audited(all_of_them, "b", "beefed")], heads=["vanilla"])
    assert tuple(dict.fromkeys(line.place for line in across.lines)) == PLACES


def test_a_head_that_each_table_has_once_is_one_line_whatever_its_samples():
    evidence = table_evidence()
    across = side_by_side([audited(evidence, "a"), audited(resized(evidence, 900), "b", "beefed")])
    assert across.lines[0].title == "conv1 · Vanilla · 900 to 4,000"
    assert len(across.lines) == len(evidence.rows)
    assert all(across.row(line, number) for line in across.lines for number in (0, 1))


def test_rows_that_differ_in_something_else_keep_their_names():
    evidence = table_evidence()
    twice = replace(evidence, rows=(*evidence.rows, replace(evidence.rows[0], name="Vanilla conv1, no dropout")))
    across = side_by_side([audited(twice)])
    assert len(across.cells) == len(twice.rows)
    assert {"Vanilla conv1", "Vanilla conv1, no dropout"} <= {line.title for line in across.lines}


def test_tables_of_one_network_are_told_apart():
    evidence = table_evidence()
    same = [audited(evidence), audited(evidence, title="Other"), audited(evidence, title="Other", date="later")]
    assert side_by_side([audited(evidence), audited(evidence, "b")]).labels == ("net", "b")
    assert side_by_side(same).labels == (
        "net · Demo table",
        "net · Other · 2026-11-23 08:00 UTC",
        "net · Other · later",
    )


def test_filters_choose_and_name_what_there_is():
    tables = [audited(grid_evidence(), "a"), audited(table_evidence(), "b", "beefed")]
    across = side_by_side(tables, networks=["beefed"], taps=["conv4"], heads=["CNN"])
    assert across.labels == ("b",)
    assert [line.title for line in across.lines] == ["conv4 · CNN · 4,000"]
    assert [line.title for line in side_by_side(tables, heads=["flip agreement"]).lines] == ["Flip agreement"]
    with pytest.raises(UserError, match="No table is of a network 'c'; there are a, b"):
        side_by_side(tables, networks=["c"])
    with pytest.raises(UserError, match="No table has the place 'conv9'; there are conv1, conv2"):
        side_by_side(tables, taps=["conv9"])
    with pytest.raises(UserError, match="No table has the head 'mlp'; there are vanilla, cnn, score"):
        side_by_side(tables, heads=["mlp"])
    with pytest.raises(UserError, match="No row has one of these heads at one of these places"):
        side_by_side(tables, taps=["outcome"], heads=["cnn"])


def test_other_photos_are_said_to_be_other_photos():
    one, other = audited(table_evidence(), "a"), audited(table_evidence(), "b", manifests={"lfw": "ab" * 32})
    assert any(
        "different shard sets (a on synthetic; b on lfw)" in note for note in across_notes(side_by_side([one, other]))
    )
    assert not any("different shard sets" in note for note in across_notes(side_by_side([one, one])))


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_it_fits_the_terminal(width):
    across = side_by_side([audited(grid_evidence(), f"a network of a long name {k}", f"c0ffe{k}") for k in range(4)])
    lines = printed(across, width)
    assert max(cell_len(line) for line in lines) <= width
    row = grid_evidence().rows[0]
    figure = f"{row.auc.value:.3f} [{row.auc.low:.3f}, {row.auc.high:.3f}]".replace("0.", ".")
    assert "\n".join(lines).count(figure) >= 4
    assert " ".join(" ".join(lines).split()).count("Scores like training photos.") == 4


def test_markdown_csv_and_page_have_every_figure():
    across = side_by_side([audited(grid_evidence(sizes=(1_000,)), "a|<b>", "c0ffee"), audited(table_evidence(), "b")])
    lines = [line for line in render_across_markdown(across).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(across.lines)
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    found = list(csv.DictReader(io.StringIO(across_csv(across), newline="")))
    assert len(found) == len(across.cells)
    assert {line["network"] for line in found} == {"a|<b>", "b"}
    assert {line["run"] for line in found} == {"c0ffee-run"}
    page = render_across_html(across)
    assert "a|&lt;b&gt;" in page
    assert "<b>" not in page.replace("a|&lt;b&gt;", "")
    assert page.count('role="img"') == 1
    assert "://" not in page
    for row in across.cells.values():
        assert f"[{row.auc.low:.3f}, {row.auc.high:.3f}]".replace("0.", ".") in page

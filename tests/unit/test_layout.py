"""The papers' layout says what the evidence says, in the terminal, as markdown and as a picture."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len
from rich.console import Console

from mint_lightning.errors import UserError
from mint_lightning.report.console import print_table
from mint_lightning.report.context import Context
from mint_lightning.report.figures import pictures
from mint_lightning.report.heatmap import heatmap, shade
from mint_lightning.report.html import render_html
from mint_lightning.report.layout import LayoutColumn, blocks, layout_of
from mint_lightning.report.markdown import render_markdown
from mint_lightning.report.published import KNOWN, published_figures
from tests.evidence_fixture import PLACES, SIZES, context, grid_evidence, table_evidence

pytestmark = pytest.mark.unit


def printed(evidence, width, **changes) -> list[str]:
    stream = io.StringIO()
    print_table(evidence, context(**changes), Console(file=stream, width=width, color_system=None))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_places_are_lines_in_depth_order_and_heads_by_samples_are_columns():
    mixed = replace(grid_evidence(), rows=tuple(sorted(grid_evidence().rows, key=lambda row: row.tap == "conv4")))
    layout = layout_of(mixed)
    assert layout.places == ("conv1", "conv2", "conv3", "outcome", "conv4", "all conv")
    assert layout_of(grid_evidence()).places == PLACES
    assert [(c.head, c.samples) for c in layout.columns] == [(h, n) for h in ("vanilla", "cnn") for n in SIZES]
    assert [row.name for row in layout.others] == ["Embedding norm", "Flip agreement"]
    assert layout.row("outcome", LayoutColumn("cnn", 1_000)) is None
    assert layout.row("conv4", LayoutColumn("cnn", 50_000)).name == "CNN conv4, 50000 images"


def test_a_row_whose_cell_is_taken_is_not_lost():
    rows = grid_evidence().rows
    layout = layout_of(replace(grid_evidence(), rows=(*rows, replace(rows[0], name="the same with other arguments"))))
    assert "the same with other arguments" in [row.name for row in layout.others]
    assert len(layout.cells) + len(layout.others) == len(rows) + 1


@pytest.mark.parametrize(
    ("grid", "adds"),
    [
        ({"sizes": (4_000,), "heads": ("vanilla",)}, False),
        ({"sizes": (1_000, 4_000), "heads": ("vanilla",)}, True),
        ({"sizes": (4_000,), "heads": ("vanilla", "cnn")}, True),
        ({"places": ("conv4",), "sizes": (1_000, 4_000), "heads": ("vanilla",)}, True),
        ({"places": ("conv4",), "sizes": (4_000,), "heads": ("vanilla",)}, False),
    ],
)
def test_it_is_shown_only_where_it_adds_something(grid, adds):
    evidence = grid_evidence(**grid)
    assert layout_of(evidence).adds == adds
    assert (heatmap(evidence) is not None) == adds
    assert ("| Place |" in render_markdown(evidence)) == adds
    assert any(line.startswith("Place") for line in printed(evidence, 120)) == adds


def test_a_table_with_one_cnn_row_stays_a_list():
    assert not layout_of(table_evidence()).adds


def test_columns_go_into_blocks_by_head_and_a_wide_head_is_split_evenly():
    columns = [LayoutColumn(head, size) for head in ("vanilla", "cnn") for size in (1, 2, 3, 4)]
    sizes = {most: [len(block) for block in blocks(columns, most)] for most in (1, 2, 3, 4, 7, 8)}
    assert sizes == {1: [1] * 8, 2: [2] * 4, 3: [2] * 4, 4: [4, 4], 7: [4, 4], 8: [8]}
    assert [column for block in blocks(columns, 3) for column in block] == columns
    assert blocks([], 3) == []


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_a_large_grid_fits_the_terminal_whole(width):
    evidence = grid_evidence()
    lines = printed(evidence, width, published="mint-demo-r100")
    assert max(cell_len(line) for line in lines) <= width
    assert "…" not in "".join(lines)
    text = "\n".join(lines)
    for row in evidence.rows[:6]:
        assert f"{row.auc.value:.3f} [{row.auc.low:.3f}, {row.auc.high:.3f}]".replace("0.", ".") in text
    assert len([line for line in lines if line.strip() in PLACES]) >= 6
    assert "All 35 rows one by one: report.html, table.md and table.csv." in " ".join(text.split())
    assert "Flip agreement" in text or "Flip\n" in text
    assert "Vanilla conv2, 50000 images" not in text


def test_every_figure_of_a_cell_is_there():
    evidence = grid_evidence()
    lines = printed(evidence, 160, published="mint-demo-r100")
    start = lines.index("conv4")
    cell = {line[:16].strip(): line[16:] for line in lines[start + 1 : start + 8]}
    row = evidence.row("CNN conv4, 100000 images")
    assert cell["AUC"].endswith(f"{row.auc.value:.3f} [{row.auc.low:.3f}, {row.auc.high:.3f}]*".replace("0.", "."))
    assert f"{row.accuracy.value:.3f}"[1:] in cell["Accuracy"]
    assert cell["Paper"].split() == [".73", ".76", ".76", ".68", ".70", ".74"]
    assert f"{100 * row.operating[1].tpr.value:.2f} %" in cell["TPR, 1 % FPR"]
    alone = row.seed_aucs
    assert cell["Heads alone"].endswith(f"{min(alone):.3f} to {max(alone):.3f} (3)".replace("0.", "."))
    assert cell["Best control"].endswith("twins")
    assert cell["Excess"].endswith(f"[{row.excess.low:+.3f}, {row.excess.high:+.3f}]".replace("0.", "."))


def test_what_no_row_resolves_is_said_once():
    rows = [
        replace(row, operating=tuple(replace(p, resolvable=False, tpr=None, reason="too few") for p in row.operating))
        for row in grid_evidence().rows
    ]
    text = "\n".join(printed(replace(grid_evidence(), rows=tuple(rows)), 120))
    assert "TPR at 1 % FPR: not resolvable (too few)." in text
    assert "TPR, 1 % FPR" not in text


def test_one_unresolved_cell_says_so_itself():
    first, *rest = grid_evidence().rows
    first = replace(first, operating=tuple(replace(p, resolvable=False, tpr=None) for p in first.operating))
    assert "not resolvable" in "\n".join(printed(replace(grid_evidence(), rows=(first, *rest)), 120))


def test_a_paper_stands_beside_ours_in_its_own_setting_alone():
    text = "\n".join(printed(grid_evidence(sizes=(999, 50_000)), 120, published="faces-model-2"))
    assert "Paper  " not in text
    assert "No row has a head, place and number of samples" in text
    text = "\n".join(printed(grid_evidence(sizes=(100_000,), heads=("vanilla",)), 120, published="faces-model-2"))
    assert ".84" in text
    assert "arXiv 2402.09225" in text
    assert "accuracy between databases, without controls" in " ".join(text.split())


def test_the_published_figures_are_those_of_the_papers():
    demo, first = KNOWN["mint-demo-r100"].accuracy, KNOWN["faces-model-1"].accuracy
    assert (demo["vanilla", "all conv", 100_000], demo["cnn", "conv3", 1_000]) == (0.84, 0.68)
    assert ("cnn", "outcome", 1_000) not in demo
    assert (first["vanilla", "conv3", 100_000], first["cnn", "all conv", 100_000]) == (0.68, 0.88)
    assert KNOWN["faces-model-3"].accuracy["vanilla", "outcome", 100_000] == 0.76
    # B's column is A's model 2, figure by figure
    second = KNOWN["faces-model-2"].accuracy
    assert all(demo[key] == value for key, value in second.items() if key in demo)
    assert {name: len(figures.accuracy) for name, figures in KNOWN.items()}["mint-demo-r100"] == 30


def test_an_unknown_paper_is_refused_with_the_known():
    with pytest.raises(UserError, match="no published figures 'mine'; known are mint-demo-r100, faces-model-1"):
        context(published="mine")
    assert published_figures(None) is None
    kept = Context.now("t", "c", {}, {}, published="faces-model-1")
    assert Context.from_json(kept.to_json()) == kept
    earlier = {key: value for key, value in kept.to_json().items() if key != "published"}
    assert Context.from_json(earlier).published is None
    with pytest.raises(UserError, match="not the context of a table"):
        Context.from_json({"title": "t"})


def test_the_markdown_has_a_line_for_each_figure_of_each_place():
    evidence = grid_evidence(sizes=(1_000, 50_000))
    lines = [line for line in render_markdown(evidence, context()).splitlines() if line.startswith("|")]
    grid = lines[: lines.index(next(line for line in lines if line.startswith("| Row")))]
    assert len({line.count("|") for line in grid}) == 1
    assert len(grid) == 2 + 6 * len(PLACES)
    row = evidence.row("Vanilla all conv, 50000 images")
    assert row.finds
    bold = f"**{row.auc.value:.3f} [{row.auc.low:.3f}, {row.auc.high:.3f}]\\***"
    assert bold in next(line for line in grid if line.startswith("| **all conv** | AUC"))


def test_the_heat_map_colours_mean_the_same_in_every_picture():
    assert shade(0.0)[3] == 0.0
    assert shade(0.1)[:3] != shade(-0.1)[:3]
    strengths = [shade(distance)[3] for distance in (0.01, 0.03, 0.1, 0.3, 0.5, 0.9)]
    assert strengths == sorted(strengths)
    assert strengths[-1] == strengths[-2] < 0.7


def test_the_heat_map_is_a_picture_of_the_table_with_its_words():
    evidence = grid_evidence(places=("conv1", "conv4"), sizes=(1_000, 50_000))
    picture = pictures(evidence)[0]
    assert picture.name == "heatmap"
    assert "conv4: Vanilla 1,000 AUC 0.488, excess -0.012" in picture.alt
    assert "Flip agreement: AUC" in picture.alt
    texts = [element.text for element in ElementTree.fromstring(picture.svg()).iter("text")]
    finding = evidence.row("Flip agreement")
    assert texts.count(f"{finding.auc.value:.3f}*".replace("0.", ".")) == 1
    assert texts.count(f"{finding.excess.value:+.3f}*".replace("0.", ".")) == 1
    assert picture.png(dpi=40)


def test_the_page_has_grid_and_heat_map_and_folds_a_long_list(monkeypatch):
    monkeypatch.setattr("mint_lightning.report.html.DETAILED_ROWS", 1)
    text = render_html(grid_evidence(), context(published="mint-demo-r100"))
    assert text.count('role="img"') == 5
    assert "All 35 rows, one by one" in text
    assert '<th scope="rowgroup" class="c-row" rowspan="7">all conv</th>' in text
    assert "accuracy between databases, without controls" in text
    assert "Where in the network" not in render_html(
        grid_evidence(places=("conv4",), sizes=(1_000,), heads=("vanilla",), scores=False), context()
    )

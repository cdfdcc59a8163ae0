"""The table as LaTeX and CSV: complete, and no name can break out of its cell."""

import csv
import io
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mint_lightning.report.latex import escape, render_latex
from mint_lightning.report.tidy import as_csv, heads_csv, table_csv
from tests.evidence_fixture import context, grid_evidence, table_evidence

pytestmark = pytest.mark.unit
HOSTILE = 'a & b % c_d #1 $x$ {y} ~ ^ \\input{/etc/passwd} "q" <b> |'
COMMANDS = {
    *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "char", "dots", "pm"),
    *("begin", "end", "centering", "footnotesize", "setlength", "tabcolsep", "caption", "toprule", "midrule"),
    *("bottomrule", "cmidrule", "multicolumn", "textbf", "par", "medskip", "linewidth"),
}


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def assert_sound(text: str) -> None:
    """What LaTeX would stumble over: braces, environments, cells of a line, unknown commands."""
    text = re.sub(r"(?m)^%.*\n", "", text)  # a comment
    bare = re.sub(r"\\[\\{}&%$#_]", "", text)
    depth = 0
    for sign in bare:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    open_ones: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    assert open_ones == []
    assert set(re.findall(r"\\([A-Za-z]+)", bare)) <= COMMANDS
    for columns, body in re.findall(r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        for line in body.split("\n"):
            if line.endswith(r" \\"):
                spans = sum(int(span) - 1 for span in re.findall(r"\\multicolumn\{(\d)\}", line))
                assert len(re.findall(r"(?<!\\)&", line)) + 1 + spans == len(columns)


@pytest.mark.parametrize("name", ["grid", "rows", "hostile", "empty"])
def test_the_latex_is_sound(name):
    evidence = {
        "grid": grid_evidence(),
        "rows": table_evidence(),
        "hostile": replace(grid_evidence(), rows=tuple(replace(row, tap=HOSTILE) for row in grid_evidence().rows[:4])),
        "empty": replace(grid_evidence(), rows=()),
    }[name]
    text = render_latex(evidence, context(title=HOSTILE, published="mint-demo-r100"))
    assert_sound(text)
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") >= 1


def test_the_latex_has_the_figures():
    text = render_latex(grid_evidence(), context(published="mint-demo-r100"))
    row = grid_evidence().row("Vanilla all conv, 100000 images")
    figure = f"{row.auc.value:.3f} [{row.auc.low:.3f}, {row.auc.high:.3f}]".replace("0.", ".")
    assert rf"\textbf{{{figure}*}}" in text
    assert r"\multicolumn{3}{c}{CNN}" in text
    assert "& .76 & .82 & .84" in text
    assert "$-$.072" in text
    assert "Flip agreement" in text
    assert "Holm's adjustment" in text


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_stays_one_cell_of_latex(name):
    text = escape(name)
    assert_sound(text)
    assert not re.search(r"(?<!\\)[&%#_]", text)
    assert "\n" not in text
    assert not text.startswith(("[", "*"))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(), st.floats(allow_nan=False)), max_size=4))
def test_any_text_and_number_comes_back_from_csv(rows):
    records = [{"name": name, "other": other, "value": value} for name, other, value in rows]
    found = read(as_csv(records, first=("name", "other", "value")))
    assert [(each["name"], each["other"], float(each["value"])) for each in found] == rows


def test_the_csv_has_a_line_for_each_row_and_every_figure():
    evidence = grid_evidence()
    found = read(table_csv(evidence, context(published="mint-demo-r100")))
    assert len(found) == len(evidence.rows)
    for row, line in zip(evidence.rows, found, strict=True):
        assert (line["row"], line["head"], line["place"]) == (row.name, row.head, row.tap)
        assert line["samples"] == (str(row.samples) if row.samples else "")
        assert [float(line[key]) for key in ("auc", "auc_low", "auc_high")] == [
            row.auc.value,
            row.auc.low,
            row.auc.high,
        ]
        assert (int(line["n_images"]), int(line["n_people"])) == (row.auc.images, row.auc.identities)
        assert float(line["excess_low"]) == row.excess.low
        assert float(line["p_holm"]) == row.excess.p_holm
        assert line["finds"] == str(row.finds).lower()
        assert line["best_control"] == row.excess.control
        assert int(line["seeds"]) == max(1, len(row.seed_aucs))
        if row.seed_aucs:
            assert float(line["seeds_auc_max"]) == max(row.seed_aucs)
            assert math.isclose(float(line["seeds_auc_sd"]), 0.004, rel_tol=1e-6)
    assert found[0]["published_accuracy"] == "0.62"
    assert found[0]["tpr_at_0.1pct_fpr"] == ""
    assert found[0]["resolvable_at_0.1pct_fpr"] == "false"


def test_a_table_without_controls_leaves_their_fields_empty():
    line = read(table_csv(table_evidence(2, controls=False), context()))[0]
    assert line["excess"] == line["p_holm"] == line["best_control"] == ""
    assert line["finds"] == "false"


def test_the_heads_have_a_line_each_on_every_network():
    evidence = grid_evidence(places=("conv1",), sizes=(1_000,), heads=("vanilla",))
    pixel = replace(evidence.rows[0].heads[0], role="pixels", network="statistics")
    found = read(heads_csv(replace(evidence, pixel_heads=(pixel,)), context()))
    assert [line["role"] for line in found] == ["audited"] * 3 + ["twin"] * 3 + ["pixels"]
    assert [line["seed"] for line in found[:3]] == ["0", "1", "2"]
    assert (found[-1]["row"], found[-1]["place"], found[-1]["on"]) == ("", "pixels", "statistics")
    assert float(found[1]["auc"]) == evidence.rows[0].heads[1].auc.value
    assert (found[0]["samples"], found[0]["epochs"]) == ("1000", "2")
    assert heads_csv(table_evidence(), context()).count("\n") == 1  # the header, where no head was kept alone

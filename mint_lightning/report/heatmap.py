"""The table as a heat map: AUC and excess of each cell, in colours that mean the same in every picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mint_lightning.evidence import RowEvidence, TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.layout import layout_of
from mint_lightning.report.picture import EXTERNALS, INK, MEMBERS, MUTED, RULE, Picture, drawing

DEEPEST = 0.62  # opacity of the full colour: text on it stays readable, in the dark too
KEY = (-0.3, -0.1, -0.03, 0.0, 0.03, 0.1, 0.2, 0.3, 0.5)
CELL = 0.56  # inches
LINE = 0.33
BESIDE, TALL_BESIDE = 9.0, 10.5  # inches up to which the two panels stand side by side, few lines or many
TALL = 12


@dataclass(frozen=True)
class Grid:
    """Cells to draw. columns: (group, title) each; cells: by line and column number; wide: rows across all columns."""

    lines: Sequence[str]
    columns: Sequence[tuple[str, str]]
    cells: Mapping[tuple[int, int], RowEvidence]
    wide: Sequence[RowEvidence] = ()


def heatmap(evidence: TableEvidence) -> Picture | None:
    """Places by heads and samples, and below them the scores without fitting; None where the layout adds nothing."""
    layout = layout_of(evidence)
    if not layout.adds:
        return None
    grid = Grid(
        lines=layout.places,
        columns=[(column.head_title, column.size_title) for column in layout.columns],
        cells={
            (line, number): row
            for line, place in enumerate(layout.places)
            for number, column in enumerate(layout.columns)
            if (row := layout.row(place, column)) is not None
        },
        wide=layout.others,
    )
    return draw(grid, "heatmap", "AUC and excess by place, head and number of samples")


def draw(grid: Grid, name: str, title: str) -> Picture:
    """The grid as a picture of two panels: AUC around one half, and the excess over the best control around zero."""
    with drawing():
        count = len(grid.columns)
        longest = max((len(line) for _, title in grid.columns for line in title.split("\n")), default=0)
        cell = max(CELL, 0.066 * longest + 0.12)
        height = LINE * (len(grid.lines) + len(grid.wide) + 2.2)
        labels = 0.075 * max((len(label) for label in _labels(grid)), default=4) + 0.3
        beside = labels + 2 * cell * count < (TALL_BESIDE if len(grid.lines) > TALL else BESIDE)
        width = max(7.4, labels + cell * count * (2 if beside else 1) + 0.5)
        figure = Figure(figsize=(width, (height + 0.75) * (1 if beside else 2)), layout="constrained")
        for number, what in enumerate(("AUC", "Excess over the best control")):
            axes = figure.add_subplot(*((1, 2) if beside else (2, 1)), number + 1)
            _panel(axes, grid, excess=number == 1, labelled=number == 0 or not beside)
            axes.set_title(what, loc="left", fontsize=10.5, color=INK, pad=8)
        _key(figure)
    return Picture(name, figure, title, _words(grid))


def _panel(axes: Any, grid: Grid, *, excess: bool, labelled: bool) -> None:
    count = len(grid.columns)
    for (line, number), row in grid.cells.items():
        _cell(axes, number, line, 1, row, excess=excess)
    for step, row in enumerate(grid.wide):
        _cell(axes, 0, len(grid.lines) + 0.35 + step, count, row, excess=excess)
    for line in range(len(grid.lines)):
        for number in range(count):
            if (line, number) not in grid.cells:
                axes.text(number + 0.5, line + 0.5, "·", ha="center", va="center", color=MUTED)
    starts = [n for n in range(count) if n == 0 or grid.columns[n][0] != grid.columns[n - 1][0]]
    for start, end in zip(starts, [*starts[1:], count], strict=True):
        if grid.columns[start][0]:
            axes.text((start + end) / 2, -1.05, grid.columns[start][0], ha="center", va="center", color=INK, fontsize=9)
            axes.plot([start + 0.06, end - 0.06], [-0.74, -0.74], color=MUTED, linewidth=0.7)
    for number, (_, label) in enumerate(grid.columns):
        axes.text(number + 0.5, -0.14, label, ha="center", va="bottom", color=MUTED, fontsize=8)
    places = [line + 0.5 for line in range(len(grid.lines))]
    places += [len(grid.lines) + 0.85 + step for step in range(len(grid.wide))]
    axes.set(
        xlim=(-0.04, count + 0.04),
        ylim=(len(grid.lines) + len(grid.wide) + 0.45, -1.45 if grid.columns[0][0] else -1.1),
    )
    axes.set_xticks([])
    axes.set_yticks(places, _labels(grid) if labelled else [""] * len(places))
    axes.tick_params(length=0, labelleft=labelled)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _cell(axes: Any, left: float, top: float, width: int, row: RowEvidence, *, excess: bool) -> None:
    if excess and row.excess is None:
        axes.text(left + width / 2, top + 0.5, "–", ha="center", va="center", color=MUTED)
        return
    value = row.excess.value if excess and row.excess else row.auc.value
    text = wording.signed(value) if excess else wording.decimal(value)
    inset = 0.05
    shape = Rectangle(
        (left + inset, top + inset),
        width - 2 * inset,
        1 - 2 * inset,
        facecolor=shade(value - (0.0 if excess else 0.5)),
        zorder=3 if row.finds else 2,
        edgecolor=INK if row.finds else RULE,
        linewidth=1.5 if row.finds else 0.5,
    )
    axes.add_patch(shape)
    text = text.replace("0.", ".", 1) + ("*" if row.finds else "")
    weight = "bold" if row.finds else "normal"
    middle = (left + width / 2, top + 0.52)
    axes.text(*middle, text, ha="center", va="center", fontsize=8, fontweight=weight, color=INK, zorder=4)


def shade(distance: float) -> tuple[float, float, float, float]:
    """Colour of a distance from guessing (AUC - .5, or excess): the same in every picture, whatever is in it.

    The opacity grows with its root, so that .03, which may be a finding, can be told from nothing. Above guessing is
    the colour of members, below it that of outsiders; both follow the page's light or dark.
    """
    strength = min(1.0, abs(distance) / 0.5) ** 0.5
    red, green, blue, _ = to_rgba(MEMBERS if distance > 0 else EXTERNALS)
    return red, green, blue, DEEPEST * strength


def _key(figure: Figure) -> None:
    """The scale, below both panels, and what the frame means."""
    handles = [Rectangle((0, 0), 1, 1, facecolor=shade(value), edgecolor=RULE, linewidth=0.5) for value in KEY]
    labels = [f"{0.5 + value:.2f}".lstrip("0") + f"\n{value:+.2f}".replace("0.", ".") for value in KEY]
    handles.append(Rectangle((0, 0), 1, 1, facecolor="none", edgecolor=INK, linewidth=1.5))
    labels.append("* finds\nmembership")
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(handles),
        fontsize=7.5,
        handlelength=1.2,
        handleheight=1.2,
        handletextpad=0.35,
        columnspacing=0.9,
        title="Colour: AUC, and below it the excess",
        title_fontsize=7.5,
    )


def _labels(grid: Grid) -> list[str]:
    names = [*grid.lines, *(row.name for row in grid.wide)]
    names = [" ".join(name.split()) for name in names]
    return [name if len(name) <= 32 else f"{name[:31]}…" for name in names]


def _words(grid: Grid) -> str:
    def figure(row: RowEvidence) -> str:
        excess = f", excess {wording.signed(row.excess.value)}" if row.excess else ""
        return f"AUC {wording.decimal(row.auc.value)}{excess}{', finds' if row.finds else ''}"

    parts = []
    for line, place in enumerate(grid.lines):
        cells = [
            f"{group} {title} {figure(grid.cells[line, number])}"
            for number, (group, title) in enumerate(grid.columns)
            if (line, number) in grid.cells
        ]
        parts.append(f"{place}: {'; '.join(cells)}")
    parts += [f"{row.name}: {figure(row)}" for row in grid.wide]
    return f"Heat map of AUC and of the excess over the best control. {'. '.join(parts)}."

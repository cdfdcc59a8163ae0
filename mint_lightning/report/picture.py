"""A matplotlib figure as a PNG file, or as an SVG that lives inside a page and follows its light or dark colours."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from xml.etree import ElementTree

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, MUTED, RULE = "#1b2430", "#5d6878", "#d5dae1"
MEMBERS, EXTERNALS, UNSEEN = "#b5482a", "#23688f", "#8b7016"
SERIES = ("#b5482b", "#23688e", "#2e7d55", "#7b4fa3", "#a66a00", "#0f7f86", "#b03a78", "#5b6b1f", "#4a5fb8")
# In a page each colour becomes a CSS variable, so that the style sheet decides what it is in the dark. The near
# doubles above are meant: a variable is found by its exact hex value.
VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", MEMBERS: "members", EXTERNALS: "externals", UNSEEN: "unseen"} | {
    colour: f"series-{number}" for number, colour in enumerate(SERIES)
}
STYLE = {
    "text.parse_math": False,  # a "$" in somebody's name is a dollar sign
    "svg.fonttype": "none",  # text stays text: selectable, searchable, read aloud
    "svg.hashsalt": "mint",
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
_LOCK = Lock()


@contextmanager
def drawing() -> Iterator[None]:
    """Our style, for one thread at a time: matplotlib's parameters and Python's warning filters are global."""
    with _LOCK, matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Glyph.*missing from.*")
        yield


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with its name (unique on a page, a valid file stem), its title, and what it shows in words.

    Made and saved under `drawing`; the figure belongs to no pyplot window.
    """

    name: str
    figure: Figure
    title: str
    alt: str

    def png(self, dpi: int = 160) -> bytes:
        """The picture on white, as PNG."""
        stream = io.BytesIO()
        with drawing():
            FigureCanvasAgg(self.figure).print_figure(stream, format="png", dpi=dpi, facecolor="white")
        return stream.getvalue()

    def svg(self) -> str:
        """The picture as an <svg> element for a page: no namespace, no metadata, no address, ids of its own."""
        stream = io.StringIO()
        with drawing():
            self.figure.savefig(stream, format="svg", metadata={"Date": None})
        return _embed(stream.getvalue(), self.name, self.alt)


def _embed(document: str, name: str, alt: str) -> str:
    root = ElementTree.fromstring(document)
    for parent in list(root.iter()):
        for child in [child for child in parent if _local(child.tag) == "metadata"]:
            parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        for key in list(element.attrib):
            value = element.attrib.pop(key)
            element.set(_local(key), _rewrite(_local(key), value, name))
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update({"viewBox": box, "role": "img", "aria-label": alt, "class": "picture"})
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _rewrite(key: str, value: str, name: str) -> str:
    """Ids made unique on the page, and our colours as variables of its style sheet."""
    if key == "id":
        return f"{name}-{value}"
    value = re.sub(r"url\(#", f"url(#{name}-", value)
    if key == "href":
        return value.replace("#", f"#{name}-", 1)
    if key in ("style", "fill", "stroke"):
        value = re.sub(r"font: ([\d.]+)px [^;]*", r"font-size: \1px", value)
        return re.sub("#[0-9a-f]{6}", _variable, value)
    return value


def _variable(match: re.Match[str]) -> str:
    colour = match.group()
    return f"var(--{VARIABLES[colour]}, {colour})" if colour in VARIABLES else colour

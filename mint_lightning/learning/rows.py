"""What a row of the table is: a head at some taps, or a score that needs no fitting."""

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mint_lightning.audited import VIEWS
from mint_lightning.auditor.kinds import KINDS, title
from mint_lightning.errors import UserError
from mint_lightning.heads import HEADS, MOST_PHOTOS, PHOTOS, Head, of_one, with_beside
from mint_lightning.learning.bank import Request
from mint_lightning.learning.initial import seeded
from mint_lightning.learning.labels import is_class
from mint_lightning.learning.recipe import Recipe
from mint_lightning.learning.relative import RELATIVE

TITLES = {"vanilla": "Vanilla", "cnn": "CNN", "by_class": "By class", "invariant": "Invariants", "person": "Person"}
Kind = Literal[
    "vanilla", "cnn", "by_class", "invariant", "person", "norm", "agreement", "similarity", "batchnorm", "loss",
    "confidence", "entropy", "modified_entropy", "margin", "calibrated_loss", "lira", "rmia",
]  # fmt: skip
ALL_CONV = "all_conv"
FLIP = "flip"


@dataclass(frozen=True)
class RowSpec:
    """One row of a table.

    Args:
        head: "vanilla", "cnn", "by_class", "invariant" or "person", fitted on AAD; or a score that needs no fitting:
            "norm" (length of the embedding), "agreement" (cosine of the embeddings of the image and of a view of it),
            "batchnorm" (distance from the statistics of the BatchNorm layers); of class logits "confidence", "entropy",
            with the photos' classes "loss", "modified_entropy", "margin", and with the table's shadows or references
            "calibrated_loss", "lira", "rmia"; of several photos of one person "similarity" (mean cosine of their
            embeddings).
        taps: where the head reads, [conv4] for channel maxima, ["conv4:map"] for maps; several are joined, [all_conv]
            joins all but the outcome. The scores take none. The tap "class", beside others, is the class of an object:
            [layer7, class] conditions a head on it, and a "by_class" row has a head for each, {of: vanilla} or cnn. An
            "invariant" row reads its taps on views of the photo too: arguments: {views: [flip, blur]}; a "person" row
            those of several photos of one person: arguments: {photos: 4}.
        view: of "agreement": flip, jitter, blur, shift or crop.
        photos: of "similarity": how many photos of a person are compared, 4 by default.
        samples: learn from this many images only, half of them members: a number, also written 50K, or a share such as
            0.5 of what there is; null takes all.
        arguments: arguments of the head, for example {l1: 0.01}; see VanillaMINT, CNNMINT and InvariantMINT in
            `fit --help`.
        recipe: how this head learns, where it differs from the table's: {rate: 0.0003, weight_decay: 0.1}.
        seeds: heads of this row, each from a seed of its own; their mean logit is the row's score. null takes the
            table's number.
        name: how the table calls the row; made from head and taps by default.
        place: how the table calls the place that is read; made from the taps by default.
    """

    head: Kind
    taps: list[str] = field(default_factory=list)
    samples: int | float | str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    recipe: Recipe | None = None
    seeds: int | None = None
    name: str | None = None
    place: str | None = None
    view: str | None = None
    photos: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", parse_samples(self.samples))
        if self.fitted and not self.taps:
            raise UserError(f"A {self.head} row needs taps, for example taps: [outcome].")
        if self.seeds is not None and self.seeds < 1:
            raise UserError(f"seeds is {self.seeds}; a row needs at least one head.")
        if self.view is not None and self.head != "agreement":
            raise UserError(f"A {self.head} row takes no view: only agreement compares two.")
        if self.view is not None and (self.view not in VIEWS or self.view == "original"):
            raise UserError(f"view is {self.view!r}; agreement takes {', '.join(list(VIEWS)[1:])}.")
        if self.photos is not None and (self.head != "similarity" or not 2 <= self.photos <= MOST_PHOTOS):
            raise UserError(
                f"photos is {self.photos}: similarity compares 2 to {MOST_PHOTOS} of a person, a person head takes "
                "them as an argument, and every other row reads one photo."
            )
        if not self.fitted and (self.taps or self.samples or self.arguments or self.recipe or self.seeds):
            raise UserError(
                f"The score {self.head!r} reads what it needs and learns nothing: give it no other argument."
            )
        if self.fitted:
            parameters = inspect.signature(HEADS[self.head].__init__).parameters
            known = [name for name in parameters if name not in ("self", "shapes", "taps")]
            for name in self.arguments:
                if name not in known:
                    raise UserError(f"The {self.head} head has no argument {name!r}; it has {', '.join(known)}.")
            last = [is_class(tap) for tap in self.taps]
            if self.head == "by_class" and (not last[-1] or any(last[:-1]) or len(last) < 2):
                raise UserError("A by_class row reads a tap or more and, last, the class: taps: [layer7, class].")
            if self.head == "person" and any(last):
                raise UserError("A person row cannot read the tap class, which is of one photo.")
            for name in self.views:
                if name not in VIEWS:
                    raise UserError(f"There is no view {name!r}; known are {', '.join(VIEWS)}.")

    @property
    def fitted(self) -> bool:
        """Whether the row has a head to train."""
        return self.head in HEADS

    @property
    def relative(self) -> bool:
        """Whether the row asks reference networks how hard a photo is."""
        return self.head in RELATIVE

    @property
    def where(self) -> str:
        """Where the row reads, as the table prints it."""
        names = [tap.removesuffix(":map") for tap in self.taps if self.head != "by_class" or not is_class(tap)]
        if names in (["conv1", "conv2", "conv3", "conv4"], [ALL_CONV]):
            return self.place or "all conv"
        return self.place or (" + ".join(names).replace(ALL_CONV, "all conv") if names else "outcome")

    @property
    def title(self) -> str:
        """The row's name."""
        if self.name:
            return self.name
        if not self.fitted:
            found = RELATIVE.get(self.head) or title(self.head, self.view or FLIP)
            return f"{found} of {self.set_size} photos" if self.set_size > 1 else found
        of = f" of {self.set_size} photos" if self.set_size > 1 else ""
        return f"{TITLES[self.head]}{of} {self.where}{_sample_words(self.samples)}"

    def on(self, taps: Sequence[str]) -> "RowSpec":
        """The row on a network with these taps, the outcome last: `all_conv` becomes their names."""
        if not any(tap.partition(":")[0] == ALL_CONV for tap in self.taps):
            return self
        named = []
        for tap in self.taps:
            name, colon, reduction = tap.partition(":")
            named += [f"{each}{colon}{reduction}" for each in taps[:-1]] if name == ALL_CONV else [tap]
        return replace(self, taps=named, name=self.title, place=self.where)

    def requests(self, embedding: str) -> list[Request]:
        """AAD of the network that the row needs; `embedding` is the tap of the network's outcome."""
        return of_one([request for request in self.read_of(embedding) if not is_class(request[1])])

    def read_of(self, embedding: str) -> list[Request]:
        """What the row's head or score takes, in its order; `embedding` is the tap of the network's outcome."""
        if self.fitted:
            return self.reads
        if self.relative:
            return [("original", embedding)]
        return with_beside(KINDS[self.head].requests(embedding, self.view or FLIP), self.set_size)

    @property
    def set_size(self) -> int:
        """How many photos of one person a score of this row is of."""
        if self.head == "person":
            return int(self.arguments.get("photos", PHOTOS))
        return (self.photos or PHOTOS) if self.head == "similarity" else 1

    @property
    def reads(self) -> list[Request]:
        """What the row's head takes, in its order: AAD of the network, and the photo's class where it is among them."""
        return HEADS[self.head].reads(self.taps, self.arguments) if self.fitted else []

    @property
    def card_arguments(self) -> dict[str, Any]:
        """What an auditor of the row is made with."""
        return {**self.arguments, **({"photos": self.set_size} if self.set_size > 1 else {})}

    @property
    def views(self) -> list[str]:
        """Views of a photo that the row's head reads, the photo as it is among them; each costs a forward."""
        return list(dict.fromkeys(view for view, _ in of_one(self.reads)))

    def build(self, shapes: Sequence[Sequence[int]], seed: int) -> Head:
        """The row's head, its weights drawn from `seed`."""
        with seeded(seed):
            return HEADS[self.head].of(shapes, self.taps, self.arguments)


def parse_samples(samples: int | float | str | None) -> int | float | None:
    """A number of images (int), a share (float above 0, at most 1), or None; "50K" is 50,000, "1M" a million."""
    if samples is None:
        return None
    factor = {"K": 1_000, "M": 1_000_000}.get(samples[-1:].upper(), 0) if isinstance(samples, str) else 0
    try:
        value = float(samples[:-1]) * factor if isinstance(samples, str) and factor else float(samples)
    except ValueError:
        value = math.nan
    share = isinstance(samples, float) or (isinstance(samples, str) and not samples.isdecimal() and not factor)
    if share and 0 < value <= 1:
        return value
    if isinstance(samples, bool) or not 1 <= value < math.inf or value != int(value):
        raise UserError(f"samples is {samples!r}: give a number of images (1000, 50K) or a share above 0, at most 1.")
    return int(value)


def _sample_words(samples: int | float | str | None) -> str:
    if samples is None:
        return ""
    return f", {100 * samples:g} % of the images" if isinstance(samples, float) else f", {samples} images"


def slug(name: str) -> str:
    """A folder name of a row's name."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def check_names(rows: Sequence[RowSpec]) -> None:
    """Raise `UserError` unless every row has a name that can be a folder and that no other row has."""
    folders = [slug(row.title) for row in rows]
    for row, folder in zip(rows, folders, strict=True):
        same = [other.title for other, own in zip(rows, folders, strict=True) if own == folder and other is not row]
        if folder and same:
            first, second = row.title[:60], same[0][:60]
            if first == second:
                raise UserError(f"Two rows are called {first!r}: leave one out, or set name to tell them apart.")
            raise UserError(f"The rows {first!r} and {second!r} would have one folder: set another name.")
        if not folder or len(folder) > 100:
            raise UserError(
                f"The row {row.title[:60]!r} needs a name of its own, with letters or digits, of at most 100: set name."
            )


def published_rows(taps: Sequence[str]) -> list[RowSpec]:
    """The default table of a network with these taps, the outcome last: Vanilla at every tap and on all, CNN at conv4,
    and the scores of embeddings; of a network without conv1..conv4 Vanilla alone and agreement."""
    convs = [f"conv{i}" for i in range(1, 5)]
    if not set(convs) < set(taps):
        joined = [RowSpec("vanilla", [ALL_CONV]).on(taps)] if len(taps) > 2 else []
        return [*(RowSpec("vanilla", [tap]) for tap in taps), *joined, RowSpec("agreement")]
    rows = [RowSpec("vanilla", [tap]) for tap in [*convs, "outcome"]]
    rows.append(RowSpec("vanilla", convs))
    return [*rows, RowSpec("cnn", ["conv4:map"]), RowSpec("norm"), RowSpec("agreement")]

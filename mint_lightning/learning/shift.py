"""Whether two sets of photos can be told apart without any network: what a head could name instead of membership."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from mint_lightning.audited import PixelNetwork
from mint_lightning.errors import UserError
from mint_lightning.evidence import auc
from mint_lightning.evidence.estimates import Estimate
from mint_lightning.evidence.statistics import auc_interval
from mint_lightning.evidence.words import FACES, OBJECTS
from mint_lightning.learning.image_statistics import STATISTICS, image_statistics
from mint_lightning.progress import progress_bar
from mint_lightning.shards import EvalLoader, KeyList, Manifest

PIPELINE: Final = ("image_size", "alignment", "border", "encoder")
LEVEL: Final = 0.95
FEWEST: Final = 5  # identities of a set in a split, for the pixel control
MEAN_OF: Final = 20  # identities, below which a mean image would show a person
_BATCH = 128
_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two sets: a shard set, or a partition of one.

    statistics: float32 (n, 10), see `STATISTICS`; pixels: float32 (n, 904), the pixel control's taps; person: (n,);
    split: (n,); mean: float32 (H, W, 3), 0 to 255, None of fewer than 20 people; images: there are in all.
    """

    name: str
    manifest: Manifest
    statistics: NDArray[np.float32]
    pixels: NDArray[np.float32]
    person: NDArray[np.str_]
    split: NDArray[np.str_]
    mean: NDArray[np.float32] | None
    images: int

    @property
    def people(self) -> int:
        """Identities among the images looked at."""
        return len(np.unique(self.person))


@dataclass(frozen=True)
class Difference:
    """One statistic: its mean on either side, and the AUC with which it tells them apart (above .5: larger in B).

    found: whether the interval, at Bonferroni's level over all statistics, excludes .5.
    """

    name: str
    kind: str
    one: float
    other: float
    auc: Estimate
    found: bool


@dataclass(frozen=True, eq=False)
class Shift:
    """The report: `pipeline`, what the manifests say differently; `pixels`, the AUC of the pixel control on people of
    the test split, None where there are too few; `pixels_found`, whether it tells the sets apart, at the level of all
    statistics."""

    one: Side
    other: Side
    pipeline: dict[str, tuple[str, str]]
    differences: tuple[Difference, ...]
    pixels: Estimate | None
    pixels_found: bool

    @property
    def subject(self) -> str:
        """What the photos show: objects where those of both sets have classes."""
        return OBJECTS if self.one.manifest.classes and self.other.manifest.classes else FACES


def look_at(root: Path, partition: str | None, limit: int, size: int | None = None) -> Side:
    """Stream at most `limit` images of a set, drawn by the hash of their keys.

    Args:
        size: side of the images that the pixel control reads; the set's own by default.

    Raises:
        UserError: there is no such set or partition, fewer than two people are in it, or a tar is damaged.
    """
    if limit < 1:
        raise UserError(f"limit is {limit}: look at 1 image or more; 2,000 is the default.")
    manifest = Manifest.load(root)
    keys = KeyList.load(root, manifest)
    rows = keys.where(partitions=None if partition is None else [partition])
    chosen = rows[np.argsort(keys.key_hash[rows], kind="stable")][:limit]
    name = str(root) if partition is None else partition
    if len(np.unique(keys.label[chosen])) < 2:
        many = "objects" if keys.has_classes else "people"
        raise UserError(f"{name} shows {len(np.unique(keys.label[chosen]))} {many}: a difference takes two or more.")
    network = PixelNetwork((size or manifest.image_size,) * 2)
    found, pixels, seen = [], [], []
    total = torch.zeros(3, manifest.image_size, manifest.image_size)
    with progress_bar() as bar:
        done = bar.add_task(f"looking at {name}", total=len(chosen))
        for batch in EvalLoader(root, keys, chosen, batch_size=_BATCH):
            images = batch["images"]
            if not len(images):
                continue
            found.append(image_statistics(images).numpy())
            taps = network(images, ["pixels", "statistics"])["original"]
            pixels.append(torch.cat([taps["pixels"], taps["statistics"]], dim=1).numpy())
            seen.append(batch["row"].numpy())
            total += images.float().sum(0)
            bar.advance(done, len(images))
    if not seen:
        raise UserError(f"None of the {len(chosen):,} images of {name} can be decoded: verify the shard set.")
    own = np.concatenate(seen)
    person = np.char.add(np.char.add(keys.source[own], "\n"), keys.identity[own])
    shown = len(np.unique(person)) >= MEAN_OF
    mean = (total / len(own)).permute(1, 2, 0).numpy() if shown else None
    statistics = np.concatenate(found)
    return Side(name, manifest, statistics, np.concatenate(pixels), person, keys.split[own], mean, len(rows))


def shift(one: Side, other: Side) -> Shift:
    """Compare two sets."""
    member = np.repeat([False, True], [len(one.person), len(other.person)])
    person = np.concatenate([one.person, other.person])
    level = 1 - (1 - LEVEL) / (len(STATISTICS) + 1)  # Bonferroni, the pixel control being one more
    differences = []
    for number, (name, (kind, _)) in enumerate(STATISTICS.items()):
        values = np.concatenate([side.statistics[:, number] for side in (one, other)])
        constant = bool((values == values[0]).all())
        strict = auc_interval(values, member, person, level=level)
        differences.append(
            Difference(
                name,
                kind,
                float(one.statistics[:, number].mean()),
                float(other.statistics[:, number].mean()),
                auc_interval(values, member, person, level=LEVEL),
                not constant and not strict.low <= 0.5 <= strict.high,
            )
        )
    pipeline = {
        name: (str(getattr(one.manifest, name)), str(getattr(other.manifest, name)))
        for name in PIPELINE
        if getattr(one.manifest, name) != getattr(other.manifest, name)
    }
    control = pixel_control((one, other), (LEVEL, level))
    pixels = control[0] if control else None
    return Shift(one, other, pipeline, tuple(differences), pixels, control is not None and control[1].low > 0.5)


def pixel_control(sides: Sequence[Side], levels: tuple[float, float]) -> tuple[Estimate, Estimate] | None:
    """AUC with which a linear head on the pixel control's taps tells two sets apart, on people of test, at two levels.

    It is fitted on the split fit, its strength of regularisation chosen on validate (where that has enough people of
    both, else the strongest but one), and figures come from test. None where fit or test has fewer than 5 people of a
    side.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    pixels = np.concatenate([side.pixels for side in sides]).astype(np.float64)
    person = np.concatenate([side.person for side in sides])
    split = np.concatenate([side.split for side in sides])
    member = np.repeat([False, True], [len(side.person) for side in sides])

    def enough(name: str) -> bool:
        return all(len(np.unique(side.person[side.split == name])) >= FEWEST for side in sides)

    if not enough("fit") or not enough("test"):
        return None
    fit, validate, test = (split == name for name in ("fit", "validate", "test"))
    scale = pixels[fit].std(0)
    pixels = (pixels - pixels[fit].mean(0)) / np.where(scale > 1e-6, scale, 1)
    heads = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for strength in _STRENGTHS if enough("validate") else _STRENGTHS[1:2]:
            head = LogisticRegression(C=strength, class_weight="balanced", max_iter=200).fit(pixels[fit], member[fit])
            reached = auc(head.decision_function(pixels[validate]), member[validate]) if enough("validate") else 0.0
            heads.append((reached, -strength, head))
    head = max(heads, key=lambda each: each[:2])[2]
    score = head.decision_function(pixels[test])
    one, other = (auc_interval(score, member[test], person[test], level=level) for level in levels)
    return one, other

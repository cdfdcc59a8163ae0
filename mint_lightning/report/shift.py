"""The shift report as words, JSON values and a picture."""

from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mint_lightning.evidence.estimates import Estimate
from mint_lightning.learning.image_statistics import STATISTICS
from mint_lightning.learning.shift import Shift
from mint_lightning.report.picture import EXTERNALS, MEMBERS, Picture, drawing
from mint_lightning.report.subjects import subject_of

_COLUMNS = 4
_BINS = 30


def verdict(found: Shift) -> str:
    """One paragraph: what would let a head name the set."""
    told = sorted((each for each in found.differences if each.found), key=lambda each: -abs(each.auc.value - 0.5))
    names = ", ".join(f"{each.name} (AUC {each.auc.value:.3f})" for each in told)
    pipeline = ", ".join(found.pipeline)
    parts, subject = [], subject_of(found.subject)
    if pipeline:
        parts.append(f"The sets were packed differently ({pipeline}): bring both to one pipeline before anything else.")
    if told:
        parts.append(f"A head could name the set by {names}.")
    if found.pixels is None:
        parts.append(f"The pixel control was not fitted: fit or test has fewer than 5 {subject.many} of a side.")
    elif found.pixels_found:
        parts.append(
            f"Pixels alone tell the sets apart with AUC {words(found.pixels)}: a head's AUC on a network says "
            "nothing of membership unless it exceeds that."
        )
    if not parts or (not told and not found.pixels_found and not pipeline):
        parts.append("No difference was found; one that is smaller than the intervals may be there.")
    return " ".join(parts)


def words(of: Estimate) -> str:
    """An AUC with its interval."""
    return f"{of.value:.3f} [{of.low:.3f}, {of.high:.3f}]"


def lines(found: Shift) -> list[str]:
    """The report for a terminal: what was packed differently first, then a table, then the verdict."""
    text = [f"A: {_side(found, 'one')}", f"B: {_side(found, 'other')}"]
    text += [f"Packed differently, {name}: {one} and {other}" for name, (one, other) in found.pipeline.items()]
    if {found.one.manifest.alignment, found.other.manifest.alignment} == {"as given"}:
        text.append("Neither set says how its photos were aligned: pack with --aligned true, or with a --detector.")
    text += ["Sizes of the photos before packing are not recorded in shard sets; sharpness stands for them.", ""]
    text.append(f"{'':<18}{'of':<13}{'mean A':>10}{'mean B':>10}  AUC [95 %], above .5: larger in B")
    for each in found.differences:
        mark = "  names the set" if each.found else ""
        line = f"{each.name:<18}{each.kind:<13}{each.one:>10.3f}{each.other:>10.3f}  {words(each.auc)}{mark}"
        text.append(line)
    if found.pixels is not None:
        n = f"{found.pixels.images:,} images of {found.pixels.identities:,} {subject_of(found.subject).many} of test"
        text.append(f"{'pixel control':<51}  {words(found.pixels)}{'  names the set' * found.pixels_found}, {n}")
    return [*text, "", verdict(found)]


def _side(found: Shift, which: str) -> str:
    side = getattr(found, which)
    return (
        f"{side.name}, {len(side.person):,} of {side.images:,} images, {side.people:,} {subject_of(found.subject).many}"
    )


def values(found: Shift) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        **{
            letter: {
                "name": side.name, "manifest": side.manifest.hash, "images": len(side.person), "people": side.people,
                "of_images": side.images,
            }
            for letter, side in (("a", found.one), ("b", found.other))
        },
        "pipeline": {name: list(both) for name, both in found.pipeline.items()},
        "differences": [{**asdict(each), "what": STATISTICS[each.name][1]} for each in found.differences],
        "pixel_control": asdict(found.pixels) if found.pixels else None,
        "verdict": verdict(found),
    }  # fmt: skip


def picture(found: Shift) -> Picture:
    """The distribution of each statistic in both sets, and the mean images of sets of 20 people or more."""
    sides = ((found.one, MEMBERS, "A"), (found.other, EXTERNALS, "B"))
    with drawing():
        rows = -(-(len(STATISTICS) + 2) // _COLUMNS)
        figure = Figure(figsize=(9.6, 2.1 * rows + 0.4), layout="constrained")
        axes = figure.subplots(rows, _COLUMNS).ravel()
        for number, each in enumerate(found.differences):
            both = [side.statistics[:, number] for side, _, _ in sides]
            low, high = np.quantile(np.concatenate(both), [0.002, 0.998])
            edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
            for shown, (_, colour, name) in zip(both, sides, strict=True):
                share = np.histogram(np.clip(shown, edges[0], edges[-1]), edges)[0] / len(shown)
                axes[number].stairs(share, edges, color=colour, linewidth=1.4, label=name if number == 0 else None)
            axes[number].set_title(f"{each.name}: AUC {each.auc.value:.2f}{' *' * each.found}", fontsize=9)
            axes[number].set_yticks([])
        for place, (side, _, name) in zip(axes[len(STATISTICS) :], sides, strict=False):
            place.axis("off")
            place.set_title(
                f"mean of {name}" if side.mean is not None else f"{name}: too few {subject_of(found.subject).many}",
                fontsize=9,
            )
            if side.mean is not None:
                place.imshow(np.clip(side.mean / 255, 0, 1))
        figure.legend(loc="outside upper center", ncols=2)
    return Picture("shift", figure, "Two sets of photos, without any network", verdict(found))

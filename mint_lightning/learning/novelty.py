"""What tells photos unlike those of a table: from the AAD that the table has read, and where it lacks some, anew."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from mint_lightning.auditor.novelty import (
    PIXEL_TAPS,
    KnownFaces,
    NoveltyCheck,
    face_detector,
    face_sight,
    joined,
    pixel_features,
)
from mint_lightning.errors import UserError
from mint_lightning.evidence.novelty import Novelty
from mint_lightning.evidence.words import OBJECTS
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.bank import Rows
from mint_lightning.learning.networks import AUDITED, PIXELS
from mint_lightning.shards import KeyList

MOST: Final = 4096
FACES: Final = 1024
FIRST: Final = 32
SEEN: Final = 0.5
LEAST_SIDE: Final = 16


def novelty_of(data: Any, activations: Activations, device: torch.device) -> NoveltyCheck | None:
    """The check, of photos of fit and calibrate (4,096 of each at most, whatever is on them).

    Of objects no face detector is asked.

    None where photos are too small for it (under 16 pixels a side), or fit or calibrate has none that can be read.
    """
    if data.manifest.image_size < LEAST_SIDE:
        return None
    fit, _ = _features(data, activations, _some(data.keys, data.rows("fit"), MOST), device)
    calibration, rows = _features(data, activations, _some(data.keys, data.rows("calibrate"), MOST), device)
    if len(fit) < 2 or not len(rows):
        return None
    faces = None if data.subject == OBJECTS else known_faces(data)
    return NoveltyCheck(Novelty.fit(fit, calibration, _identities(data, rows)), faces)


def known_faces(data: Any) -> KnownFaces | None:
    """What CenterFace says of 1,024 photos of calibrate at most.

    None where it is not installed, or where it is not sure of half of the photos (nor of half of the first 32, after
    which it is not asked further): then they are no faces to it, and it can tell no others from them.
    """
    try:
        detector = face_detector()
    except UserError:
        return None
    rows = _some(data.keys, data.rows("calibrate"), FACES)
    sure, own = np.empty(0), np.empty(0, np.int64)
    for part in (rows[:FIRST], rows[FIRST:]):
        for batch in data.eval_loader(part) if len(part) else ():
            sure = np.append(sure, face_sight(batch["images"]))
            own = np.append(own, batch["row"].cpu().numpy())
        if not len(own) or np.median(sure) < SEEN:
            return None
    identity = np.unique(_identities(data, own), return_inverse=True)[1].astype(np.int64)
    return KnownFaces(sure, identity, detector)


def _features(data: Any, activations: Activations, rows: Rows, device: torch.device) -> tuple[np.ndarray, Rows]:
    """(n, d) features and the (n,) rows they are of, those that can be read."""
    bank, outcome = activations.bank, ("original", data.network.tap_names[-1])
    requests = [*((PIXELS, ("original", tap)) for tap in PIXEL_TAPS), (AUDITED, outcome)]
    if all(bank.has(network, request) for network, request in requests):
        places = bank.positions(rows)
        *pixels, embedding = (bank.take(network, request, places) for network, request in requests)
        return joined(pixels, embedding), bank.rows[places]
    network = data.network.to(device)
    found, own = [], []
    for batch in data.eval_loader(rows):
        if not len(batch["row"]):
            continue
        images: Tensor = batch["images"].to(device)
        found.append(joined(pixel_features(images), network(images, [outcome[1]])["original"][outcome[1]]))
        own.append(batch["row"].cpu().numpy())
    return (np.concatenate(found), np.concatenate(own)) if own else (np.empty((0, 0)), np.empty(0, np.int64))


def _identities(data: Any, rows: Rows) -> list[str]:
    return [f"{data.keys.source[row]}/{data.keys.identity[row]}" for row in rows.tolist()]


def _some(keys: KeyList, rows: Rows, most: int) -> Rows:
    """Those of the smallest hash: the same ones whatever the order."""
    return np.sort(rows[np.argsort(keys.key_hash[rows], kind="stable")[:most]])

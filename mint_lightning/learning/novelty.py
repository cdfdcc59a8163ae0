"""What tells photos unlike those of a table, from the AAD that the table has read."""

from typing import Any

import numpy as np

from mint_lightning.auditor.novelty import PIXEL_TAPS, NoveltyCheck, joined
from mint_lightning.evidence.novelty import Novelty
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.bank import Rows
from mint_lightning.learning.networks import AUDITED, PIXELS
from mint_lightning.shards import KeyList

MOST = 4096


def novelty_of(data: Any, activations: Activations) -> NoveltyCheck | None:
    """The check, of photos of fit and calibrate (4,096 of each at most, whoever is on them).

    None where the table has not read what it is made of: the pixels, and the network's outcome.
    """
    bank, outcome = activations.bank, ("original", data.network.tap_names[-1])
    requests = [*((PIXELS, ("original", tap)) for tap in PIXEL_TAPS), (AUDITED, outcome)]
    if not all(bank.has(network, request) for network, request in requests):
        return None

    def features(rows: Rows) -> tuple[np.ndarray, Rows]:
        places = bank.positions(_some(data.keys, rows))
        *pixels, embedding = (bank.take(network, request, places) for network, request in requests)
        return joined(pixels, embedding), bank.rows[places]

    fit, _ = features(data.rows("fit"))
    calibration, rows = features(data.rows("calibrate"))
    identity = [f"{data.keys.source[row]}/{data.keys.identity[row]}" for row in rows.tolist()]
    return NoveltyCheck(Novelty.fit(fit, calibration, identity))


def _some(keys: KeyList, rows: Rows) -> Rows:
    """Those of the smallest hash: the same ones whatever the order."""
    return np.sort(rows[np.argsort(keys.key_hash[rows], kind="stable")[:MOST]])

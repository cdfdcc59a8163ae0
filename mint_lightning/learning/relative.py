"""Rows of a table that ask how hard a photo is for reference networks: difficulty calibration, LiRA and RMIA."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mint_lightning.audited import AuditedNetwork, NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.evidence.reference_scores import References, calibrated_loss, likelihood_ratio, lira, rmia
from mint_lightning.learning.bank import Rows
from mint_lightning.learning.members import card_folder, trained_on

RELATIVE: Final[Mapping[str, str]] = {"calibrated_loss": "Calibrated loss", "lira": "LiRA", "rmia": "RMIA"}
"""How a table calls each."""

Floats = NDArray[np.float64]
Saw = NDArray[np.bool_]


@dataclass(frozen=True)
class Shadows:
    """Networks trained like the audited one on photos that are known, by name, and which photos (N,) each saw."""

    networks: Mapping[str, AuditedNetwork]
    saw: Mapping[str, Saw]

    @classmethod
    def load(cls, sources: Mapping[str, NetworkSource], data: Any) -> "Shadows":
        """Load them.

        Raises:
            UserError: one is the audited network, its card lists no members, or its outcome is of another length.
        """
        networks: dict[str, AuditedNetwork] = {}
        saw: dict[str, Saw] = {}
        for name, source in sources.items():
            network = source.load()
            listed = trained_on(network.card, card_folder(source))
            if listed is None:
                raise UserError(
                    f"The card of the shadow {name!r} lists no photos: it must be known which it was trained on, as "
                    "train-audited writes it."
                )
            if network.fingerprint() == data.network.fingerprint():
                raise UserError(f"The shadow {name!r} is the audited network itself: name others, trained alike.")
            own, theirs = (net.aad_shapes([net.tap_names[-1]]) for net in (data.network, network))
            if list(own.values()) != list(theirs.values()):
                raise UserError(
                    f"The outcome of the shadow {name!r} has {next(iter(theirs.values()))[0]} values, that of the "
                    f"audited network {next(iter(own.values()))[0]}: their classes differ."
                )
            networks[name] = network
            saw[name] = np.isin(data.keys.key[:], listed.keys)
        return cls(networks, saw)

    def check(self, rows: Rows, references: int) -> None:
        """Raise `UserError` where no network is there that left a photo out; of `references` each left out all."""
        if references or not self.saw:
            return
        everywhere = np.logical_and.reduce([saw[rows] for saw in self.saw.values()])
        if everywhere.any():
            raise UserError(
                f"Every shadow was trained on {int(everywhere.sum()):,} of {len(rows):,} photos of this audit, so none "
                "says how hard these are: add shadows that left them out (train-audited --halves)."
            )


def relative_score(
    kind: str,
    logits: Floats,
    label: NDArray[np.int64],
    references: References,
    population: tuple[Floats, NDArray[np.int64], References],
) -> Floats:
    """(n,) score of that kind of (n, C) logits; `population` is the same of photos that the network did not see."""
    if kind == "calibrated_loss":
        return calibrated_loss(logits, label, references)
    if kind == "lira":
        return lira(logits, label, references)
    return rmia(likelihood_ratio(logits, label, references), likelihood_ratio(*population))

"""Rows of a table that ask how hard a photo is for reference networks: difficulty calibration, LiRA and RMIA."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
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
            if not saw[name].any() and listed.partition_hash != data.manifest.partition_hash:
                raise UserError(
                    f"The shadow {name!r} was trained on another shard set, so it is not known which photos of this "
                    "one it saw: the same photo may have another name there. If it saw none, name it in references."
                )
        return cls(networks, saw)

    def check(self, rows: Rows, references: int) -> None:
        """Raise `UserError` where no network is there that left a photo out; of `references` each left out all."""
        if references or not self.saw:
            return
        everywhere = np.logical_and.reduce([saw[rows] for saw in self.saw.values()])
        if everywhere.any():
            raise UserError(
                f"Every shadow was trained on {int(everywhere.sum()):,} of {len(rows):,} photos of this audit, so none "
                "says how hard these are: add shadows that left them out (train-audited --half)."
            )


def refuse_other_classes(networks: Mapping[str, AuditedNetwork]) -> None:
    """Raise `UserError` where a network's card names other classes than the first network's, or in another order: the
    logit of a class would be that of another. A network without a card is taken at its word."""
    named = {name: card.config.get("classes") for name, each in networks.items() if (card := each.card) is not None}
    first, own = next(iter(networks)), named.get(next(iter(networks)))
    for name, classes in named.items():
        if own and classes and list(classes) != list(own):
            differing = next((a, b) for a, b in zip_longest(own, classes, fillvalue="none") if a != b)
            raise UserError(
                f"The outputs of the network {name!r} stand for other classes than those of the {first} network: "
                f"{differing[1]!r} in the place of {differing[0]!r}. Compare networks of the same classes."
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

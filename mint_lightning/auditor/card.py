"""What an auditor says of itself."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mint_lightning.auditor.kinds import KINDS
from mint_lightning.errors import UserError
from mint_lightning.evidence import RowEvidence
from mint_lightning.evidence.document import Document, later
from mint_lightning.evidence.words import FACES, checked_subject
from mint_lightning.heads import HEADS, PHOTOS, with_beside

NETWORK: Final[Mapping[str, type]] = {"name": str, "fingerprint": str}
PIXELS: Final[Mapping[str, type]] = {"image_size": int, "alignment": str, "border": str, "encoder": str}
LEAST_SIDE, MOST_SIDE, MOST_VALUES = 8, 4096, 2**24


@dataclass(frozen=True, kw_only=True)
class AuditorCard(Document):
    """What an auditor says of itself.

    Attributes:
        name: of the row, for example "Vanilla conv4".
        kind: a head ("vanilla", "cnn", "invariant", "person"), else a score that needs none, such as "agreement".
        arguments: of the head; shapes of one sample at each of `taps`.
        views: label-free variants of the photo that are read.
        embedding: tap of the network's outcome, which the scores read.
        network: name, fingerprint and card (file or url of the weights with their sha256) of the audited network.
        pixels: how a photo must be brought to pixels: image size, alignment, border, encoder.
        membership: how members were known, whether D and E are random partitions, hashes of the shard set.
        evidence: the row of the table it was written from, or None: then its verdicts never claim.
        limits: sentences, for people.
        heads: how many heads, each from a seed of its own, the mean logit is of.
        subject: what its photos show, "faces" or "objects".
    """

    name: str
    kind: str
    arguments: Mapping[str, Any]
    shapes: list[list[int]]
    taps: list[str]
    views: list[str]
    embedding: str
    network: Mapping[str, Any]
    pixels: Mapping[str, Any]
    membership: Mapping[str, Any]
    evidence: RowEvidence | None
    limits: list[str]
    heads: int = 1
    subject: str = later(FACES)

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(view, tap) that the auditor reads: those of its head, or what its score is made of; of several photos
        "flip+2" is the view of the second beside the first."""
        if self.kind in KINDS:
            return with_beside(KINDS[self.kind].requests(self.embedding, self.views[-1]), self.set_size)
        return HEADS[self.kind].reads(self.taps, self.arguments)

    @property
    def set_size(self) -> int:
        """How many photos of one person a score is of; each must be there."""
        several = self.kind == "person" or (self.kind in KINDS and KINDS[self.kind].sets)
        return int(self.arguments.get("photos", PHOTOS)) if several else 1

    @property
    def fingerprint(self) -> str:
        """Of the audited network."""
        return str(self.network["fingerprint"])

    @classmethod
    def checked(cls, document: Any, where: str) -> "AuditorCard":
        """The card of the JSON that `to_json` gave; `where` names the file in errors.

        Raises:
            UserError: a key is missing or unknown, of another type, or a value that no auditor has.
        """
        try:
            card = cls.from_json(document)
            card._check()
        except UserError as error:
            raise UserError(f"The auditor {where} is not whole: {error}") from error
        return card

    def _check(self) -> None:
        for what, wanted, value in (("network", NETWORK, self.network), ("pixels", PIXELS, self.pixels)):
            for name, kind in wanted.items():
                if type(value.get(name)) is not kind:
                    raise UserError(f"{what}.{name} is {value.get(name)!r}; it must be {kind.__name__}.")
        if self.network.get("card") is not None and not isinstance(self.network["card"], dict):
            raise UserError("network.card is no JSON object.")
        if not LEAST_SIDE <= self.pixels["image_size"] <= MOST_SIDE:
            raise UserError(
                f"pixels.image_size is {self.pixels['image_size']}; it must be {LEAST_SIDE} to {MOST_SIDE}."
            )
        if type(self.membership.get("shards")) is not str:
            raise UserError(f"membership.shards is {self.membership.get('shards')!r}; it must be str.")
        if self.kind not in HEADS and self.kind not in KINDS:
            raise UserError(f"Its kind {self.kind!r} is not known; known are {', '.join((*HEADS, *KINDS))}.")
        if len(self.shapes) != len(self.taps) or any(not shape or min(shape) < 1 for shape in self.shapes):
            raise UserError(f"Its shapes {self.shapes} are not one for each of its taps {self.taps}.")
        if sum(math.prod(shape) for shape in self.shapes) > MOST_VALUES:
            raise UserError(f"Its shapes {self.shapes} are larger than any tap.")
        checked_subject(self.subject)
        if not self.views:
            raise UserError("It names no views.")

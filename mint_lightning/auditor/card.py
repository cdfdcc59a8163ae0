"""What an auditor says of itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mint_lightning.auditor.kinds import KINDS
from mint_lightning.errors import UserError
from mint_lightning.evidence import RowEvidence


@dataclass(frozen=True, kw_only=True)
class AuditorCard:
    """What an auditor says of itself.

    Attributes:
        name: of the row, for example "Vanilla conv4".
        kind: "vanilla" or "cnn", a head; else the name of a score that needs none, such as "agreement".
        arguments: of the head; shapes of one sample at each of `taps`.
        views: label-free variants of the photo that are read.
        embedding: tap of the network's outcome, which the scores read.
        network: name, fingerprint and card (file or url of the weights with their sha256) of the audited network.
        pixels: how a photo must be brought to pixels: image size, alignment, border, encoder.
        membership: how members were known, whether D and E are random partitions, hashes of the shard set.
        evidence: the row of the table it was written from, or None: then its verdicts never claim.
        limits: sentences, for people.
        heads: how many heads, each from a seed of its own, the mean logit is of.
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

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(view, tap) that the auditor reads: those of its head, or what its score is made of."""
        if self.kind in KINDS:
            return KINDS[self.kind].requests(self.embedding, self.views[-1])
        return [("original", tap) for tap in self.taps]

    @property
    def fingerprint(self) -> str:
        """Of the audited network."""
        return str(self.network["fingerprint"])

    def to_json(self) -> dict[str, Any]:
        """As the JSON of `auditor.json`."""
        return asdict(self) | {"evidence": self.evidence.to_json() if self.evidence is not None else None}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], where: str) -> "AuditorCard":
        """The reverse; `where` names the file in errors."""
        evidence = RowEvidence.from_json(document["evidence"]) if document.get("evidence") else None
        try:
            return cls(**{**document, "evidence": evidence})
        except TypeError as error:
            raise UserError(f"The auditor {where} is not complete: {error}.") from error

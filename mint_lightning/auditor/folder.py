"""An auditor: one folder that can audit photos, whole or absent, without the weights of the audited network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning import __version__
from mint_lightning.audited import AuditedNetwork
from mint_lightning.audited.weights import load_state
from mint_lightning.errors import UserError
from mint_lightning.evidence import RowEvidence, ScoreSet, agreement, embedding_norm
from mint_lightning.files import atomic_path, read_json, refuse_foreign_folder, sha256_file, write_json
from mint_lightning.heads import HEADS, Head, build_head

SCHEMA_VERSION = 1
AUDITOR_FILE = "auditor.json"
AUDITOR_HEAD = "head.safetensors"
CALIBRATION = "calibration.parquet"
MOST_HEADS = 100


@dataclass(frozen=True, kw_only=True)
class AuditorCard:
    """What an auditor says of itself.

    Attributes:
        name: of the row, for example "Vanilla conv4".
        kind: "vanilla" or "cnn", a head; "norm" or "agreement", a score that needs none.
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


@dataclass(frozen=True)
class Auditor:
    """A loaded auditor: its card, its head (None for a score) and its calibration scores."""

    card: AuditorCard
    head: Head | None
    calibration: ScoreSet

    def score(self, network: AuditedNetwork, images: Tensor) -> NDArray[np.float64]:
        """Score (B,) of uint8 images (B, 3, H, W) through the audited network; larger = more like a member.

        Raises:
            UserError: `network` is not the one the auditor was made for.
        """
        if network.fingerprint() != self.card.network["fingerprint"]:
            raise UserError(
                f"The auditor {self.card.name!r} was made for another network than {network.name!r}: give the weights "
                f"with fingerprint {str(self.card.network['fingerprint'])[:12]}."
            )
        if self.head is None:
            aad = network(images, [self.card.embedding], self.card.views)
            arrays = [aad[view][self.card.embedding].double().cpu().numpy() for view in self.card.views]
            return embedding_norm(arrays[0]) if self.card.kind == "norm" else agreement(arrays[0], arrays[1])
        aad = network(images, self.card.taps, ["original"])
        with torch.no_grad():
            return self.head([aad["original"][tap] for tap in self.card.taps]).logit.double().cpu().numpy()


def save_auditor(path: Path, card: AuditorCard, head: Head | None, calibration: ScoreSet) -> Path:
    """Write an auditor's folder atomically; one that stands there is replaced.

    `calibration` holds the scores of the calibrate split, or of all images out-of-fold.
    """
    from safetensors.torch import save_file

    if (head is None) == (card.kind in HEADS):
        raise UserError(f"An auditor of kind {card.kind!r} {'needs a' if head is None else 'has no'} head.")
    refuse_foreign_folder(Path(path), AUDITOR_FILE, "auditor")
    with atomic_path(Path(path)) as folder:
        folder.mkdir(parents=True)
        if head is not None:
            state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
            save_file(state, str(folder / AUDITOR_HEAD))
        _write_scores(folder / CALIBRATION, calibration)
        document = asdict(card)
        document["evidence"] = card.evidence.to_json() if card.evidence is not None else None
        files = {file.name: sha256_file(file) for file in sorted(folder.iterdir())}
        write_json(
            folder / AUDITOR_FILE,
            {"schema_version": SCHEMA_VERSION, "tool_version": __version__, **document, "files": files},
        )
    return Path(path)


def load_auditor(path: Path) -> Auditor:
    """Read an auditor's folder, checking the hash of every file.

    Raises:
        UserError: a file is missing or changed, or the folder is of another schema version.
    """
    path = Path(path)
    document = read_json(path / AUDITOR_FILE, "auditor")
    version = document.pop("schema_version", None) if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(f"The auditor {path} has schema version {version}; this tool reads version {SCHEMA_VERSION}.")
    document.pop("tool_version", None)
    for name, digest in document.pop("files", {}).items():
        file = path / Path(name).name
        if not file.is_file() or sha256_file(file) != digest:
            raise UserError(f"The file {file} of the auditor is missing or was changed: take the folder anew.")
    document["evidence"] = RowEvidence.from_json(document["evidence"]) if document.get("evidence") else None
    try:
        card = AuditorCard(**document)
    except TypeError as error:
        raise UserError(f"The auditor {path / AUDITOR_FILE} is not complete: {error}.") from error
    head = None
    if card.kind in HEADS:
        if type(card.heads) is not int or not 1 <= card.heads <= MOST_HEADS:
            raise UserError(f"The auditor {path} names {card.heads!r} heads: it must be 1 to {MOST_HEADS}.")
        head = build_head(card.kind, card.shapes, dict(card.arguments), card.heads)
        try:
            head.load_state_dict(load_state(path / AUDITOR_HEAD))
        except RuntimeError as error:
            raise UserError(f"The head in {path / AUDITOR_HEAD} is not the one that its card describes.") from error
        head.eval()
    return Auditor(card, head, _read_scores(path / CALIBRATION, str(card.network["name"])))


_COLUMNS = ("key", "identity", "member", "unseen", "split", "score")


def _write_scores(path: Path, scores: ScoreSet) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {name: getattr(scores, name).tolist() for name in _COLUMNS}
    if scores.fold is not None:
        columns["fold"] = scores.fold.tolist()
    pq.write_table(pa.table(columns), path, compression="zstd")


def _read_scores(path: Path, network: str) -> ScoreSet:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    columns = {name: np.array(table[name].to_pylist()) for name in table.column_names}
    fold = columns.pop("fold", None)
    return ScoreSet(**columns, network=network, fold=fold)

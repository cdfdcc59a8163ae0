"""An auditor: one folder that can audit photos, whole or absent, without the weights of the audited network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning import __version__
from mint_lightning.audited import AuditedNetwork
from mint_lightning.audited.weights import load_state
from mint_lightning.auditor.card import AuditorCard
from mint_lightning.auditor.kinds import KINDS
from mint_lightning.auditor.novelty import NoveltyCheck
from mint_lightning.errors import UserError
from mint_lightning.evidence import ScoreSet
from mint_lightning.files import atomic_path, read_json, refuse_foreign_folder, sha256_file, write_json
from mint_lightning.heads import HEADS, Head, build_head, view_and_step

SCHEMA_VERSION = 3
AUDITOR_FILE = "auditor.json"
AUDITOR_HEAD = "head.safetensors"
SCORES = "scores.parquet"
NOVELTY = "novelty.safetensors"
MOST_HEADS = 100

AAD = Mapping[tuple[str, str], Tensor]
"""AAD (B, ...) float32 by (view, tap)."""


@dataclass(frozen=True)
class Auditor:
    """A loaded auditor: its card, its head (None for a score), the scores of calibrate and, if known, of test, and
    what tells photos unlike those of calibrate, if it was given that.

    From calibrate come its p-values, from test the error rates that it states.
    """

    card: AuditorCard
    head: Head | None
    scores: ScoreSet
    novelty: NoveltyCheck | None = None

    @property
    def calibration(self) -> ScoreSet:
        """The scores that p-values come from: of calibrate, or all of them where out-of-fold."""
        return self.scores if self.scores.cross_fitted else self.scores.where(self.scores.split == "calibrate")

    def check(self, network: AuditedNetwork) -> None:
        """Raise `UserError` unless `network` is the one that the auditor was made for."""
        if network.fingerprint() != self.card.fingerprint:
            raise UserError(
                f"The auditor {self.card.name!r} was made for another network than {network.name!r}: give the weights "
                f"with fingerprint {self.card.fingerprint[:12]}."
            )

    def score(self, network: AuditedNetwork, images: Tensor) -> NDArray[np.float64]:
        """Score (B,) of uint8 images (B, 3, H, W) through the audited network; larger = more like a member.

        Raises:
            UserError: `network` is not the one the auditor was made for, or a score is of several photos.
        """
        self.check(network)
        if self.card.set_size > 1:
            raise UserError(
                f"A score of {self.card.name!r} is of {self.card.set_size} photos of one person: use audit."
            )
        return self.score_aad(read_aad(network, images, self.card.requests))

    def score_sets(self, aad: AAD, sets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Score (r,) of sets of photos of one person each: `sets` (r, k) are places of `set_size` photos among those
        (n, ...) that `aad` holds, read as `of_one(card.requests)` says."""
        device = torch.device("cpu") if self.head is None else next(self.head.parameters()).device
        found = {}
        for name, tap in self.card.requests:
            view, step = view_and_step(name)
            found[name, tap] = aad[view, tap][torch.from_numpy(sets[:, step])].to(device)
        return self.score_aad(found)

    def score_aad(self, aad: AAD) -> NDArray[np.float64]:
        """The same from AAD that holds what the card's `requests` name."""
        inputs = [aad[request] for request in self.card.requests]
        if self.head is None:
            return KINDS[self.card.kind].compute([each.double().cpu().numpy() for each in inputs], None)
        with torch.no_grad():
            return self.head(inputs).logit.double().cpu().numpy()


def read_aad(network: AuditedNetwork, images: Tensor, requests: list[tuple[str, str]]) -> dict[tuple[str, str], Tensor]:
    """AAD of (view, tap) requests for uint8 images (B, 3, H, W), one forward for each view."""
    found = {}
    for view in dict.fromkeys(view for view, _ in requests):
        taps = list(dict.fromkeys(tap for at, tap in requests if at == view))
        for tap, value in network(images, taps, [view])[view].items():
            found[view, tap] = value
    return found


def save_auditor(
    path: Path, card: AuditorCard, head: Head | None, scores: ScoreSet, novelty: NoveltyCheck | None = None
) -> Path:
    """Write an auditor's folder atomically; one that stands there is replaced.

    `scores` are those of the calibrate and test splits, of calibrate alone (then it can state no error rate), or of
    all images out-of-fold.
    """
    from safetensors.torch import save_file

    if card.kind not in HEADS and card.kind not in KINDS:
        raise UserError(f"There is no auditor of kind {card.kind!r}; known are {', '.join((*HEADS, *KINDS))}.")
    if (head is None) == (card.kind in HEADS):
        raise UserError(f"An auditor of kind {card.kind!r} {'needs a' if head is None else 'has no'} head.")
    refuse_foreign_folder(Path(path), AUDITOR_FILE, "auditor")
    with atomic_path(Path(path)) as folder:
        folder.mkdir(parents=True)
        if head is not None:
            state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
            save_file(state, str(folder / AUDITOR_HEAD))
        _write_scores(folder / SCORES, scores)
        if novelty is not None:
            novelty.save(folder / NOVELTY)
        files = {file.name: sha256_file(file) for file in sorted(folder.iterdir())}
        about = {"schema_version": SCHEMA_VERSION, "tool_version": __version__}
        write_json(folder / AUDITOR_FILE, {**about, **card.to_json(), "files": files})
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
    files = document.pop("files", None)
    if not isinstance(files, dict) or SCORES not in files:
        raise UserError(f"The auditor {path / AUDITOR_FILE} does not list its files: take the folder anew.")
    for name, digest in files.items():
        file = path / Path(name).name
        if not file.is_file() or sha256_file(file) != digest:
            raise UserError(f"The file {file} of the auditor is missing or was changed: take the folder anew.")
    card = AuditorCard.checked(document, str(path / AUDITOR_FILE))
    for name in (AUDITOR_HEAD, NOVELTY):
        if name not in files and ((path / name).exists() or (name == AUDITOR_HEAD and card.kind in HEADS)):
            raise UserError(f"The auditor {path / AUDITOR_FILE} does not list {name}: take the folder anew.")
    head = _read_head(path, card) if card.kind in HEADS else None
    novelty = NoveltyCheck.load(path / NOVELTY) if NOVELTY in files else None
    return Auditor(card, head, _read_scores(path / SCORES, str(card.network["name"])), novelty)


def _read_head(path: Path, card: AuditorCard) -> Head:
    if type(card.heads) is not int or not 1 <= card.heads <= MOST_HEADS:
        raise UserError(f"The auditor {path} names {card.heads!r} heads: it must be 1 to {MOST_HEADS}.")
    try:
        head = build_head(card.kind, card.shapes, card.taps, dict(card.arguments), card.heads)
        head.load_state_dict(load_state(path / AUDITOR_HEAD))
    except (RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"The head in {path / AUDITOR_HEAD} is not the one that its card describes.") from error
    return head.eval()


_COLUMNS = ("key", "identity", "member", "unseen", "split", "score")


def _write_scores(path: Path, scores: ScoreSet) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {name: getattr(scores, name).tolist() for name in _COLUMNS}
    if scores.fold is not None:
        columns["fold"] = scores.fold.tolist()
    pq.write_table(pa.table(columns), path, compression="zstd")


def _read_scores(path: Path, network: str) -> ScoreSet:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"The scores {path} of the auditor cannot be read: take the folder anew.") from error
    columns = {name: np.array(table[name].to_pylist()) for name in table.column_names}
    fold = columns.pop("fold", None)
    if set(columns) != set(_COLUMNS) or not len(table):
        raise UserError(f"The scores {path} of the auditor are not whole: take the folder anew.")
    return ScoreSet(**columns, network=network, fold=fold)

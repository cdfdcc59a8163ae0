"""Verification accuracy of a trained network, on people it never saw."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.audited.architectures import Built
from mint_lightning.audited.network import AuditedNetwork
from mint_lightning.errors import UserError
from mint_lightning.learning.pairs import Pairs, Verification, held_out_pairs, lfw_pairs, verification
from mint_lightning.learning.speed import Format
from mint_lightning.progress import track
from mint_lightning.shards import EvalLoader, KeyList, Photo

Measure = Literal["held-out", "lfw", "none"]
MEASURES: tuple[str, ...] = get_args(Measure)
_BATCH = 256


def measure(
    pairs: Measure, root: Path, keys: KeyList, trained: NDArray[np.int64], built: Built, format: Format
) -> Verification | None:
    """Verification by the cosine of two embeddings; None where the shard set has no people left, or none is wanted.

    Freezes the network of `built`, which is done learning.

    Args:
        pairs: "held-out": people of the shard set at `root` of whom no photo is in the rows `trained`; "lfw": LFW's
            official pairs without those of people trained on (the same names in `keys`); "none".

    Raises:
        UserError: LFW is not there.
    """
    if pairs == "none":
        return None
    network = AuditedNetwork(built.module, taps=built.taps, preprocessing=built.preprocessing, bf16=format.bf16)
    if pairs == "lfw":
        return lfw_verification(network, without=set(keys.identity[trained].tolist()))
    try:
        chosen = held_out_pairs(keys, trained)
    except UserError:
        return None
    loader = EvalLoader(root, keys, chosen.photos, batch_size=_BATCH)
    return _verified(network, chosen, ((batch["row"].numpy(), batch["images"]) for batch in loader))


def lfw_verification(network: AuditedNetwork, *, without: Collection[str] = ()) -> Verification:
    """On LFW's official pairs, those with people of these names left out. Raises `UserError` where LFW is not there."""
    chosen, photos = lfw_pairs(without=without)
    return _verified(network, chosen, _read(chosen, photos))


def _verified(
    network: AuditedNetwork, chosen: Pairs, batches: Iterable[tuple[NDArray[np.int64], Tensor]]
) -> Verification:
    place, embeddings = [], []
    for where, images in batches:
        place.append(where)
        embeddings.append(network.embed(images.to(network.device)).cpu())
    index = np.full(int(chosen.photos.max()) + 1, -1)
    index[np.concatenate(place)] = np.arange(sum(map(len, place)))
    unit = F.normalize(torch.cat(embeddings)).numpy()
    first, second = index[chosen.first], index[chosen.second]
    whole = (first >= 0) & (second >= 0)  # a broken image takes its pairs with it
    cosine = (unit[first[whole]] * unit[second[whole]]).sum(1)
    return verification(cosine, chosen.same[whole], chosen.fold[whole])


def _read(pairs: Pairs, photos: Sequence[Photo]) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    starts = range(0, len(pairs.photos), _BATCH)
    for start in track(starts, "LFW's pairs", total=len(starts)):
        places = pairs.photos[start : start + _BATCH]
        pixels = np.stack([_decode(photos[place]) for place in places])
        yield places, torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def _decode(photo: Photo) -> NDArray[np.uint8]:
    data = photo.read()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if isinstance(data, bytes) else None
    if image is None:
        raise UserError(f"The photo {photo.origin} of LFW cannot be decoded: the archive is damaged.")
    pixels: NDArray[np.uint8] = image[:, :, ::-1]
    return pixels

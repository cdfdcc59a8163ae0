"""Faces from a shard set, turned into AAD by the audited network on the device."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from torch import Tensor

from datamodules.audit import AuditData
from mint_lightning.audited import NetworkSource
from mint_lightning.learning.objective import AAD
from mint_lightning.shards import TrainLoader
from mint_lightning.shards.remote import CACHE_BYTES


class Faces(AuditData):
    """Members and externals of one shard set as batches of AAD.

    Each identity is in exactly one of fit, validate, calibrate and test. A batch has `aad[network][view][tap]` (B, C)
    or (B, C, H, W) float32, `member` (B,) bool and `row` (B,) int64, the photo's place in the key list.

    Args:
        shards: folder of the shard set, as `mint-lightning pack` writes it, or its address (https://host/set); of
            several, [shards/a, shards/b], each is a partition of its name.
        network: the audited network: {card: FILE} as `train-audited` writes it, or {architecture: ..., weights: ...}.
        taps: where to read, "NAME" for channel maxima or "NAME:map" for whole maps; linked from model.taps in `fit`.
        views: label-free variants of each image to read as well; "original" is the image as given.
        members: partitions of the shard set that the network was trained on; null takes the list in the card, or the
            sets that were packed as such (pack --role).
        externals: partitions of people whom the network never saw; null takes everybody whom the card does not list.
        unseen: partitions with other photos of member identities; a third group, in no fit, validate or calibrate.
        split_by: what fit, validate, calibrate and test keep apart: "identity", or "photo" to see what goes wrong then:
            heads learn people, and nothing may be claimed.
        null_seed: pretend that a random half of the externals, drawn by identity, were members. Nothing may be found.
        batch_size: images of a global batch over all processes, a multiple of twice the lanes of the shard set.
        samples: learn from this many images only, half of them members, or from this share (0.5) of what there is in
            equal parts; null takes all of the fit split.
        workers: processes that read and decode; 0 does it in the main process.
        seed: decides the order of images, and nothing else.
        max_broken: share of undecodable images in a pass above which the run stops.
        allow_mixed: take several sets whose photos were aligned differently, too; then nothing may be claimed.
        cache: folder for the tars of shard sets at an address (https://host/set, s3://bucket/set); null takes the
            user's cache folder.
        cache_bytes: what the tars there may take together; those that were not used for longest leave first.
    """

    def __init__(
        self,
        shards: str | list[str],
        network: NetworkSource,
        taps: list[str] | None = None,
        views: list[str] | None = None,
        members: list[str] | None = None,
        externals: list[str] | None = None,
        unseen: list[str] | None = None,
        split_by: Literal["identity", "photo"] = "identity",
        null_seed: int | None = None,
        batch_size: int = 128,
        samples: int | float | None = None,
        workers: int = 1,
        seed: int = 0,
        max_broken: float = 0.01,
        allow_mixed: bool = False,
        cache: str | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        super().__init__(
            shards,
            network,
            taps=taps,
            views=views,
            members=members,
            externals=externals,
            unseen=unseen,
            split_by=split_by,
            null_seed=null_seed,
            batch_size=batch_size,
            samples=samples,
            workers=workers,
            seed=seed,
            max_broken=max_broken,
            allow_mixed=allow_mixed,
            cache=cache,
            cache_bytes=cache_bytes,
        )
        self._standardised: dict[bytes, AAD] = {}

    def fit_images(self) -> TrainLoader:
        """The fit split's images in the order of epoch 0, in this process, whatever the rank."""
        return TrainLoader(self.root, self.order())

    def first_fit_aad(self, images: int) -> Iterator[AAD]:
        """AAD of the first `images` of epoch 0, whichever process asks: every rank standardises alike.

        What the epoch itself will ask for again, the same batches, is kept for it where one process reads them whole;
        of maps nothing, they are large.
        """
        self._standardised.clear()  # what a fit that was interrupted left
        kept = all(len(shape) == 1 for shape in self.shapes) and self._place()[1] == 1
        loader = self.fit_images()
        device = self._device()
        left = min(images, len(loader) * self.batch_size)
        for batch in loader:
            aad = self._aad(batch["images"][:left].to(device))
            if kept and len(batch["row"]) <= left:
                self._standardised[_name(batch)] = aad
            yield self.with_class(aad, batch["row"][:left].to(device))
            left -= len(batch["row"])
            if left <= 0:
                return

    def aad_of(self, batch: dict[str, Any]) -> AAD:
        """Of a batch of images, under no_grad; the network's own precision, float32 out."""
        known = self._standardised.pop(_name(batch), None)
        return self._aad(batch["images"]) if known is None else known

    def teardown(self, stage: str) -> None:
        """Keep nothing for an epoch that does not come."""
        self._standardised.clear()

    def _aad(self, images: Tensor) -> AAD:
        return {
            name: net.to(images.device)(images, self.network_taps, self.views) for name, net in self.networks.items()
        }


def _name(batch: Mapping[str, Any]) -> bytes:
    """Of a batch: which photos, in which order."""
    return bytes(batch["row"].cpu().numpy().tobytes())

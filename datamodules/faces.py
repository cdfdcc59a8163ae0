"""Faces from a shard set, turned into AAD by the audited network on the device."""

from typing import Literal

from datamodules.images import ImageData
from mint_lightning.audited import NetworkSource
from mint_lightning.shards.remote import CACHE_BYTES


class Faces(ImageData):
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

"""Objects from a shard set with classes, turned into AAD by the audited classifier on the device."""

from typing import Any, Literal

import numpy as np

from datamodules.images import ImageData
from mint_lightning.audited import NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.shards.remote import CACHE_BYTES


class Objects(ImageData):
    """Members and externals of one shard set of objects as batches of AAD.

    What `Faces` is, of a set whose photos have classes (pack's cifar10:, gtsrb:, classes:): a batch has `label` (B,)
    int64 as well, the class's place in the manifest's list, and the tap "class" can be read beside the network's. A
    photo, or a track of a video, is an identity of its own, in exactly one of fit, validate, calibrate and test.

    Args:
        shards: folder of the shard set, as `mint-lightning pack` writes it, or its address (https://host/set); of
            several, [shards/a, shards/b], each is a partition of its name.
        network: the audited network: {card: FILE} as `train-audited` writes it, or {architecture: ..., weights: ...}.
        taps: where to read, "NAME" for channel maxima, "NAME:map" for whole maps, "class" for the photo's class; linked
            from model.taps in `fit`.
        views: label-free variants of each image to read as well; "original" is the image as given.
        classes: only photos of these classes, for an auditor of them alone; null takes all.
        members: partitions of the shard set that the network was trained on; null takes the list in the card, or the
            sets that were packed as such (pack --role).
        externals: partitions that the network never saw; null takes every photo that the card does not list.
        unseen: partitions with other photos of member identities; a third group, in no fit, validate or calibrate.
        split_by: what fit, validate, calibrate and test keep apart: "identity", or "photo" to see what goes wrong then:
            heads learn tracks, and nothing may be claimed.
        null_seed: pretend that a random half of the externals, drawn by identity, were members. Nothing may be found.
        batch_size: images of a global batch over all processes, a multiple of twice the lanes of the shard set.
        samples: learn from this many images only, half of them members, or from this share (0.5) of what there is in
            equal parts; null takes all of the fit split.
        workers: processes that read and decode; 0 does it in the main process.
        seed: decides the order of images, and nothing else.
        max_broken: share of undecodable images in a pass above which the run stops.
        allow_mixed: take several sets whose photos came to pixels differently, too; then nothing may be claimed.
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
        classes: list[str] | None = None,
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
            only=classes,
        )
        self._check_classes()

    def _check_classes(self) -> None:
        """Refuse a set without classes, and photos that the network has no output for."""
        self.keys.class_numbers(self.manifest.classes)
        used = self.groups.used
        strange = np.unique(self.keys.class_name[used[self.labels[used] < 0]]).tolist()
        if strange:
            what = f"the class {strange[0]!r}" if strange[0] else "photos of no known class"
            raise UserError(
                f"The network {self.network.name!r} has no output for {what}; it knows {', '.join(self.classes)}: name "
                "such as data.classes."
            )

    def on_after_batch_transfer(self, batch: dict[str, Any], dataloader_idx: int) -> dict[str, Any]:
        """What the head learns from: AAD, membership and the class, on the device."""
        row = batch["row"]
        label = row.new_tensor(self.labels[row.cpu().numpy()])
        return {**super().on_after_batch_transfer(batch, dataloader_idx), "label": label}

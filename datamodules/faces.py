"""Faces from a shard set, turned into AAD by the audited network on the device."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import lightning as L
import numpy as np
import torch
from torch import Tensor

from mint_lightning.audited import NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.learning.members import card_folder, trained_on
from mint_lightning.learning.membership import BY_PHOTO, Membership, Rows, membership
from mint_lightning.learning.objective import AAD
from mint_lightning.shards import (
    EpochOrder,
    EvalLoader,
    KeyList,
    Manifest,
    TrainLoader,
    balanced_subsets,
    split_by_photo,
)


class Faces(L.LightningDataModule):
    """Members and externals of one shard set as batches of AAD.

    Each identity is in exactly one of fit, validate, calibrate and test. A batch has `aad[network][view][tap]` (B, C)
    or (B, C, H, W) float32, `member` (B,) bool and `row` (B,) int64, the photo's place in the key list.

    Args:
        shards: folder of the shard set, as `mint-lightning pack` writes it.
        network: the audited network: {card: FILE} as `train-audited` writes it, or {architecture: ..., weights: ...}.
        taps: where to read, "NAME" for channel maxima or "NAME:map" for whole maps; linked from model.taps in `fit`.
        views: label-free variants of each image to read as well; "original" is the image as given.
        members: partitions of the shard set that the network was trained on; null takes the list in the card.
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
    """

    def __init__(
        self,
        shards: str,
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
    ) -> None:
        super().__init__()
        self.root = Path(shards)
        self.manifest = Manifest.load(self.root)
        self.keys = KeyList.load(self.root, self.manifest)
        if split_by == "photo":
            self.keys = split_by_photo(self.keys, self.manifest.seed)
        self.network = network.load()
        self.networks = {"audited": self.network}
        self.card = self.network.card
        self.taps = list(taps) if taps else list(self.network.tap_names)
        self.views = list(views) if views else ["original"]
        self.shapes = [list(shape) for shape in self.network.aad_shapes(self.taps).values()]
        self.groups: Membership = membership(
            self.keys,
            self.manifest,
            trained_on(self.card, card_folder(network)),
            members=members,
            externals=externals,
            unseen=unseen,
            null_seed=null_seed,
        )
        if split_by == "photo":
            how = f"{self.groups.how}, splits by photo"  # a checkpoint of the one split is none of the other
            self.groups = replace(self.groups, random_partition=False, no_claim=BY_PHOTO, how=how)
        self.member, self.unseen = self.groups.flags(len(self.keys))
        self.batch_size = batch_size
        self.samples = samples
        self.workers = workers
        self.seed = seed
        self.max_broken = max_broken
        self.predict_rows: Rows | None = None
        self.broken: list[str] = []
        self._standardised: dict[bytes, AAD] = {}

    def rows(self, *splits: str, unseen: bool = False) -> Rows:
        """Rows of members and externals (and of unseen photos where asked for) in the given splits, ascending."""
        used = self.groups.used if unseen else np.sort(np.concatenate([self.groups.members, self.groups.externals]))
        rows = used[self.keys.split.isin(splits)[used]]
        kinds = {bool(flag) for flag in self.member[rows]}
        if len(kinds) < 2:
            raise UserError(
                f"The {' and '.join(splits)} split of {self.root} holds only "
                f"{'members' if kinds == {True} else 'externals' if kinds else 'nothing'}; both classes are needed: "
                "pack more identities."
            )
        return rows

    def order(self, rows: Rows | None = None, samples: int | float | None = None) -> EpochOrder:
        """The order of `rows` (the fit split by default) or of `samples` of them: members and externals in equal
        parts, a pure function of (seed, epoch)."""
        rows = self.rows("fit") if rows is None else rows
        samples = self.samples if samples is None else samples
        groups = [rows[self.member[rows]], rows[~self.member[rows]]]
        if samples is not None:
            groups = balanced_subsets(self.keys, groups, samples)
        return EpochOrder(self.keys, tuple(groups), batch_size=self.batch_size, seed=self.seed)

    def train_dataloader(self) -> TrainLoader:
        """The fit split, in balanced batches."""
        return self.train_loader(self.order())

    def train_loader(self, order: EpochOrder) -> TrainLoader:
        """The images of an order, in its batches."""
        rank, world_size = self._place()
        return TrainLoader(self.root, order, workers=self.workers, rank=rank, world_size=world_size)

    def val_dataloader(self) -> EvalLoader:
        """The validate split, every image once."""
        return self.eval_loader(self.rows("validate"))

    def test_dataloader(self) -> EvalLoader:
        """The calibrate and test splits: thresholds come from the one, figures from the other."""
        return self.eval_loader(self.rows("calibrate", "test", unseen=True))

    def predict_dataloader(self) -> EvalLoader:
        """Every image of the shard set, whatever its group, or `predict_rows` where these are set."""
        rows = np.arange(len(self.keys)) if self.predict_rows is None else self.predict_rows
        return self.eval_loader(rows)

    def eval_loader(self, rows: Rows) -> EvalLoader:
        """Every one of `rows` exactly once over all processes."""
        rank, world_size = self._place()
        return EvalLoader(
            self.root,
            self.keys,
            rows,
            batch_size=self.batch_size,
            workers=self.workers,
            rank=rank,
            world_size=world_size,
        )

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer else (0, 1)

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
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        left = min(images, len(loader) * self.batch_size)
        for batch in loader:
            aad = self._aad(batch["images"][:left].to(device))
            if kept and len(batch["row"]) <= left:
                self._standardised[_name(batch)] = aad
            yield aad
            left -= len(batch["row"])
            if left <= 0:
                return

    def on_after_batch_transfer(self, batch: dict[str, Any], dataloader_idx: int) -> dict[str, Any]:
        """Images to AAD, on the device, under no_grad; the network's own precision, float32 out."""
        self.count(batch)
        images = batch["images"]
        rows = batch["row"].cpu().numpy()
        known = self._standardised.pop(_name(batch), None)
        return {
            "aad": self._aad(images) if known is None else known,
            "member": torch.from_numpy(self.member[rows]).to(images.device),
            "row": batch["row"],
        }

    def teardown(self, stage: str) -> None:
        """Keep nothing for an epoch that does not come."""
        self._standardised.clear()

    def _aad(self, images: Tensor) -> AAD:
        return {name: net.to(images.device)(images, self.taps, self.views) for name, net in self.networks.items()}

    def count(self, batch: dict[str, Any]) -> None:
        """Take note of a batch's broken images.

        Raises:
            UserError: more of the shard set than `max_broken` cannot be decoded.
        """
        self.broken += [key for key in batch["broken"] if key not in self.broken]
        if len(self.broken) > self.max_broken * len(self.keys):
            raise UserError(
                f"{len(self.broken)} images cannot be decoded, {self.broken[0]} first: more than max_broken = "
                f"{self.max_broken:.0%} of {len(self.keys)}; run `mint-lightning verify {self.root}`."
            )


def _name(batch: Mapping[str, Any]) -> bytes:
    """Of a batch: which photos, in which order."""
    return bytes(batch["row"].cpu().numpy().tobytes())

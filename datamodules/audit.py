"""What the DataModules of an audit share: the network, who its members are, and in which order photos come."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.audited import NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.learning.folds import make_folds
from mint_lightning.learning.labels import CLASS, class_numbers, classes_of, is_class, kept_classes, one_hot, shapes_of
from mint_lightning.learning.members import card_folder, trained_on
from mint_lightning.learning.membership import BY_PHOTO, BY_PHOTO_OF_OBJECTS, Membership, Rows, membership
from mint_lightning.learning.networks import AUDITED
from mint_lightning.learning.objective import AAD
from mint_lightning.learning.rows import parse_samples
from mint_lightning.shards import (
    EpochOrder,
    EvalLoader,
    KeyList,
    Manifest,
    TrainLoader,
    balanced_subsets,
    join,
    split_by_photo,
)
from mint_lightning.shards.remote import CACHE_BYTES, local_set
from mint_lightning.shards.stream import Read


class AuditData(L.LightningDataModule):
    """Members and externals of one shard set in batches; a subclass says how a batch becomes AAD.

    A batch that reaches the head has `aad[network][view][tap]` (B, C) or (B, C, H, W) float32, `member` (B,) bool and
    `row` (B,) int64, the photo's place in the key list. Arguments as those of `Faces`; `only` are classes of
    objects, the others' photos left aside.
    """

    def __init__(
        self,
        shards: str | list[str],
        network: NetworkSource,
        *,
        taps: list[str] | None,
        views: list[str] | None,
        members: list[str] | None,
        externals: list[str] | None,
        unseen: list[str] | None,
        split_by: Literal["identity", "photo"],
        null_seed: int | None,
        batch_size: int,
        samples: int | float | None,
        workers: int,
        seed: int,
        max_broken: float,
        allow_mixed: bool = False,
        cache: str | None = None,
        cache_bytes: int = CACHE_BYTES,
        only: list[str] | None = None,
    ) -> None:
        super().__init__()
        given = [shards] if isinstance(shards, str) else list(shards)
        if len(given) == 1:
            self.root = local_set(given[0], cache, cache_bytes)
        else:
            self.root = join(given, allow_mixed=allow_mixed, cache=cache, cache_bytes=cache_bytes)
        self.set_name = " + ".join(Path(each).name for each in given)
        self.manifest = Manifest.load(self.root)
        self.keys = KeyList.load(self.root, self.manifest)
        kept_classes(self.manifest, only)
        if split_by == "photo":
            self.keys = split_by_photo(self.keys, self.manifest.seed)
        self.network = network.load()
        self.networks = {AUDITED: self.network}
        self.card = self.network.card
        self.classes = classes_of(self.card, self.manifest)
        self.taps = list(taps) if taps else list(self.network.tap_names)
        self.network_taps = [tap for tap in self.taps if not is_class(tap)]
        self.views = list(views) if views else ["original"]
        self.photos = 1
        self.shapes = [list(shape) for shape in shapes_of(self.network, self.taps, self.classes).values()]
        self.groups: Membership = membership(
            self.keys,
            self.manifest,
            trained_on(self.card, card_folder(network)),
            members=members,
            externals=externals,
            unseen=unseen,
            null_seed=null_seed,
            classes=only,
        )
        if split_by == "photo":
            why = BY_PHOTO if self.subject == "faces" else BY_PHOTO_OF_OBJECTS
            how = f"{self.groups.how}, splits by photo"  # a checkpoint of the one split is none of the other
            self.groups = replace(self.groups, random_partition=False, no_claim=why, how=how)
        self.member, self.unseen = self.groups.flags(len(self.keys))
        self.batch_size = batch_size
        self.only = list(only) if only else None
        self.samples = parse_samples(samples)
        self.workers = workers
        self.seed = seed
        self.max_broken = max_broken
        self.predict_rows: Rows | None = None
        self.broken: list[str] = []
        self.read: Read | None = None
        """What the loaders read of photos in place of their images, if anything."""

    @property
    def subject(self) -> Literal["faces", "objects"]:
        """What the photos show: objects where they have classes. Then an identity is a photo or a track, no person."""
        return "objects" if self.keys.has_classes else "faces"

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(N,) int64, what a classifier of the photos names: the class of each object, -1 where it is not known; of a
        set without classes the person."""
        return class_numbers(self.keys, self.classes) if self.keys.has_classes else self.keys.label

    def class_aad(self, rows: Rows) -> Tensor:
        """The tap "class" of `rows` (n,): float32 (n, classes)."""
        return one_hot(torch.from_numpy(self.labels[rows]), len(self.classes))

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

    def order(
        self,
        rows: Rows | None = None,
        samples: int | float | None = None,
        member: NDArray[np.bool_] | None = None,
    ) -> EpochOrder:
        """The order of `rows` (the fit split by default) or of `samples` of them: members and externals in equal
        parts, a pure function of (seed, epoch). member: (N,) labels by row in the place of the true ones."""
        rows = self.rows("fit") if rows is None else rows
        samples = self.samples if samples is None else samples
        labels = self.member if member is None else member
        groups = [rows[labels[rows]], rows[~labels[rows]]]
        if samples is not None:
            groups = balanced_subsets(self.keys, groups, samples)
        return EpochOrder(self.keys, tuple(groups), batch_size=self.batch_size, seed=self.seed)

    def train_dataloader(self) -> TrainLoader:
        """The fit split, in balanced batches."""
        return self.train_loader(self.order())

    def train_loader(self, order: EpochOrder) -> TrainLoader:
        """The photos of an order, in its batches."""
        rank, world_size = self._place()
        return TrainLoader(self.root, order, workers=self.workers, rank=rank, world_size=world_size, read=self.read)

    def val_dataloader(self) -> EvalLoader:
        """The validate split, every photo once."""
        return self.eval_loader(self.rows("validate"))

    def test_dataloader(self) -> EvalLoader:
        """What a table scores, the calibrate and test splits: thresholds come from the one, figures from the other."""
        return self.eval_loader(make_folds(self, 0, 0)[0].scored)

    def predict_dataloader(self) -> EvalLoader:
        """`predict_rows` where these are set, else all that there is."""
        return self.eval_loader(self.all_rows() if self.predict_rows is None else self.predict_rows)

    def all_rows(self) -> Rows:
        """Every photo of the shard set, whatever its group."""
        return np.arange(len(self.keys))

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
            read=self.read,
        )

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (trainer.global_rank, trainer.world_size) if trainer else (0, 1)

    def _device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    def first_fit_aad(self, images: int) -> Iterator[AAD]:
        """AAD of the first `images` of epoch 0, whichever process asks: every rank standardises alike."""
        raise NotImplementedError

    def aad_of(self, batch: dict[str, Any]) -> AAD:
        """AAD of a batch that is on the device."""
        raise NotImplementedError

    def on_after_batch_transfer(self, batch: dict[str, Any], dataloader_idx: int) -> dict[str, Any]:
        """What the head learns from: AAD and membership, on the device."""
        self.count(batch)
        row = batch["row"]
        member = torch.from_numpy(self.member[row.cpu().numpy()]).to(row.device)
        return {"aad": self.with_class(self.aad_of(batch), row), "member": member, "row": row}

    def with_class(self, aad: AAD, row: Tensor) -> AAD:
        """The same with the tap "class" of `row` (B,), where it is among the taps."""
        if len(self.network_taps) == len(self.taps):
            return aad
        own = self.class_aad(row.cpu().numpy()).to(row.device)
        return {name: {view: {**taps, CLASS: own} for view, taps in views.items()} for name, views in aad.items()}

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

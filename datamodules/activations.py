"""Faces whose AAD comes from the store that a table wrote: heads learn without the network being run."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning.pytorch.utilities import move_data_to_device
from numpy.typing import NDArray

from datamodules.audit import AuditData
from mint_lightning.audited import NetworkSource
from mint_lightning.errors import UserError
from mint_lightning.heads import requests_of
from mint_lightning.learning.folds import make_folds
from mint_lightning.learning.membership import Rows
from mint_lightning.learning.objective import AAD
from mint_lightning.learning.rings import Rings
from mint_lightning.learning.stored import StoredAAD
from mint_lightning.shards import EpochOrder, EvalLoader
from mint_lightning.shards.remote import CACHE_BYTES


class Activations(AuditData):
    """The batches of `Faces`, read from the store of activations that `mint-lightning table --store FOLDER` writes.

    Order, splits, standardisation and batches are those of `Faces`, so the head is the same. The network is loaded to
    be known by its weights and to tell its shapes; it sees no photo. Of the shard set only the manifest and the key
    list are read, and a tar where the store lacks one of its photos, to see whether that can be decoded.

    Args:
        shards: folder of the shard set, as `mint-lightning pack` writes it, or several, as a table had them.
        network: the audited network: {card: FILE} as `train-audited` writes it, or {architecture: ..., weights: ...}.
        store: folder of the activations; a table writes it as it stands in its `store`.
        taps: where to read, "NAME" for channel maxima or "NAME:map" for whole maps; linked from model.taps in `fit`.
        views: label-free variants of each image to read as well, where the store has them.
        photos: how many photos of a person a sample is of; linked from model.photos in `fit`. Beside each photo stand
            others of its person, whoever has fewer is left aside, and a person is scored once.
        members: partitions of the shard set that the network was trained on; null takes the list in the card.
        externals: partitions of people whom the network never saw; null takes everybody whom the card does not list.
        unseen: partitions with other photos of member identities; a third group, in no fit, validate or calibrate.
        split_by: what fit, validate, calibrate and test keep apart: "identity", or "photo" to see what goes wrong then:
            heads learn people, and nothing may be claimed.
        null_seed: pretend that a random half of the externals, drawn by identity, were members. Nothing may be found.
        batch_size: images of a global batch over all processes, a multiple of twice the lanes of the shard set.
        samples: learn from this many images only, half of them members, or from this share (0.5) of what there is in
            equal parts; null takes all of the fit split.
        seed: decides the order of images, and nothing else.
        max_broken: share of undecodable images in the shard set above which the run stops.
        allow_mixed: take several sets whose photos were aligned differently, too; then nothing may be claimed.
        cache: folder for the tars of shard sets at an address (https://host/set, s3://bucket/set); null takes the
            user's cache folder.
        cache_bytes: what the tars there may take together; those that were not used for longest leave first.
    """

    def __init__(
        self,
        shards: str | list[str],
        network: NetworkSource,
        store: str = "mlruns/activations",
        taps: list[str] | None = None,
        views: list[str] | None = None,
        photos: int = 1,
        members: list[str] | None = None,
        externals: list[str] | None = None,
        unseen: list[str] | None = None,
        split_by: Literal["identity", "photo"] = "identity",
        null_seed: int | None = None,
        batch_size: int = 128,
        samples: int | float | None = None,
        seed: int = 0,
        max_broken: float = 0.01,
        allow_mixed: bool = False,
        cache: str | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        who: dict[str, Any] = {
            "members": members,
            "externals": externals,
            "unseen": unseen,
            "split_by": split_by,
            "null_seed": null_seed,
            "batch_size": batch_size,
        }
        super().__init__(
            shards,
            network,
            taps=taps,
            views=views,
            samples=samples,
            workers=0,
            seed=seed,
            max_broken=max_broken,
            allow_mixed=allow_mixed,
            cache=cache,
            cache_bytes=cache_bytes,
            **who,
        )
        if store in ("auto", "none"):
            raise UserError(
                f"data.store is {store!r}, which only `table` knows: name the folder (of auto: mlruns/activations)."
            )
        self.store = Path(store)
        requests = requests_of(self.views, self.network_taps)
        how = completes(self.store, shards, network, self.network_taps, self.views, who)
        if not (self.store / "aad").is_dir():
            raise UserError(f"There is no activation store at {store}: {how}")
        try:
            self.stored = StoredAAD.open(self.store, self.network, requests, self.keys, self.manifest.hash)
        except UserError as error:
            raise UserError(f"{str(error).rstrip('.')}; {how}") from error
        self._check_whole(how)
        self.photos = photos
        self.rings = Rings.of(self, self.stored.rows) if photos > 1 else None
        self.stored = replace(self.stored, rings=self.rings, photos=photos)
        self.read = self.stored.read

    def all_rows(self) -> Rows:
        """Every photo that the store has, whatever its group; of several at once, of whom these are known."""
        return self.stored.rows if self.rings is None else np.intersect1d(self.groups.used, self.stored.rows)

    def order(
        self,
        rows: Rows | None = None,
        samples: int | float | None = None,
        member: NDArray[np.bool_] | None = None,
    ) -> EpochOrder:
        """As any; of several photos at once, of those rows that stand for a set."""
        rows = self.rows("fit") if rows is None else rows
        if self.rings is None:
            return super().order(rows, samples, member)
        make = super().order
        return self.rings.order(self.keys, rows, self.photos, lambda whole: make(whole, samples, member))

    def val_dataloader(self) -> EvalLoader:
        """The validate split, every set once."""
        rows = self.rows("validate")
        return super().eval_loader(rows if self.rings is None else self.rings.whole(rows, self.photos))

    def eval_loader(self, rows: Rows) -> EvalLoader:
        """Every one of `rows` exactly once over all processes; of several photos at once, every person."""
        return super().eval_loader(rows if self.rings is None else self.rings.one_each(rows, self.photos))

    def first_fit_aad(self, images: int) -> Iterator[AAD]:
        """AAD of the first `images` of epoch 0, whichever process asks: every rank standardises alike."""
        rows = self.order().batches(0).reshape(-1)
        rows = rows[np.isin(rows, self.stored.rows)][:images]
        for start in range(0, len(rows), self.batch_size):
            own = rows[start : start + self.batch_size]
            aad: AAD = move_data_to_device(self.stored.take(own), self._device())
            yield self.with_class(aad, torch.from_numpy(own).to(self._device()))

    def aad_of(self, batch: dict[str, Any]) -> AAD:
        """As the store gave it."""
        aad: AAD = batch["aad"]
        return aad

    def _check_whole(self, how: str) -> None:
        """Refuse a store that lacks photos which can be decoded; those that cannot are in none."""
        fold = make_folds(self, 0, 0)[0]
        wanted = np.unique(np.concatenate([fold.fit, fold.validate, fold.scored]))
        missing = self.stored.missing(wanted)
        anywhere = np.unique(np.concatenate(list(missing.values())))
        if len(anywhere) == 0:
            return
        if len(anywhere) <= self.max_broken * len(self.keys):
            loader = EvalLoader(self.root, self.keys, anywhere, batch_size=self.batch_size)
            anywhere = np.concatenate([batch["row"].numpy() for batch in loader])
            missing = {request: np.intersect1d(rows, anywhere) for request, rows in missing.items()}
        lacking = [
            f"{len(rows)} of {len(wanted)} images at {tap if view == 'original' else f'{tap} ({view})'}"
            for (view, tap), rows in missing.items()
            if len(rows)
        ]
        if lacking:
            raise UserError(f"The activation store {self.store} lacks {', '.join(lacking)}: {how}")


def completes(
    store: Path,
    shards: str | list[str],
    network: NetworkSource,
    taps: list[str],
    views: list[str],
    who: dict[str, Any],
) -> str:
    """The command by which a table writes the AAD of these taps in these views, as the end of a sentence."""
    given = {each.name: getattr(network, each.name) for each in fields(network)}
    source = {each.name: given[each.name] for each in fields(network) if given[each.name] != each.default}
    data: dict[str, Any] = {"shards": shards, "network": source}
    defaults = {"split_by": "identity", "batch_size": 128}
    data |= {name: value for name, value in who.items() if value != defaults.get(name)}
    rows: list[dict[str, Any]] = [{"head": "cnn" if tap.endswith(":map") else "vanilla", "taps": [tap]} for tap in taps]
    if others := [view for view in views if view != "original"]:
        rows = [{"head": "invariant", "taps": taps, "arguments": {"views": others}}]
    words = ["mint-lightning", "table", "--data.class_path", "datamodules.Faces"]
    for name, value in data.items():
        words += [f"--data.{name}", value if isinstance(value, str) else json.dumps(value)]
    words += ["--rows", json.dumps(rows), "--recipe", '{"epochs": 1}', "--seeds", "1", "--twins", "0"]
    words += ["--pixels", "false", "--name", "activations", "--store", str(store)]
    return f"`{shlex.join(words)}` computes what is missing."

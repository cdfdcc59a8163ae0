"""One training of a network to audit, from its request to its folder, whatever the network learns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray
from torch import Tensor

from mint_lightning.audited.architectures import Built, build
from mint_lightning.errors import UserError
from mint_lightning.files import sha256_json
from mint_lightning.learning.card import MemberList, write_network
from mint_lightning.learning.initial import seeded
from mint_lightning.learning.learner import Learner, fit
from mint_lightning.learning.speed import Format, choose_format
from mint_lightning.shards import EpochOrder, KeyList, Manifest, TrainLoader

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Ready:
    """What a task makes its learner of: the network, the length of its output, all steps, and the number format."""

    built: Built
    width: int
    steps: int
    format: Format
    speeds: Mapping[str, float]


class Task(ABC):
    """What is learnt."""

    @abstractmethod
    def learner(self, ready: Ready) -> Learner:
        """The network as it learns; called once, torch's generator being seeded."""

    @abstractmethod
    def accuracy(self, model: Learner, ready: Ready) -> Mapping[str, Any]:
        """What the card says that the network reached; called once it is trained."""

    def config(self) -> Mapping[str, Any]:
        """What the card says of how it was trained, beside the request."""
        return {}

    def goes_on(self, epochs: int) -> bool:
        """Whether a training that was stopped after so many epochs can be gone on with."""
        return True


@dataclass(frozen=True, kw_only=True)
class Training:
    """All that tasks share: order of photos, choice of format, checkpoints, resuming, and the folder at the end.

    Args:
        root: Folder of the shard set.
        out: Folder of the network.
        keys, manifest: The shard set's.
        rows: The photos to train on.
        partitions: What the card says they are of.
        architecture, arguments, name, epochs, batch_size, seed, bf16, workers, accelerator, progress, logger,
            save_minutes: As `train_audited`.
        request: What is asked for, for the card.
    """

    root: Path
    out: Path
    keys: KeyList
    manifest: Manifest
    rows: Rows
    partitions: Sequence[str]
    architecture: str
    arguments: Mapping[str, Any]
    name: str
    epochs: int
    batch_size: int
    seed: int
    bf16: bool | Literal["auto"]
    request: Mapping[str, Any]
    workers: int = 0
    accelerator: str = "auto"
    progress: bool = True
    logger: Logger | None = None
    save_minutes: float = 5.0

    @cached_property
    def order(self) -> EpochOrder:
        """The order of the photos."""
        return EpochOrder(self.keys, (self.rows,), self.batch_size, self.seed)

    @property
    def resume(self) -> Path:
        """The file that a training under way is kept in."""
        return self.out.with_name(f".{self.out.name}.resume.ckpt")

    def seen(self, epochs: int) -> Rows:
        """Rows of the photos that were in a batch: in one epoch alone, less than a batch is left out at its end."""
        seen = np.unique(self.order.batches(0))
        for epoch in range(1, epochs):
            if len(seen) == len(self.rows):
                break
            seen = np.union1d(seen, self.order.batches(epoch))
        return seen

    def run(self, task: Task) -> Path:
        """Train, write the folder, and give the path of its card.

        Raises:
            UserError: the network cannot be built, gives no (B, D), an image is broken, or the training diverges.
        """
        order, request_hash = self.order, sha256_json(self.request)
        with seeded(self.seed):
            built = build(self.architecture, self.arguments, self.seed)
            size = (self.batch_size, 3, *built.preprocessing.size)
            blank = built.preprocessing(torch.full(size, 128, dtype=torch.uint8))
            width = _width(built, blank[:2], self.architecture)
            kept = _under_way(self.resume, request_hash, task.goes_on)
            format, speeds = kept or choose_format(built.module, blank, self.bf16)
            ready = Ready(built, width, order.steps * self.epochs, format, speeds)
            model = task.learner(ready)
            loader = TrainLoader(self.root, order, workers=self.workers)
            model.request = {"hash": request_hash, "format": asdict(format), "speeds": speeds}
            fit(
                model,
                loader,
                self.epochs,
                format,
                self.accelerator,
                self.progress,
                self.logger,
                self.resume,
                self.save_minutes,
            )
        written = self.write(ready, model.history, task.accuracy(model, ready), config=task.config())
        self.resume.unlink(missing_ok=True)
        return written

    def write(
        self,
        ready: Ready,
        history: Sequence[Mapping[str, float]],
        accuracy: Mapping[str, Any],
        *,
        folder: Path | None = None,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write the network as it is after the epochs of `history` and give the path of its card.

        Args:
            accuracy: What it reached.
            folder, name: Another folder and name than the training's.
            config: More of how it was trained.
        """
        return write_network(
            folder or self.out,
            ready.built.module,
            ready.built,
            name=name or self.name,
            architecture=self.architecture,
            arguments=self.arguments,
            members=MemberList(self.keys, self.manifest, self.partitions, self.seen(len(history))),
            accuracy=accuracy,
            config={
                **self.request,
                "request": sha256_json(self.request),
                "format": ready.format.name,
                "images_per_second": ready.speeds,
                "epochs_log": list(history),
                **(config or {}),
            },
        )


def trained_partitions(manifest: Manifest, partitions: Sequence[str] | None, complement: bool) -> list[str]:
    """The partitions to train on: those given, else "members", of a complement all others that were drawn."""
    if partitions:
        return sorted(set(partitions))
    if "members" not in manifest.partitions:
        known = ", ".join(sorted(manifest.partitions))
        raise UserError(f"Name the partitions to train on: the shard set has no partition 'members' but {known}.")
    if not complement:
        return ["members"]
    # A partition drawn by a share of the identities, not by holding photos out of another.
    others = [name for name, rule in manifest.partitions.items() if name != "members" and not isinstance(rule, Mapping)]
    if not others:
        raise UserError("The shard set has no partition beside 'members' for a complement to be trained on.")
    return sorted(others)


def _under_way(
    resume: Path, request_hash: str, goes_on: Callable[[int], bool]
) -> tuple[Format, Mapping[str, float]] | None:
    """Number format of a training that was stopped, with what was measured then; None, and no file, where none was."""
    if not resume.is_file():
        return None
    try:
        training = torch.load(resume, map_location="cpu", weights_only=True)["training"]
        kept = training["request"]
        if kept["hash"] == request_hash and goes_on(len(training["history"])):
            return Format(**kept["format"]), dict(kept["speeds"])
    except Exception:  # damaged, or something else's: then there is nothing to go on with
        pass
    resume.unlink()
    return None


def _width(built: Built, blank: Tensor, architecture: str) -> int:
    was_training = built.module.training
    with torch.no_grad():
        output = built.module.eval()(blank)
    built.module.train(was_training)
    if not isinstance(output, Tensor) or output.ndim != 2:
        found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise UserError(
            f"{architecture} gives {found} where embeddings (B, D) are needed, or logits (B, classes): take its pooled "
            "output."
        )
    return output.shape[1]

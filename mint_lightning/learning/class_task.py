"""What a classifier's training does beside learning: it measures itself, and leaves networks along the way."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mint_lightning.learning.augmentation import Augment
from mint_lightning.learning.card import finished
from mint_lightning.learning.class_accuracy import Judged, judged
from mint_lightning.learning.class_arguments import refuse_other_sizes
from mint_lightning.learning.class_photos import ClassPhotos, Rows
from mint_lightning.learning.classifier import Classification, Optimizer
from mint_lightning.learning.learner import Learner
from mint_lightning.learning.training import Ready, Task, Training


@dataclass(frozen=True)
class Milestone:
    """A network on the way: that after `epoch` epochs, or of the epoch with the lowest validation loss (None).

    `request` is the hash of what was asked for, for its card.
    """

    folder: Path
    request: str
    epoch: int | None = None

    @property
    def what(self) -> int | str:
        """As its card says it."""
        return "validated" if self.epoch is None else self.epoch


@dataclass
class Classes(Task):
    """Learn the classes of `photos`; at the end of an epoch that is a milestone, leave the network in its folder.

    Args:
        training: What this is the task of.
        photos: What it is trained and measured on.
        milestones: Networks beside the last.
        optimizer, rate, augment, label_smoothing: As `Classification`.
    """

    training: Training
    photos: ClassPhotos
    milestones: tuple[Milestone, ...]
    optimizer: Optimizer
    rate: float
    augment: Augment
    label_smoothing: float
    reached: dict[str, Any] = field(default_factory=dict)
    """Of the last epoch."""

    def learner(self, ready: Ready) -> Classification:
        refuse_other_sizes(
            self.training.architecture, ready, len(self.photos.classes), self.training.manifest.image_size
        )
        classes = np.full(len(self.photos.numbers), -1, np.int64)
        classes[self.photos.trained] = self.photos.numbers[self.photos.trained]
        model = Classification(
            ready.built.module,
            ready.built.preprocessing,
            classes,
            ready.steps,
            optimizer=self.optimizer,
            rate=self.rate,
            augment=self.augment,
            label_smoothing=self.label_smoothing,
            seed=self.training.seed,
            channels_last=ready.format.channels_last,
        )
        model.after_epoch = lambda: self._after_epoch(model, ready)
        return model

    def accuracy(self, model: Learner, ready: Ready) -> Mapping[str, Any]:
        return self.reached

    def config(self) -> Mapping[str, Any]:
        return self._config(self.training.epochs, "last")

    def _config(self, epochs: int, checkpoint: int | str) -> dict[str, Any]:
        return {"classes": list(self.photos.classes), "epochs_trained": epochs, "checkpoint": checkpoint}

    def goes_on(self, epochs: int) -> bool:
        past = [each for each in self.milestones if each.epoch is not None and each.epoch <= epochs]
        return all(finished(each.folder, each.request, overwrite=True) for each in past)

    def _after_epoch(self, model: Classification, ready: Ready) -> None:
        epoch = len(model.history)
        if len(self.photos.validated):
            model.note_validation(self._judged(model, ready, self.photos.validated).accuracy().loss)
        for each in self.milestones:
            if each.epoch == epoch:
                self._write(each, model, ready, epoch)
        if epoch < self.training.epochs:
            return
        self.reached = self._reached(model, ready, epoch)
        for each in self.milestones:
            if each.epoch is None:
                last = {name: value.clone() for name, value in model.network.state_dict().items()}
                model.network.load_state_dict(model.best["state"])
                self._write(each, model, ready, model.best["epoch"])
                model.network.load_state_dict(last)

    def _write(self, milestone: Milestone, model: Classification, ready: Ready, epoch: int) -> None:
        self.training.write(
            ready,
            model.history[:epoch],
            self._reached(model, ready, epoch),
            folder=milestone.folder,
            name=f"{self.training.name}{milestone.folder.name.removeprefix(self.training.out.name)}",
            config={**self._config(epoch, milestone.what), "request": milestone.request},
        )

    def _reached(self, model: Classification, ready: Ready, epoch: int) -> dict[str, Any]:
        """Accuracy on the photos seen in so many epochs, on all others, and on those of each partition."""
        tests = self.photos.tests
        found: dict[str, Any] = {"test": None}
        train = self._judged(model, ready, self.training.seen(epoch)).accuracy()
        if tests:
            others = self._judged(model, ready, np.concatenate(list(tests.values())))
            found = {"test": asdict(others.accuracy())}
            if len(tests) > 1:
                found["test_by_partition"] = {name: asdict(others.accuracy(rows)) for name, rows in tests.items()}
        return {"train": asdict(train), **found}

    def _judged(self, model: Classification, ready: Ready, rows: Rows) -> Judged:
        data = self.training
        numbers, bf16 = self.photos.numbers, ready.format.bf16
        return judged(model, data.root, data.keys, rows, numbers, bf16=bf16, workers=data.workers)

"""One auditing head as a LightningModule, whatever its kind."""

from collections.abc import Mapping, Sequence
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torchmetrics import MeanMetric
from torchmetrics.classification import BinaryAUROC

from mint_lightning.errors import UserError
from mint_lightning.heads import Draw, Head, Request, view_and_step
from mint_lightning.learning.checkpoint import SCHEMA_VERSION
from mint_lightning.learning.goes_on import DECIDES, deciding
from mint_lightning.learning.objective import check_rate, head_inputs, head_loss, head_optimizer
from mint_lightning.shards import TrainLoader

STANDARDISE_IMAGES = 4096
"""AAD is standardised by this many of the first fit images (all of them where there are fewer)."""


class MINT(L.LightningModule):
    """Train one head on AAD to tell members from externals.

    A subclass gives the head. A batch has `aad[network][view][tap]`, `member` (B,) bool and `row` (B,) int64, as the
    DataModule's `on_after_batch_transfer` makes it; the audited network itself stays in the DataModule.
    """

    def __init__(
        self,
        head: Head,
        taps: Sequence[str],
        rate: float,
        weight_decay: float,
        seed: int,
        reads: Sequence[Request] | None = None,
    ) -> None:
        super().__init__()
        self.head = head
        self.taps = list(taps)
        self.reads = list(reads) if reads is not None else type(head).reads(taps, {})
        check_rate(rate, weight_decay)
        self.rate = rate
        self.weight_decay = weight_decay
        self.seed = seed
        # Ranks, not sigmoids, decide an AUC: logits of a confident head saturate in a sigmoid and would tie.
        self.validate_auc = BinaryAUROC(thresholds=None)
        self.validate_loss = MeanMetric()  # Lightning's own mean weighs processes alike, however many images each had
        self._losses = torch.zeros(2, dtype=torch.float64)  # of `_loss_epoch`: sum over photos, and number
        self._loss_epoch = 0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW over the head alone."""
        return head_optimizer(self.head, self.rate, self.weight_decay)

    def on_fit_start(self) -> None:
        """Standardise by the first fit images, unless a checkpoint brought its own statistics.

        Raises:
            UserError: the data gives no AAD, or one photo at a time to a head that reads several.
        """
        fitted = [bool(module.fitted) for module in self.head.standardise]
        if not all(fitted):
            data = self._datamodule()
            pieces = [head_inputs(aad, self.reads) for aad in data.first_fit_aad(STANDARDISE_IMAGES)]
            self.head.fit_standardisation([torch.cat(tap) for tap in zip(*pieces, strict=True)])

    def _datamodule(self) -> Any:
        data = getattr(self.trainer, "datamodule", None)
        if data is None or not hasattr(data, "first_fit_aad"):
            raise UserError("A head learns on AAD: give a DataModule that makes it, such as datamodules.Faces.")
        return data

    def setup(self, stage: str) -> None:
        """Refuse data that gives photos one at a time to a head that reads several at once."""
        photos = 1 + max(view_and_step(view)[1] for view, _ in self.reads)
        given = getattr(getattr(self.trainer, "datamodule", None), "photos", 1)
        if photos != given:
            raise UserError(
                f"The head reads {photos} photos of a person at once, the data gives {given}: datamodules.Activations "
                "gives several, from the store that a table wrote."
            )

    def on_train_epoch_start(self) -> None:
        """Tell the loader where it is: of a checkpoint from the end of an epoch Lightning gives it nothing back."""
        loader = self.trainer.train_dataloader
        if isinstance(loader, TrainLoader):
            loader.at_epoch(self.current_epoch)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Loss of one batch."""
        size = len(batch["member"])
        total = size * self.trainer.world_size
        draw = Draw(self.seed, self.global_step, self.global_rank * size, total)
        loss = head_loss(self.head, head_inputs(batch["aad"], self.reads), batch["member"], draw)
        if not torch.isfinite(loss):
            raise UserError(f"The loss became {loss.item()} at step {self.global_step}: lower model.rate.")
        if self._loss_epoch != self.current_epoch:
            self._losses, self._loss_epoch = torch.zeros_like(self._losses), self.current_epoch
        self._losses = self._losses.to(loss.device) + torch.stack(
            [size * loss.detach().double(), loss.new_tensor(size)]
        )
        self.log("loss", loss, prog_bar=True, logger=False, batch_size=size)
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the mean loss of the epoch, kept here since Lightning's own mean would begin anew in a resumed epoch."""
        total, count = self._all_losses().tolist()
        self.log("fit/loss", total / max(count, 1.0))

    def _all_losses(self) -> Tensor:
        summed: Tensor = self.trainer.strategy.reduce(self._losses.clone(), reduce_op="sum")
        return summed

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Loss and AUC on the validate split."""
        logit, penalty = self.head(head_inputs(batch["aad"], self.reads))
        member = batch["member"]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, member.to(logit.dtype)) + penalty
        self.validate_loss.update(loss, len(member))
        # torchmetrics guesses from each batch whether it was given logits; ranks of tanh keep order and rule it out.
        self.validate_auc.update((logit.double() / (1 + logit.double().abs()) + 1) / 2, member.long())

    def on_validation_epoch_end(self) -> None:
        """Log loss and AUC over the images of all processes; an epoch that saw one class has no AUC."""
        if not self.trainer.sanity_checking:
            self.log("validate/loss", self.validate_loss.compute())
            self.log("validate/auc", self.validate_auc.compute(), prog_bar=True)
        self.validate_loss.reset()
        self.validate_auc.reset()

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Row and score (logit) of every image: {"row": (B,) int64, "score": (B,) float32}."""
        logit, _ = self.head(head_inputs(batch["aad"], self.reads))
        return {"row": batch["row"].cpu(), "score": logit.float().cpu()}

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Collect rows and scores of the calibrate and test splits; the figures are made when all are in."""
        self.collected.append(self.predict_step(batch, batch_idx))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write down what the head belongs to."""
        run = getattr(self.logger, "run_id", None)
        run = run if isinstance(run, str) else None
        decides = deciding(self.hparams, self.trainer)
        checkpoint["mint"] = {"schema_version": SCHEMA_VERSION, **self._belongs(), "run": run, DECIDES: decides}
        checkpoint["losses"] = [self._loss_epoch, *self._all_losses().tolist()]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a head of another network or other taps: its scores would be noise.

        Raises:
            UserError: it is not this head's checkpoint.
        """
        if "losses" in checkpoint and self.global_rank == 0:  # they are those of all ranks
            self._loss_epoch = int(checkpoint["losses"][0])
            self._losses = torch.tensor(checkpoint["losses"][1:], dtype=torch.float64)
        self.refuse_other(checkpoint, getattr(self._trainer, "datamodule", None))

    def refuse_other(self, checkpoint: Mapping[str, Any], data: Any) -> None:
        """Raise `UserError` where a checkpoint is of other taps, or of another network or other photos than `data`."""
        here = self._belongs(data)
        for name in here:
            there = checkpoint.get("mint", {}).get(name, here[name])
            if here[name] not in (None, there):
                raise UserError(
                    f"The checkpoint's {name} is {there}, here it is {here[name]}: use the config it was made with, or "
                    "start from its head for this network with --model.init_from."
                )

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As torch's, but a head of other widths is refused in a sentence."""
        try:
            return super().load_state_dict(state_dict, strict, assign)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"The checkpoint holds another head than the config describes: {reason}") from error

    def _belongs(self, data: Any = None) -> dict[str, Any]:
        data = data or getattr(self._trainer, "datamodule", None)
        if data is None or not hasattr(data, "network"):
            return {"taps": self.taps}
        return {
            "taps": self.taps,
            "network": data.network.fingerprint(),
            "partition of the shard set": data.manifest.partition_hash,
            "members known by": data.groups.how,
        }

    def on_test_epoch_start(self) -> None:
        """Forget earlier scores."""
        self.collected: list[dict[str, Tensor]] = []

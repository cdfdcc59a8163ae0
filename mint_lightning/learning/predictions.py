"""One row per image as parquet: what `predict` leaves behind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import BasePredictionWriter

from mint_lightning.files import atomic_path
from mint_lightning.learning.collect import gather


class ScoresWriter(BasePredictionWriter):
    """Write key, source, identity, split, partition and score (logit) of every image, rank 0 for all.

    Args:
        path: the parquet file; the front door makes it mlruns/predictions/NAME.parquet by default.
    """

    def __init__(self, path: str | None = None) -> None:
        super().__init__("epoch")
        self.path = path or "mlruns/predictions/scores.parquet"

    def write_on_epoch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, predictions: Sequence[Any], batch_indices: Any
    ) -> None:
        """Gather and write."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows, scores = gather(list(predictions))
        if trainer.is_global_zero:
            keys = trainer.datamodule.keys  # type: ignore[attr-defined]
            names = ("key", "source", "identity", "split", "partition")
            columns = {name: getattr(keys, name)[rows].tolist() for name in names}
            path = Path(self.path)
            with atomic_path(path) as temporary:
                pq.write_table(pa.table({**columns, "score": scores}), temporary, compression="zstd")
            print(f"{path}: scores of {len(rows)} images")

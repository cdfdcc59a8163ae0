"""The finished tables of the benchmark on LFW, and figures made from the scores behind them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.lfw.parts import SHARDS, load
from mint_lightning.evidence import ControlEvidence, Estimate, RowEvidence, TableEvidence, auc_interval
from mint_lightning.shards import KeyList, Manifest

TABLES = Path("mlruns/tables")
TAPS = ("conv1", "conv2", "conv3", "conv4", "outcome", "all conv")


@dataclass(frozen=True)
class Table:
    """A finished table."""

    name: str
    evidence: TableEvidence

    @classmethod
    def of(cls, name: str) -> "Table":
        """The table of that name under mlruns/tables."""
        return cls(name, TableEvidence.from_json(load(TABLES / name / "table.json")["evidence"]))

    def unsearched(self, row: str) -> Estimate:
        """AUC of a cross-fitted row over the people of calibrate and test, whom no search of settings looked at."""
        scores = pq.read_table(TABLES / self.name / "scores.parquet")
        chosen = scores.filter(
            pc.and_(
                pc.equal(scores["row"], row), pc.and_(pc.equal(scores["role"], "audited"), pc.invert(scores["unseen"]))
            )
        )
        keys, split = _splits()
        place = np.searchsorted(keys, np.array(chosen["key"].to_pylist()))
        rows = np.isin(split[place], ("calibrate", "test"))
        column = {name: np.array(chosen[name].to_pylist())[rows] for name in ("score", "member", "identity")}
        return auc_interval(column["score"], column["member"], column["identity"], level=self.evidence.level)


@cache
def _splits() -> tuple[np.ndarray, np.ndarray]:
    keys = KeyList.load(SHARDS, Manifest.load(SHARDS))
    order = np.argsort(keys.key[:])
    return keys.key[order], keys.split[order]


def control(row: RowEvidence, kind: str) -> ControlEvidence | None:
    """The control of a kind beside a row: the one that counts, where there are several."""
    found = [each for each in row.controls if each.kind == kind]
    return next((each for each in found if each.counts), found[0] if found else None)


def of_b(row: RowEvidence) -> Estimate | None:
    """AUC through the other network, whatever its part: the complement or a reference."""
    if row.complement_auc is not None:
        return row.complement_auc
    reference = control(row, "reference")
    return reference.auc if reference else None


def figure(estimate: Estimate | None) -> str:
    """A figure with its interval."""
    return "-" if estimate is None else f"{short(estimate.value)} [{short(estimate.low)}, {short(estimate.high)}]"


def short(value: float) -> str:
    """Three digits without the leading zero, as the papers print an AUC."""
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.2f}"

"""The same fit again, and with one thing changed at a time: are the bits the same, and if not, how far off is it?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.scale.compared import head, largest, learnt, same
from benchmarks.scale.sets import PHOTOS, config, data, faces, launch, network

BASE = "one thread, 1 worker"
THREADS = {"two threads": 2}
EXACT = ("again", "no workers", "two workers")
"""Which must give the same bits."""
CHANGES: dict[str, list[str]] = {
    "again": [],
    "no workers": ["--data.workers", "0"],
    "two workers": ["--data.workers", "2"],
    "two threads": [],
    "bfloat16": ["--data.network.bf16", "true"],
    "cuda": ["--trainer.accelerator", "gpu", "--trainer.devices", "1"],
}


def determinism(
    identities: int, side: int, arguments: Mapping[str, Any], batch: int, epochs: int, cuda: bool
) -> dict[str, Any]:
    """For each change: whether the head's bits are those of the base, the largest differences, the test AUC."""
    shards = faces(identities, PHOTOS, side)
    yaml = config(Path("determinism.yaml"), data(shards, network(shards, arguments), batch, workers=1), epochs)
    base = _run(yaml, BASE, [])
    found: dict[str, Any] = {"base": {"auc": base[2]}, "changes": {}}
    for name, words in CHANGES.items():
        if name == "cuda" and not cuda:
            continue
        weights, scores, auc = _run(yaml, name, words)
        if scores.keys() != base[1].keys():
            raise SystemExit(f"{name}: scores of other photos")
        found["changes"][name] = {
            "same": same(base[0], weights),
            "head": largest(learnt(base[0]), learnt(weights)),
            "scores": max(abs(scores[key] - base[1][key]) for key in scores),
            "auc": abs(auc - base[2]),
        }
    return found


def _run(yaml: Path, change: str, words: list[str]) -> tuple[dict[str, Any], dict[str, float], float]:
    """Weights of the head, logits by photo and the test AUC of one `fit` and `test`."""
    name = "same_" + change.replace(" ", "_").replace(",", "")
    threads = THREADS.get(change, 1)
    common = ["--config", str(yaml), "--name", name, *words]
    launch("fit", *common, threads=threads)
    launch("test", *common, "--ckpt_path", f"mlruns/checkpoints/{name}/best.ckpt", threads=threads)
    return head(name), *_tested(Path("mlruns/scores") / f"{name}.parquet")


def _tested(path: Path) -> tuple[dict[str, float], float]:
    import pyarrow.parquet as pq
    from sklearn.metrics import roc_auc_score

    table = pq.read_table(path).to_pydict()
    test = [place for place, split in enumerate(table["split"]) if split == "test" and not table["unseen"][place]]
    auc = roc_auc_score([table["member"][place] for place in test], [table["score"][place] for place in test])
    return dict(zip(table["key"], table["score"], strict=True)), float(auc)

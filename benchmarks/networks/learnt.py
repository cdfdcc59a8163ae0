"""What a number format and a warm start do to heads, on small networks trained on drawn faces."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from mint_lightning.audited import NetworkSource, iresnet_small
from mint_lightning.audited.weights import load_into, load_state

ARGUMENTS = {"stem_stride": 4}
SHARDS = "shards/drawn"


def continued(weights: str) -> nn.Module:
    """The small network as it was trained so far, to be trained further."""
    module = iresnet_small(**ARGUMENTS)
    load_into(module, load_state(weights), weights)
    return module


def network(name: str, people: int, epochs: int, seed: int) -> Path:
    """The card of a network trained on the members of drawn people; "further" goes on from "first"."""
    from mint_lightning.learning.recognition import train_audited
    from mint_lightning.shards import pack
    from mint_lightning.shards.synthetic import SyntheticSource

    source, halves = SyntheticSource(people, 5, "hard", 7, "drawn"), {"members": 0.5, "externals": 0.5}
    pack(source, Path(SHARDS), partitions=halves, workers=2, reuse=True)
    given: dict[str, Any] = {"arguments": ARGUMENTS, "epochs": epochs, "seed": seed}
    if name == "further":
        first = str((Path("networks/first") / "network.safetensors").absolute())
        given |= {"architecture": "benchmarks.networks.learnt:continued", "arguments": {"weights": first}}
        given |= {"epochs": max(epochs // 4, 1), "rate": 0.02}
    return train_audited(SHARDS, out=f"networks/{name}", bf16=False, progress=False, **given)


def formats(people: int, epochs: int, seeds: int) -> dict[str, Any]:
    """AAD in bfloat16 against float32 at each tap, and AUC of heads and scores learnt from either."""
    from mint_lightning.cli import main
    from mint_lightning.shards import EvalLoader, KeyList, Manifest

    card = network("first", people, epochs, 0)
    root = Path(SHARDS)
    keys = KeyList.load(root, Manifest.load(root))
    images = next(iter(EvalLoader(root, keys, np.arange(256), batch_size=256)))["images"]
    exact, rough = (NetworkSource(card=str(card), bf16=bf16).load() for bf16 in (False, True))
    taps = list(exact.tap_names)
    found = exact(images, taps)["original"], rough(images, taps)["original"]
    apart = {tap: float((found[1][tap] - found[0][tap]).norm() / found[0][tap].norm()) for tap in taps}
    auc: dict[str, dict[str, Any]] = {}
    for name, bf16 in (("float32", "false"), ("bfloat16", "true")):
        words = ["table", "--config", "table_faces", "--data.shards", SHARDS, "--data.network.card", str(card)]
        words += ["--data.network.bf16", bf16, "--name", name, "--twins", "1", "--seeds", str(seeds), "--store", "none"]
        if main([*words, "--register", "false"]):
            raise SystemExit(f"the table in {name} failed")
        evidence = json.loads(Path(f"mlruns/tables/{name}/table.json").read_text(encoding="utf-8"))["evidence"]
        auc[name] = {row["name"]: row["auc"] for row in evidence["rows"]}
    return {"apart": apart, "auc": auc, "images": len(images)}


def warm(people: int, epochs: int, seeds: int, tap: str) -> dict[str, Any]:
    """AUC on validate by epoch of heads on a second network that begin anew, or from the head on the first."""
    found: dict[str, Any] = {}
    for name, seed in (("first", 0), ("further", 0), ("independent", 1)):
        network(name, people, epochs, seed)
    for seed in range(seeds):
        _fit("first", tap, seed, None)
        parent = f"mlruns/checkpoints/{_name('first', seed, None)}/best.ckpt"
        for other in ("further", "independent"):
            for how, start in (("anew", None), ("from the first", parent)):
                found.setdefault(other, {}).setdefault(how, []).append(_fit(other, tap, seed, start))
    return found


def _name(network: str, seed: int, start: str | None) -> str:
    return f"{network}_{seed}_{'warm' if start else 'cold'}"


def _fit(network: str, tap: str, seed: int, start: str | None) -> dict[str, Any]:
    """Fit and test one head, split by photo; its curve on validate and its AUC on test."""
    from mint_lightning.cli import main
    from mint_lightning.tracking import open_store

    name = _name(network, seed, start)
    shutil.rmtree(Path("mlruns/checkpoints") / name, ignore_errors=True)
    words = [
        "--config",
        "faces_vanilla",
        "--data.shards",
        SHARDS,
        "--data.network.card",
        f"networks/{network}/card.json",
    ]
    words += ["--data.split_by", "photo", "--model.taps", f"[{tap}]", "--model.seed", str(seed), "--name", name]
    words += ["--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false"]
    if start:
        words += ["--model.init_from", start]
    if main(["fit", *words]) or main(["test", *words, "--ckpt_path", f"mlruns/checkpoints/{name}/best.ckpt"]):
        raise SystemExit(f"{name} failed")
    client = open_store().client
    experiments = [each.experiment_id for each in client.search_experiments()]
    run = client.search_runs(experiments, f"attributes.run_name = '{name}'")[0]
    history = sorted(client.get_metric_history(run.info.run_id, "validate/auc"), key=lambda each: each.step)
    evidence = json.loads(Path(f"mlruns/scores/{name}.json").read_text(encoding="utf-8"))
    return {"curve": [each.value for each in history], "test": evidence["rows"][0]["auc"]["value"]}

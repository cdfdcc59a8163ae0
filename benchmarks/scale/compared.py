"""Two runs side by side: what is different, and by how much."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from mint_lightning.tracking import open_store

Figures = dict[str, list[tuple[int, float]]]


def head(name: str) -> dict[str, Tensor]:
    """Weights of the head that the `fit` of that name left."""
    return load_file(Path("mlruns/auditors") / name / "head.safetensors")


def learnt(head: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the mean and scale of its input, which are hundreds where weights are tenths."""
    return {name: value for name, value in head.items() if not name.startswith("standardise.")}


def logged(name: str) -> Figures:
    """Every figure of the newest finished run of that name, by step."""
    client = open_store().client
    experiments = [each.experiment_id for each in client.search_experiments()]
    wanted = f"attributes.run_name = '{name}' and attributes.status = 'FINISHED'"
    run = client.search_runs(experiments, wanted, order_by=["attributes.start_time DESC"])[0]
    found = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    return {key: sorted((each.step, each.value) for each in own) for key, own in found.items()}


def largest(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Largest difference of two sets of equally named tensors."""
    if one.keys() != other.keys():
        raise ValueError(f"other tensors: {sorted(one.keys() ^ other.keys())}")
    return max(float((one[key].double() - other[key].double()).abs().max()) for key in one)


def furthest(one: Figures, other: Figures, word: str) -> float:
    """Largest difference of the logged figures whose name holds `word`, step by step."""
    names = [name for name in one if word in name]
    if not names or [[step for step, _ in one[name]] for name in names] != [
        [step for step, _ in other.get(name, [])] for name in names
    ]:
        raise ValueError(f"figures of {word!r} are not of the same steps in both runs")
    return max(abs(a[1] - b[1]) for name in names for a, b in zip(one[name], other[name], strict=True))


def same(one: Any, other: Any) -> bool:
    """Whether two nested values hold the same bits."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, Mapping):
        return isinstance(other, Mapping) and one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)

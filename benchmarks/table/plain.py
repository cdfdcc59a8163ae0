"""The table as a plain script makes it: hooks, one head at a time, the network run anew for each head and epoch.

This is what one writes first with torch alone. Only its speed is of interest here: it keeps no best epoch and weighs
nothing. Its images lie in memory, decoded, which is more than it would have.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.common.forward import bare, prepared
from benchmarks.table.sets import PLACES, faces

RATE = 0.001


class PlainHead(nn.Module):
    """Channel maxima -> input size, 64, 1, dropout 0.3; L1 0.1 on the mean of what is between the layers."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(size, size), nn.Linear(size, 64)])
        self.last = nn.Linear(64, 1)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        penalty = x.new_zeros(())
        for layer in self.layers:
            x = layer(x).relu()
            penalty = penalty + 0.1 * x.abs().mean()
            x = self.dropout(x)
        return self.last(x).squeeze(1), penalty


class PlainCell:
    """One head at some modules of a network."""

    def __init__(self, network: nn.Module, modules: Sequence[str], example: Tensor, seed: int) -> None:
        torch.manual_seed(seed)
        self.network, self.modules = network, modules
        self.kept: dict[str, Tensor] = {}
        self.head = PlainHead(self.read(example).shape[1])
        self.optimizer = torch.optim.Adam(self.head.parameters(), lr=RATE)

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """Channel maxima (B, C) of all modules, from a whole forward."""

        def keep(name: str) -> Any:
            def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
                self.kept[name] = output.amax((2, 3)) if output.ndim == 4 else output

            return hook

        handles = [self.network.get_submodule(name).register_forward_hook(keep(name)) for name in self.modules]
        self.network(images)
        for handle in handles:
            handle.remove()
        return torch.cat([self.kept[name] for name in self.modules], dim=1)

    def learn(self, images: Tensor, member: Tensor) -> None:
        """One step; images (B, 3, H, W) prepared, member (B,) float."""
        self.head.train()
        logit, penalty = self.head(self.read(images))
        loss = nn.functional.binary_cross_entropy_with_logits(logit, member) + penalty
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    @torch.no_grad()
    def score(self, images: Tensor) -> Tensor:
        """Logits (B,)."""
        self.head.eval()
        return self.head(self.read(images))[0]


def plain(
    network: Mapping[str, Any], images: int, sizes: Sequence[Any], seeds: int, epochs: int, batch: int, limit: int
) -> dict[str, Any]:
    """Seconds an image of one cell of each place and size, beside the bare forward on the same images.

    An epoch is cut after `limit` images of fit and as many of validate; the counts say how many a whole one has.
    """
    data = faces(network, images, batch)
    module, taps = data.network.module, data.network.taps

    def first(rows: Any) -> list[tuple[Tensor, Tensor]]:
        loaded = data.eval_loader(np.sort(rows[:limit]))
        return [
            (prepared(data.network, own["images"]), torch.from_numpy(data.member[own["row"].numpy()]).float())
            for own in loaded
        ]

    def seconds(run: Any, pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
        start = time.perf_counter()
        for pixels, member in pairs:
            run(pixels, member)
        return (time.perf_counter() - start) / sum(len(member) for _, member in pairs)

    validate = first(data.rows("validate"))
    bare(module, [validate[0][0]])()
    cells, forwards = [], []
    for size in sizes:
        order = data.order(samples=size)
        own = first(order.batches(0).reshape(-1))
        forwards.append(bare(module, [pixels for pixels, _ in own])() / sum(len(member) for _, member in own))
        for place in PLACES:
            names = list(taps.values())[:-1] if place == "all_conv" else [taps[place]]
            cell = PlainCell(module, names, own[0][0][:1], seed=0)
            learn = seconds(cell.learn, own)
            score = seconds(lambda pixels, _, cell=cell: cell.score(pixels), validate)
            fit = order.steps * order.batch_size
            cells.append({"place": place, "samples": size, "fit": fit, "learn": learn, "score": score})
    return {
        "images": len(data.rows("fit", "validate", "calibrate", "test")),
        "validate": len(data.rows("validate")),
        "scored": len(data.rows("calibrate", "test")),
        "bare": forwards,
        "cells": cells,
    }

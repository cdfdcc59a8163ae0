"""Whether many heads at once are quicker than one after the other."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mint_lightning.heads import CNNHead, Head, VanillaHead
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.stack import Single, Stack


class Vmapped(Stack):
    """CNN heads stacked as Vanilla heads are: under vmap their convolutions become grouped ones."""

    def _masks(self, batch: int, step: int, like: Tensor) -> list[Tensor]:
        return []  # they have no dropout


def stacking(head: str, shape: Sequence[int], heads: int, batch: int, steps: int, repeats: int) -> dict[str, Any]:
    """Seconds of a step of all heads, together and one after the other, in turn; AAD of each head is its own."""
    kinds: dict[str, type[Head]] = {"vanilla": VanillaHead, "cnn": CNNHead}
    together_as = {"vanilla": Stack, "cnn": Vmapped}[head]

    def cells() -> list[Cell]:
        order: Any = None  # is asked for only where a head goes on
        none = np.empty(0, np.int64)
        return [Cell(head, "noise", [], kinds[head]([tuple(shape)]), order, none, seed) for seed in range(heads)]

    stack, singles = together_as(cells()), [Single(cell) for cell in cells()]
    inputs = [[torch.randn(batch, *shape)] for _ in range(heads)]
    member = torch.arange(batch) % 2 == 0
    for learner in (stack, *singles):
        learner.begin()

    def together(step: int) -> None:
        stack.step(inputs, member, step)

    def loop(step: int) -> None:
        for single, own in zip(singles, inputs, strict=True):
            single.step([own], member, step)

    def seconds(run: Any) -> float:
        start = time.perf_counter()
        for step in range(steps):
            run(step)
        return (time.perf_counter() - start) / steps

    together(0)
    loop(0)
    turns = [(seconds(together), seconds(loop)) for _ in range(repeats)]
    return {"together": [turn[0] for turn in turns], "loop": [turn[1] for turn in turns]}

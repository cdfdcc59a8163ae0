"""Heads that learn from the same batches: one by one, or stacked into one computation."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from mint_lightning.heads import Draw, Drawn, HeadOutput, VanillaHead
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.objective import head_loss, optimizer_of

Inputs = Sequence[list[Tensor]]
"""For each cell, in order, its AAD of the batch at each of its taps."""


class Single:
    """A cell whose head is trained as a module of its own."""

    def __init__(self, cell: Cell) -> None:
        self.cells = [cell]
        self.optimizer = optimizer_of(cell.head.parameters(), cell.recipe.rate, cell.recipe.weight_decay)

    def begin(self) -> None:
        """Before an epoch."""
        self.cells[0].head.train()

    def step(self, inputs: Inputs, member: Tensor, step: int) -> Tensor:
        """One step of the head; its loss before it, (1,). `member` is (B,) bool."""
        cell = self.cells[0]
        loss = head_loss(cell.head, inputs[0], member, Draw(cell.seed, step, 0, len(member)))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()[None]

    def finish(self) -> None:
        """After an epoch: the head is ready to be scored."""
        self.cells[0].head.eval()

    def drop_done(self) -> None:
        """Forget the cell if it has stopped."""
        self.cells = [cell for cell in self.cells if not cell.done]


class Stack:
    """Vanilla heads of one form and one order, whatever their network and seed, trained as one batched computation.

    Their losses are summed, so each gets its own gradient; Adam works element by element, so each gets its own step;
    dropout is drawn for each by its own seed. A head learns what it would alone, to rounding: with forty small heads
    the time of a step is that of a few, because it goes into starting operations and not into arithmetic.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = list(cells)
        self.form = copy.deepcopy(cells[0].head).train()
        self.parameters, self.buffers = stack_module_state([cell.head for cell in cells])
        recipe = cells[0].recipe
        self.optimizer = optimizer_of(self.parameters.values(), recipe.rate, recipe.weight_decay)

    @staticmethod
    def takes(cell: Cell) -> bool:
        """Whether a cell can be stacked: convolutions of many heads at once are slower than one after the other."""
        return isinstance(cell.head, VanillaHead)

    def begin(self) -> None:
        """Before an epoch: the standardisation is that of the heads."""
        _, self.buffers = stack_module_state([cell.head for cell in self.cells])

    def step(self, inputs: Inputs, member: Tensor, step: int) -> Tensor:
        """One step of every head; their losses before it, (K,). `member` is (B,) bool, of all alike."""
        taps = [torch.stack(tap) for tap in zip(*inputs, strict=True)]
        losses = self._losses(self.parameters, self.buffers, taps, self._masks(len(member), step, taps[0]), member)
        self.optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        self.optimizer.step()
        return losses.detach()

    def _losses(self, *stacked_then_member: object) -> Tensor:
        def one(parameters, buffers, inputs, masks, member):  # type: ignore[no-untyped-def]
            def head(inputs: Sequence[Tensor], masks: Drawn) -> HeadOutput:
                return HeadOutput(*functional_call(self.form, (parameters, buffers), (inputs, masks)))

            return head_loss(head, inputs, member, Drawn(masks))

        return vmap(one, in_dims=(0, 0, 0, 0, None))(*stacked_then_member)

    def _masks(self, batch: int, step: int, like: Tensor) -> list[Tensor]:
        assert isinstance(self.form, VanillaHead)
        by_seed = {seed: self.form.masks(Draw(seed, step, 0, batch)) for seed in {cell.seed for cell in self.cells}}
        of_cells = [by_seed[cell.seed] for cell in self.cells]
        return [torch.stack(layer).to(like.device) for layer in zip(*of_cells, strict=True)]

    @torch.no_grad()
    def finish(self) -> None:
        """After an epoch: copy the weights into the heads, so that they can be scored and kept."""
        for place, cell in enumerate(self.cells):
            own = dict(cell.head.named_parameters())
            for name, stacked in self.parameters.items():
                own[name].copy_(stacked[place])
            cell.head.eval()

    def drop_done(self) -> None:
        """Go on without the cells that have stopped; the others keep their weights and Adam's moments."""
        left = [place for place, cell in enumerate(self.cells) if not cell.done]
        if len(left) == len(self.cells):
            return
        self.cells = [self.cells[place] for place in left]
        if not left:
            return
        state = self.optimizer.state
        kept: dict[str, Tensor] = {}
        for name, old in self.parameters.items():
            new = old.detach()[left].requires_grad_()
            state[new] = {key: value[left] if value.ndim else value for key, value in state.pop(old, {}).items()}
            kept[name] = new
        self.parameters = kept
        self.optimizer.param_groups[0]["params"] = list(kept.values())


def stacked(cells: Sequence[Cell]) -> list[Single | Stack]:
    """All cells, those that can be stacked together: one form, one order, one recipe, other networks or seeds."""
    alike: dict[tuple[object, ...], list[Cell]] = {}
    for number, cell in enumerate(cells):
        form = (cell.name, id(cell.order), cell.head.shapes, cell.recipe) if Stack.takes(cell) else (number,)
        alike.setdefault(form, []).append(cell)
    return [Stack(group) if len(group) > 1 else Single(group[0]) for group in alike.values()]

"""Heads of one form that learn the same batches are trained as one batched computation, each as if it were alone."""

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from mint_lightning.heads import Draw, Drawn, HeadOutput, VanillaHead
from mint_lightning.learning.cell import Cell
from mint_lightning.learning.objective import head_loss, optimizer_of

Inputs = Sequence[list[Tensor]]
"""For each cell, in order, its AAD of the batch at each of its taps."""

MOMENTS = ("exp_avg", "exp_avg_sq")
WIDE = 512


class Single:
    """A cell whose head is trained as a module of its own."""

    def __init__(self, cell: Cell) -> None:
        self.cells = [cell]
        self.optimizer = optimizer_of(cell.head.parameters(), cell.recipe.rate, cell.recipe.weight_decay)
        _go_on(self.optimizer, dict(cell.head.named_parameters()), cell.moments, cell)

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
        """After an epoch: the head is ready to be scored and kept."""
        cell = self.cells[0]
        cell.head.eval()
        cell.moments = _moments(self.optimizer, dict(cell.head.named_parameters()), lambda moment: moment)

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
        together = {name: torch.stack([cell.moments[name] for cell in cells]) for name in cells[0].moments}
        _go_on(self.optimizer, self.parameters, together, cells[0])

    @staticmethod
    def takes(cell: Cell) -> bool:
        """Whether a cell is stacked: convolutions, and from 512 inputs on matrices, are quicker one after the other."""
        return isinstance(cell.head, VanillaHead) and sum(shape[0] for shape in cell.head.shapes) < WIDE

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
        """After an epoch: copy weights and moments into the cells, so that they can be scored and kept."""
        for place, cell in enumerate(self.cells):
            own = dict(cell.head.named_parameters())
            for name, stacked in self.parameters.items():
                own[name].copy_(stacked[place])
            cell.head.eval()
            cell.moments = _moments(self.optimizer, self.parameters, lambda moment, place=place: moment[place])  # type: ignore[misc]

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


def _moments(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor], own: Callable[[Tensor], Tensor]
) -> dict[str, Tensor]:
    """Adam's moments of a head, by name; views, for as long as no step is made."""
    found: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        state = optimizer.state.get(parameter, {})
        found |= {f"{moment}.{name}": own(state[moment]) for moment in MOMENTS if moment in state}
    return found


def _go_on(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor], moments: Mapping[str, Tensor], cell: Cell
) -> None:
    """Give Adam the moments that it had after the epochs `cell` has learnt, if any."""
    for name, parameter in parameters.items():
        known = {moment: f"{moment}.{name}" for moment in MOMENTS if f"{moment}.{name}" in moments}
        own = {moment: moments[at].detach().to(parameter.device, copy=True) for moment, at in known.items()}
        if own:
            optimizer.state[parameter] = {"step": torch.tensor(float(cell.epoch * cell.order.steps)), **own}


def alike(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells that can be stacked while they are of one epoch, whatever their networks and seeds; others alone."""
    found: dict[tuple[object, ...], list[Cell]] = {}
    for number, cell in enumerate(cells):
        form: tuple[object, ...] = (number,)
        if Stack.takes(cell):
            form = (cell.name, id(cell.order), cell.head.shapes, cell.recipe)
        found.setdefault(form, []).append(cell)
    return list(found.values())


def stacked(cells: Sequence[Cell]) -> list[Single | Stack]:
    """All cells, those that are alike and of one epoch together."""
    learners: list[Single | Stack] = []
    for group in alike(cells):
        for epoch in dict.fromkeys(cell.epoch for cell in group):
            own = [cell for cell in group if cell.epoch == epoch]
            learners.append(Stack(own) if len(own) > 1 else Single(own[0]))
    return learners

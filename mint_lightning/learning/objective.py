"""The objective of a head, shared by one head alone and by a whole table, so that both learn the same thing."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mint_lightning.errors import UserError
from mint_lightning.heads import Head, HeadOutput, Masks, Request

AAD = Mapping[str, Mapping[str, Mapping[str, Tensor]]]
"""aad[network][view][tap] -> (B, C) or (B, C, H, W)."""


def head_inputs(aad: AAD, reads: Sequence[Request], network: str = "audited") -> list[Tensor]:
    """The tensors of the (view, tap) requests, in that order."""
    given = aad[network]
    missing = [(view, tap) for view, tap in reads if tap not in given.get(view, {})]
    if missing:
        lacks = ", ".join(tap if view == "original" else f"{tap} ({view})" for view, tap in missing)
        raise UserError(f"The data gives no AAD for {lacks}; it gives {', '.join(given['original'])}.")
    return [given[view][tap] for view, tap in reads]


def head_loss(
    head: Callable[[Sequence[Tensor], Any], HeadOutput], inputs: Sequence[Tensor], member: Tensor, draw: Masks | None
) -> Tensor:
    """Mean binary cross-entropy over the batch plus the head's penalty; `member` is (B,) bool."""
    logit, penalty = head(inputs, draw)
    return F.binary_cross_entropy_with_logits(logit, member.to(logit.dtype)) + penalty


def check_rate(rate: float, weight_decay: float) -> None:
    """Raise `UserError` unless a head can learn with these."""
    if not 0 < rate < math.inf or not 0 <= weight_decay < math.inf:
        raise UserError(f"rate ({rate}) must be above 0 and weight_decay ({weight_decay}) at least 0, both finite.")


def head_optimizer(head: Head, rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """Of one head; see `optimizer_of`."""
    return optimizer_of(head.parameters(), rate, weight_decay)


def optimizer_of(parameters: Iterable[Tensor], rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """Adam as paper C says, with decoupled weight decay (0 is plain Adam), so that regularisation can be searched.

    Fused: the plain form goes through the weights several times, which is much of a small head's step on a processor.
    """
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=weight_decay, fused=True)

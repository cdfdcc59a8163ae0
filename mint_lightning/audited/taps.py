"""Reading activations inside a network, and stopping it when the last one is there."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mint_lightning.audited.aad import Layout, Reduction, Rounding, reduce
from mint_lightning.audited.batchnorm import BATCHNORM, distance
from mint_lightning.errors import UserError


class _AllTapsFired(BaseException):
    """Leaves the forward. Not an `Exception`, so that no network catches it by mistake."""


def module_at(module: nn.Module, path: str) -> nn.Module:
    """The submodule at a tap's path, whichever of its outputs is meant."""
    return module.get_submodule(path.partition("#")[0])


def tensor_of(output: Any, path: str) -> Tensor:
    """The tensor of a module's output: itself, or of a tuple, list or dict the one whose number ends the path, the
    first without.

    Raises:
        UserError: there is no such tensor.
    """
    if isinstance(output, Tensor):
        return output
    values = list(output.values()) if isinstance(output, Mapping) else output
    tensors = [each for each in values if isinstance(each, Tensor)] if isinstance(values, list | tuple) else []
    name, _, number = path.partition("#")
    place = int(number) if number.isdecimal() else 0
    if place < len(tensors) and (not number or number.isdecimal()):
        return tensors[place]
    has = f"with {len(tensors)} tensors" if tensors else "without a tensor"
    raise UserError(f"Module {name!r} gives a {type(output).__name__} {has}, so {path!r} cannot be a tap.")


def read_taps(
    module: nn.Module,
    prepared: Tensor,
    requests: Mapping[str, Sequence[Reduction]],
    layout: Layout = "NCHW",
    rounding: Rounding = "usual",
    *,
    early_exit: bool = True,
) -> dict[str, dict[Reduction, Tensor]]:
    """Run `module` on `prepared` until every requested submodule has given its output, and no further.

    The reduction happens inside the hook: a tensor kept for later would be overwritten by in-place operations (an
    in-place ReLU after a BatchNorm, say).

    Args:
        module: Network in eval mode; the caller has switched gradients off.
        prepared: Its input.
        requests: Dotted path of a submodule (`""` for the module itself) to the reductions wanted of it. Of a module
            with several outputs `PATH#2` is the third tensor; without a number it is the first.
        layout: Where the channels stand in four-dimensional activations.
        rounding: The type that AAD is rounded to.
        early_exit: Stop after the last tap. Only a whole forward shows that no tap fires a second time.

    Returns:
        float32 tensors by path and reduction; shapes as in `aad.reduce`.

    Raises:
        UserError: a submodule gave no tensor, gave one twice, or was never reached.
    """
    taken: dict[str, dict[Reduction, Tensor]] = {}

    def hook_of(path: str) -> Any:
        def hook(part: nn.Module, inputs: Any, output: Any) -> None:
            if path in taken:
                raise UserError(f"Module {path!r} runs more than once in a forward, so it cannot be a tap.")
            output = tensor_of(output, path)
            try:
                taken[path] = {
                    # The input, which no later operation of the network has changed yet.
                    reduction: distance(inputs[0], part)
                    if reduction == BATCHNORM
                    else reduce(output, reduction, layout, rounding)
                    for reduction in requests[path]
                }
            except UserError as error:
                raise UserError(f"Module {path!r} as a tap: {error}") from None
            if early_exit and len(taken) == len(requests):
                raise _AllTapsFired

        return hook

    handles = [module_at(module, path).register_forward_hook(hook_of(path)) for path in requests]
    try:
        module(prepared)
    except _AllTapsFired:
        pass
    finally:
        for handle in handles:
            handle.remove()
    if missing := [path for path in requests if path not in taken]:
        raise UserError(f"Module {missing[0]!r} is not reached in a forward, so it cannot be a tap.")
    return taken

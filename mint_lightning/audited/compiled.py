"""A network compiled up to its last tap, and held against what it is when it is not compiled."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from mint_lightning.audited.aad import Layout, Reduction, Rounding, reduce
from mint_lightning.audited.batchnorm import BATCHNORM
from mint_lightning.audited.taps import read_taps, tensor_of
from mint_lightning.errors import UserError

Compile = bool | str
"""Whether to compile, or with which backend of `torch.compile`."""
Taken = dict[str, dict[Reduction, Tensor]]
_FLOAT32, _BFLOAT16 = 1e-3, 5e-2
"""How far compiled AAD may be from that of hooks, as a share of the largest value of its tap."""


class _Tracer(fx.Tracer):
    """Remembers what each module gave, and behind which operation."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, tuple[Any, fx.Node]] = {}

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        output = super().call_module(m, forward, args, kwargs)
        nodes = fx.node.map_aggregate(output, lambda each: each.node if isinstance(each, fx.Proxy) else each)
        self.given[self.path_of_module(m)] = nodes, next(iter(reversed(self.graph.nodes)))
        return output


def cut(
    module: nn.Module, requests: Mapping[str, Sequence[Reduction]], layout: Layout, rounding: Rounding
) -> fx.GraphModule:
    """The network as a graph that ends behind its last tap and gives AAD by path and reduction.

    Each tap is reduced where its hook would fire, so that in-place operations behind it do not reach it. Nothing in
    front of the last tap is left out, also where nobody takes its value: it may change a tensor in place.

    Raises:
        UserError: the network decides by what it sees, or is not made of torch's operations, so it has no one graph.
    """
    if any(BATCHNORM in own for own in requests.values()):
        raise UserError(f"{BATCHNORM!r} cannot be read of a compiled network: leave out compile for it.")
    tracer = _Tracer()
    try:
        graph = tracer.trace(module)
    except Exception as error:  # what a foreign forward raises when it is traced can be anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"The network cannot be traced, so it cannot be compiled ({reason}): leave out compile."
        ) from error
    (end,) = (node for node in graph.nodes if node.op == "output")
    tracer.given[""] = end.args[0], end.prev
    outputs: dict[str, dict[str, fx.Node]] = {}
    for path, reductions in requests.items():
        at = path.partition("#")[0]
        if at not in tracer.given:
            raise UserError(f"Module {at!r} lies within one that is compiled as a whole: leave out compile to tap it.")
        value, anchor = tracer.given[at]
        for reduction in reductions:
            with graph.inserting_after(anchor):
                anchor = graph.call_function(_taken, (value, path, reduction, layout, rounding))
            outputs.setdefault(path, {})[reduction] = anchor
        tracer.given[at] = value, anchor
    graph.erase_node(end)
    places = {node: place for place, node in enumerate(graph.nodes)}
    last = max(places[node] for own in outputs.values() for node in own.values())
    for node in reversed([node for node, place in places.items() if place > last]):
        graph.erase_node(node)
    graph.output(outputs)
    return fx.GraphModule(module, graph)


def _taken(output: Any, path: str, reduction: Reduction, layout: Layout, rounding: Rounding) -> Tensor:
    return reduce(tensor_of(output, path), reduction, layout, rounding)


class CompiledReader:
    """Reads some taps of a network by its compiled graph; the first batch is read by hooks too, and compared.

    Raises:
        UserError: it cannot be compiled, or gives other values.
    """

    def __init__(
        self,
        module: nn.Module,
        requests: Mapping[str, Sequence[Reduction]],
        layout: Layout,
        rounding: Rounding,
        how: Compile,
    ) -> None:
        self.hooked = lambda prepared: read_taps(module, prepared, requests, layout, rounding)
        graph = cut(module, requests, layout, rounding)
        try:
            self.run = torch.compile(graph, backend="inductor" if how is True else str(how))
        except Exception as error:  # such as an unknown backend
            raise _cannot(error) from error
        self.checked = False

    def __call__(self, prepared: Tensor) -> Taken:
        """AAD by path and reduction, as `read_taps` gives it."""
        try:
            found: Taken = self.run(prepared)
        except Exception as error:  # of a compiler of whatever kind
            if self.checked:
                raise
            raise _cannot(error) from error
        if not self.checked:
            self._compare(found, self.hooked(prepared))
            self.checked = True
        return found

    def _compare(self, found: Taken, expected: Taken) -> None:
        allowed = _BFLOAT16 if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda") else _FLOAT32
        for path, own in expected.items():
            for reduction, value in own.items():
                apart = (found[path][reduction] - value).abs().max()
                if not apart <= allowed * value.abs().max().clamp(min=1e-6):
                    raise UserError(
                        f"Compiled, the network gives other values at {path or 'its output'!r} ({apart:.2g}): "
                        "leave out compile."
                    )


def _cannot(error: Exception) -> UserError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return UserError(f"The network cannot be compiled here ({reason}): leave out compile.")

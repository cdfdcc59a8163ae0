"""The traced path: a network cut behind its last tap as one graph, for `torch.compile`, which hooks would break."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, fx, nn

from mint_lightning.audited.aad import Layout, Reduction, Rounding, reduce
from mint_lightning.audited.taps import tensor_of
from mint_lightning.errors import UserError

_IN_PLACE = {operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul}


class CutNetwork(nn.Module):
    """Gives the AAD of some modules, and computes nothing that these do not need.

    torchvision's `create_feature_extractor` traces the network symbolically and prunes what follows the last node. A
    tensor that is kept would be overwritten by later in-place operations, so these are replaced by plain ones.

    Args:
        module: the network, in eval mode; it is left as it is.
        requests: dotted path of a submodule (not "") to the reductions wanted of it.
        layout: where the channels stand in four-dimensional activations.
        rounding: the type that AAD is rounded to.

    Raises:
        UserError: the network cannot be traced, for one because its way depends on the values it meets.
    """

    def __init__(
        self,
        module: nn.Module,
        requests: Mapping[str, Sequence[Reduction]],
        layout: Layout = "NCHW",
        rounding: Rounding = "usual",
    ) -> None:
        super().__init__()
        from torchvision.models.feature_extraction import create_feature_extractor

        self.requests = {path: list(kinds) for path, kinds in requests.items()}
        self.layout: Layout = layout
        self.rounding: Rounding = rounding
        if "" in self.requests or any("batchnorm" in kinds for kinds in self.requests.values()):
            raise UserError("The network's own output and BatchNorm distances are read by hooks: leave out compile.")
        nodes = {path: f"out{number}" for number, path in enumerate(self.requests)}
        try:
            self.graph = create_feature_extractor(module, nodes)
        except Exception as error:  # tracing runs the network's own code on stand-ins, which may fail in any way
            line = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
            raise UserError(
                f"The network cannot be traced, so it cannot be compiled ({line}): leave out compile."
            ) from error
        self.names = list(nodes.values())
        _without_in_place(self.graph)

    def forward(self, prepared: Tensor) -> dict[str, dict[Reduction, Tensor]]:
        """AAD by path and reduction."""
        found = self.graph(prepared)
        return {
            path: {kind: reduce(tensor_of(found[name], path), kind, self.layout, self.rounding) for kind in kinds}
            for name, (path, kinds) in zip(self.names, self.requests.items(), strict=True)
        }


def _without_in_place(graph: fx.GraphModule) -> None:
    for node in graph.graph.nodes:
        if node.op == "call_function" and node.target in _IN_PLACE:
            node.target = _IN_PLACE[node.target]
        if node.kwargs.get("inplace"):
            node.kwargs = {**node.kwargs, "inplace": False}
        if node.op == "call_method" and str(node.target).endswith("_") and not str(node.target).endswith("__"):
            node.target = str(node.target)[:-1]
        if node.op == "call_module":
            part = graph.get_submodule(str(node.target))
            if getattr(part, "inplace", False):
                _replace(graph, str(node.target), _plain(part))
    graph.recompile()


def _plain(part: nn.Module) -> nn.Module:
    """The same layer, not in place, sharing its weights with the network's own."""
    copied: Any = part.__new__(type(part))
    copied.__dict__ = {**part.__dict__, "inplace": False}
    return copied


def _replace(graph: fx.GraphModule, path: str, part: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(graph.get_submodule(parent), name, part)

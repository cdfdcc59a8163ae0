"""What an ONNX graph says of itself: its nodes, what each needs, how large its tensors are, what they cost."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


@dataclass(frozen=True, eq=False)
class Graph:
    """An ONNX model with one input, the images."""

    model: onnx.ModelProto

    @cached_property
    def constants(self) -> dict[str, NDArray[Any]]:
        """Initializers, by name: views into the model where it allows."""
        return {each.name: numpy_helper.to_array(each) for each in self.model.graph.initializer}

    @cached_property
    def input(self) -> onnx.ValueInfoProto:
        """The images: the first input that is no initializer."""
        known = {each.name for each in self.model.graph.initializer}
        return next(each for each in self.model.graph.input if each.name not in known)

    @cached_property
    def output(self) -> str:
        """The first output."""
        return str(self.model.graph.output[0].name)

    @cached_property
    def makers(self) -> dict[str, int]:
        """Tensor -> number of the node that makes it."""
        return {name: at for at, node in enumerate(self.model.graph.node) for name in node.output if name}

    @cached_property
    def tensor_of_node(self) -> dict[str, str]:
        """Name of a node -> its first output."""
        return {node.name: node.output[0] for node in self.model.graph.node if node.name and node.output}

    def needed(self, tensors: Iterable[str]) -> set[int]:
        """Numbers of all nodes that the tensors depend on."""
        found: set[int] = set()
        left = [self.makers[name] for name in tensors if name in self.makers]
        while left:
            at = left.pop()
            if at in found:
                continue
            found.add(at)
            left += [self.makers[name] for name in self.inputs_of(at) if name in self.makers]
        return found

    def inputs_of(self, at: int) -> list[str]:
        """What a node reads, also in the graphs of its attributes (branches and loops)."""
        node = self.model.graph.node[at]
        inner = [
            name
            for attribute in node.attribute
            for graph in ([attribute.g] if attribute.HasField("g") else attribute.graphs)
            for part in graph.node
            for name in part.input
        ]
        return [*node.input, *inner]

    def cut(self, tensors: Sequence[str]) -> onnx.ModelProto:
        """The part of the model that gives these tensors, and nothing else."""
        nodes = self.needed(tensors)
        kept = [node for at, node in enumerate(self.model.graph.node) if at in nodes]
        read = {name for at in nodes for name in self.inputs_of(at)} | {self.input.name, *tensors}
        graph = onnx.helper.make_graph(
            kept,
            self.model.graph.name or "network",
            [self.input],
            [onnx.helper.make_empty_tensor_value_info(name) for name in tensors],
            [each for each in self.model.graph.initializer if each.name in read],
        )
        cut = onnx.helper.make_model(graph, opset_imports=self.model.opset_import, functions=self.model.functions)
        cut.ir_version = self.model.ir_version
        return cut

    def multiply_adds(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
        """Multiply-adds of all that each tensor depends on, itself included, given every tensor's shape."""
        own = [self._own(node, shapes) for node in self.model.graph.node]
        return {name: sum(own[at] for at in self.needed([name])) for name in self.makers}

    def _own(self, node: onnx.NodeProto, shapes: Mapping[str, Sequence[int]]) -> int:
        if node.op_type not in WEIGHTED or node.output[0] not in shapes:
            return 0
        size = math.prod(shapes[node.output[0]])
        weight = self.constants[node.input[1]].shape if node.input[1] in self.constants else None
        if node.op_type == "Conv" and weight:
            return size * math.prod(weight[1:])
        if node.op_type == "ConvTranspose" and weight:
            return math.prod(shapes.get(node.input[0], ())) * math.prod(weight[1:])
        inner = shapes.get(node.input[0], ())
        transposed = any(each.name == "transA" and each.i for each in node.attribute)
        return size * int(inner[0 if transposed else -1]) if inner else 0


def digest_words(model: onnx.ModelProto) -> bytes:
    """The model without its weights, for a hash of its form."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for each in bare.graph.initializer:
        for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
            each.ClearField(field)
    for each in (bare.graph, bare):
        each.ClearField("doc_string")
    return bytes(bare.SerializeToString(deterministic=True))


def as_array(value: NDArray[Any]) -> NDArray[Any]:
    """A copy that may be written to."""
    return np.array(value, copy=True)

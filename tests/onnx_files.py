"""ONNX files of small networks, made here."""

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from mint_lightning.audited import iresnet_small
from tests.network_card import ARGUMENTS


def exported(path: Path, *, batch: int = 2, dynamic: bool = True, seed: int = 0) -> torch.nn.Module:
    """Export a small IResNet, whose BatchNorm statistics are not those of a new one, and return it."""
    torch.manual_seed(seed)
    network = iresnet_small(**ARGUMENTS)
    for _ in range(3):
        network(torch.randn(8, 3, 32, 32))
    network.eval()
    axes: Any = {"images": {0: "batch"}, "outcome": {0: "batch"}} if dynamic else None
    torch.onnx.export(
        network,
        (torch.randn(batch, 3, 32, 32),),
        str(path),
        input_names=["images"],
        output_names=["outcome"],
        dynamic_axes=axes,
        dynamo=False,
    )
    return network


def drawn(
    path: Path,
    shape: list[Any],
    *,
    kind: int = TensorProto.FLOAT,
    channels_last: bool = False,
    beginning: tuple[str, ...] = (),
    inputs: int = 1,
) -> None:
    """A network of one convolution, written node by node."""
    nodes, last = [], "images"
    if channels_last:
        nodes.append(helper.make_node("Transpose", [last], ["first"], perm=[0, 3, 1, 2]))
        last = "first"
    constants = [numpy_helper.from_array(torch.randn(4, 3, 3, 3).numpy(), "w")]
    for place, operation in enumerate(beginning):
        constants.append(numpy_helper.from_array(torch.tensor(2.0).numpy(), f"c{place}"))
        nodes.append(helper.make_node(operation, [last, f"c{place}"], [f"b{place}"]))
        last = f"b{place}"
    nodes.append(helper.make_node("Conv", [last, "w"], ["maps.0"], name="conv", strides=[2, 2], pads=[1, 1, 1, 1]))
    nodes.append(helper.make_node("GlobalAveragePool", ["maps.0"], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["out"]))
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info(name, kind, shape) for name in ["images", "more"][:inputs]],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(path))

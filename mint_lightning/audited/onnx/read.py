"""Reading an ONNX file: what it takes, where it can be tapped, what it expects, and one sentence where it cannot."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import onnx

from mint_lightning.audited.onnx.graph import Graph
from mint_lightning.audited.onnx.module import OnnxModule
from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.errors import UserError

DEFAULT_SIDE = 112
_FIRST_NODES = 8


@dataclass(frozen=True)
class OnnxNetwork:
    """A network from a file, with what goes with it unless the user says otherwise."""

    module: OnnxModule
    taps: dict[str, str]
    preprocessing: Preprocessing


def read_onnx(path: Path | str) -> OnnxNetwork:
    """Read an ONNX file of a network that takes images.

    Taps by default: `conv1` and on, the last sum (or else the last tensor) at each size of maps below the input's, and
    the first output as the outcome. Any other tensor or node can be named as well. Preprocessing by default is
    InsightFace's: RGB, (x - 127.5) / 127.5, or x itself where the graph begins with a subtraction and a product, as the
    files made from MXNet do.

    Raises:
        UserError: the file is not there, damaged, no ONNX, takes no images, or has weights outside its folder.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no weights file at {path}.")
    try:
        model = onnx.load(str(path), load_external_data=False)
        _check_external(path, model)
        onnx.load_external_data_for_model(model, str(path.parent))
    except UserError:
        raise
    except Exception as error:  # protobuf's DecodeError, or whatever damaged bytes provoke
        raise UserError(f"{path} is not an ONNX file, or is damaged or cut short.") from error
    if not model.graph.node or not model.graph.output:
        raise UserError(f"{path} is not an ONNX file of a network: its graph is empty, or the file is cut short.")
    graph = Graph(model)
    known = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in known]
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs) or "none"
        raise UserError(f"{path} has the inputs {names}; a network that takes images alone is needed.")
    shape = [dim.dim_value or None for dim in inputs[0].type.tensor_type.shape.dim]
    last = len(shape) == 4 and shape[3] == 3 and shape[1] != 3
    if len(shape) != 4 or (not last and shape[1] not in (3, None)):
        raise UserError(f"{path} takes an input of the shape {_words(shape)}, not images (N, 3, H, W) or (N, H, W, 3).")
    if inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        kind = onnx.TensorProto.DataType.Name(inputs[0].type.tensor_type.elem_type)
        raise UserError(f"{path} takes images of the type {kind}; float is needed: convert it.")
    sides = shape[1:3] if last else shape[2:4]
    size = (sides[0] or DEFAULT_SIDE, sides[1] or DEFAULT_SIDE)
    module = OnnxModule(model, channels_last=last, batch=shape[0])
    return OnnxNetwork(module, _default_taps(graph, size, last), _preprocessing(graph, size))


def _check_external(path: Path, model: onnx.ModelProto) -> None:
    """Refuse weights that lie outside the file's own folder: a file of the network's must not read others."""
    for each in model.graph.initializer:
        for entry in each.external_data:
            if entry.key != "location":
                continue
            inside = PurePath(entry.value)
            target = path.parent / inside
            if inside.is_absolute() or ".." in inside.parts or target.is_symlink():
                raise UserError(f"{path} names weights outside its folder ({entry.value}), which are not read.")
            if not target.is_file():
                raise UserError(f"{path} keeps weights in {entry.value} beside it, which is not there.")


def _default_taps(graph: Graph, size: tuple[int, int], channels_last: bool) -> dict[str, str]:
    inferred = onnx.shape_inference.infer_shapes(graph.model).graph
    shapes = {
        each.name: [dim.dim_value for dim in each.type.tensor_type.shape.dim]
        for each in (*inferred.value_info, *inferred.output)
    }
    stages: dict[int, list[tuple[str, str]]] = {}
    for node in graph.model.graph.node:
        shape = shapes.get(node.output[0], [])
        side = shape[1 if channels_last else 2] if len(shape) == 4 else 0
        if 1 < side < size[0]:
            stages.setdefault(side, []).append((node.op_type, node.output[0]))
    taps = {}
    for number, side in enumerate(sorted(stages, reverse=True), 1):
        sums = [name for kind, name in stages[side] if kind == "Add"]
        taps[f"conv{number}"] = (sums or [name for _, name in stages[side]])[-1]
    return taps | {"outcome": graph.output}


def _preprocessing(graph: Graph, size: tuple[int, int]) -> Preprocessing:
    first = {node.op_type for node in list(graph.model.graph.node)[:_FIRST_NODES]}
    if first & {"Sub"} and first & {"Mul", "Div"}:
        return Preprocessing(size=size, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return Preprocessing(size=size)


def _words(shape: Sequence[int | None]) -> str:
    return f"({', '.join('?' if side is None else str(side) for side in shape)})"

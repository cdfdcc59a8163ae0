"""An ONNX graph as a torch module whose parts are its tensors: hooked ones are computed, and no more."""

import hashlib
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from mint_lightning.audited.onnx.graph import Graph, as_array, digest_words
from mint_lightning.errors import UserError


class TensorOf(nn.Module):
    """A place in the graph: gives the tensor that it is given, so that hooks see it."""

    def __init__(self, tensor: str) -> None:
        super().__init__()
        self.tensor = tensor

    def forward(self, value: Tensor) -> Tensor:
        return value


class OnnxModule(nn.Module):
    """Takes float32 (B, 3, H, W), on the CPU or a CUDA device; gives the graph's first output.

    Every tensor of the graph is a submodule, found by the tensor's name or its node's. A forward computes those
    that have hooks, with the graph cut behind them; without any, the output. Weights are buffers, for the fingerprint;
    what runs is the file's own graph.

    Args:
        model: with one input, images.
        channels_last: whether the input is (N, H, W, 3).
        batch: size of the batch where the file fixes it; None where it may be any.
    """

    def __init__(self, model: onnx.ModelProto, *, channels_last: bool = False, batch: int | None = None) -> None:
        super().__init__()
        self.graph = Graph(model)
        self.channels_last = channels_last
        self.batch = batch
        self.form = hashlib.sha256(digest_words(model)).hexdigest()
        for name, value in self.graph.constants.items():
            if value.dtype.kind in "fiub" and value.size:
                self.register_buffer(_safe(f"weight {name}"), torch.from_numpy(as_array(value)))
        self._places: dict[str, TensorOf] = {}
        for node in model.graph.node:
            for tensor in node.output:
                if tensor:
                    self._places[tensor] = TensorOf(tensor)
                    self.add_module(_safe(tensor), self._places[tensor])
        self._sessions: dict[tuple[tuple[str, ...], str], onnxruntime.InferenceSession] = {}
        self._shapes: dict[str, tuple[int, ...]] | None = None

    def extra_repr(self) -> str:
        """The graph's form, so that equal shapes of another graph are another network."""
        return f"form={self.form}"

    def get_submodule(self, target: str) -> nn.Module:
        """By the name of a tensor or a node, or by path."""
        tensor = target if target in self._places else self.graph.tensor_of_node.get(target)
        return self._places[tensor] if tensor is not None else super().get_submodule(target)

    def multiply_adds(self) -> dict[str, int]:
        """Multiply-adds up to each part, by its path; of the whole under ""."""
        costs = self.graph.multiply_adds(self._shapes or {})
        return {_safe(name): cost for name, cost in costs.items()} | {"": costs.get(self.graph.output, 0)}

    def forward(self, x: Tensor) -> Tensor:
        places = [each for each in self._places.values() if each._forward_hooks]
        names = [each.tensor for each in places]
        whole = bool(self._forward_hooks) or not names
        asked = [*names, *([self.graph.output] if whole and self.graph.output not in names else [])]
        found = dict(zip(asked, self._run(x, asked), strict=True))
        if len(names) == len(self._places):
            self._shapes = {name: tuple(value.shape) for name, value in found.items()}
        for place in places:
            place(found[place.tensor])
        return found[self.graph.output] if whole else found[names[-1]]

    def _run(self, x: Tensor, tensors: Sequence[str]) -> list[Tensor]:
        images = x.detach().float().cpu().numpy()
        if self.channels_last:
            images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        session = self._session(tensors, x.device)
        parts = [self._batch(session, piece) for piece in self._pieces(images)]
        joined = [np.concatenate(values) if len(values) > 1 else values[0] for values in zip(*parts, strict=True)]
        return [torch.from_numpy(value).to(x.device) for value in joined]

    def _pieces(self, images: np.ndarray) -> list[np.ndarray]:
        size = self.batch or max(1, len(images))
        return [images[start : start + size] for start in range(0, len(images), size)]

    def _batch(self, session: onnxruntime.InferenceSession, images: np.ndarray) -> list[np.ndarray]:
        real = len(images)
        if self.batch and real < self.batch:
            images = np.concatenate([images, np.repeat(images[-1:], self.batch - real, axis=0)])
        try:
            found = session.run(None, {self.graph.input.name: images})
        except Exception as error:  # onnxruntime's own errors share no class
            line = str(error).strip().splitlines()[0][:200]
            raise UserError(f"The ONNX network cannot be run on images of {images.shape[1:]}: {line}.") from error
        return [value[:real] if getattr(value, "ndim", 0) else np.asarray(value) for value in found]

    def _session(self, tensors: Sequence[str], device: torch.device) -> onnxruntime.InferenceSession:
        key = (tuple(tensors), device.type)
        if key not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            # Two pools of threads on the same cores spin against each other.
            options.intra_op_num_threads = torch.get_num_threads()
            providers = ["CPUExecutionProvider"]
            if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
                providers.insert(0, "CUDAExecutionProvider")
            model = self.graph.cut(tensors).SerializeToString()
            try:
                self._sessions[key] = onnxruntime.InferenceSession(model, options, providers=providers)
            except Exception as error:  # likewise
                line = str(error).strip().splitlines()[0][:200]
                raise UserError(f"The ONNX network cannot be run by onnxruntime: {line}.") from error
        return self._sessions[key]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self.graph.model, channels_last=self.channels_last, batch=self.batch)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_sessions": {}}

    def reset_parameters(self) -> None:
        """Refused: what runs is the file's own graph, whose weights cannot be drawn anew here."""
        raise UserError(
            "an ONNX file's weights cannot be drawn anew; say its architecture, twin: {architecture: NAME}, or run "
            "with twins 0, and nothing may be claimed"
        )


def _safe(name: str) -> str:
    """A name without a dot, which torch keeps for paths."""
    return name.replace(".", "_")

"""The network under audit: frozen, tapped, stopped after the last tap."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Self, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from mint_lightning.audited.aad import Layout, Reduction, Rounding
from mint_lightning.audited.batching import Batch, checked_batch, fastest_batch, in_batches
from mint_lightning.audited.card import NetworkCard
from mint_lightning.audited.compiled import Compile, CompiledReader
from mint_lightning.audited.describe import TapInfo, describe_taps
from mint_lightning.audited.places import Access, path_of, places
from mint_lightning.audited.precision import BF16, autocast, bf16_is_faster
from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.audited.taps import read_taps
from mint_lightning.audited.views import view
from mint_lightning.audited.weights import fingerprint
from mint_lightning.errors import UserError

Requests = dict[str, list[Reduction]]


class AuditedNetwork(nn.Module):
    """A frozen network with named taps: uint8 images in, auxiliary auditable data (AAD) out.

    It takes the module over: eval mode for good, no gradients, convolution weights in channels_last strides. None of
    its values ever changes, which `fingerprint` shows. Taps are hooks for as long as a forward runs, so threads that
    share a network must take turns.

    Args:
        module: Any network that takes float32 (B, 3, H, W).
        taps: Name of each tap to the dotted path of its module (`""`: the network's output), in order of depth. The
            last is the outcome (the embedding, or the logits).
        preprocessing: What the network expects of its input; InsightFace's at 112x112 if None.
        name: What people call it.
        bf16: Run under bfloat16 autocast; `"auto"`: where the device is measured to be faster in it. AAD is float32 in
            either case, but rounded, so an audit and its calibration want the same setting.
        layout: `"NHWC"` for networks whose maps have the shape (B, H, W, C), as Swin's.
        aad_dtype: The type that AAD is rounded to, and kept in where it is kept (`aad.kept_dtype`).
        channels_last: Run convolutions on channels_last memory; given up by itself where a module cannot.
        access: What may be read: "activations", or "outcome" alone, where an auditor is given no more.
        batch: Images that run at once, of those that a call gives; "auto": as many as are measured to be fastest at the
            first call.
        compile: Read taps by the graph of the network up to the last of them, compiled; see `compiled.cut`.

    Raises:
        UserError: there is no tap, or a tap's module does not exist.
    """

    card: NetworkCard | None = None
    """Where the network came from, who its members are; set by `NetworkSource.load`."""

    twin: dict[str, Any] | None = None
    """Architecture and arguments of its untrained twins, where it has none of its own; set likewise."""

    def __init__(
        self,
        module: nn.Module,
        *,
        taps: Mapping[str, str],
        preprocessing: Preprocessing | None = None,
        name: str = "network",
        bf16: BF16 = False,
        layout: Layout = "NCHW",
        aad_dtype: Rounding = "usual",
        channels_last: bool = True,
        access: Access = "activations",
        batch: Batch = None,
        compile: Compile = False,
    ) -> None:
        super().__init__()
        self.module = module.requires_grad_(False)
        self.taps = dict(taps)
        self.preprocessing = preprocessing or Preprocessing()
        self.name = name
        self.bf16 = bf16
        self.layout: Layout = layout
        self.aad_dtype: Rounding = aad_dtype
        self.access: Access = access
        self.batch: Batch = checked_batch(batch)
        self.compile_with: Compile = compile
        self._compiled: dict[Any, CompiledReader] = {}
        self._seen_whole: set[str] = set()
        self._memory_format = torch.contiguous_format
        # Faster wherever measured in float32: iresnet_small 236 against 173 images/s a core, iresnet18 20 against 17.
        if channels_last:
            self._set_memory_format(torch.channels_last)
        if not self.taps:
            raise UserError(f"Network {name!r} needs at least one tap.")
        if access not in get_args(Access):
            raise UserError(f"access is {access!r}; it is activations, or outcome.")
        for tap in self.taps:
            path_of(self.module, self.taps, tap, name)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode: `.train()` would move BatchNorm statistics, which belong to what is audited."""
        return super().train(False)

    @property
    def tap_names(self) -> tuple[str, ...]:
        """Names of the taps that may be read, in order of depth; the last is the outcome."""
        return tuple(self.taps)[-1:] if self.access == "outcome" else tuple(self.taps)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        tensors = chain(self.module.parameters(), self.module.buffers())
        return next((tensor.device for tensor in tensors), torch.device("cpu"))

    @property
    def uses_bf16(self) -> bool:
        """Whether a forward on the present device runs under bfloat16 autocast."""
        return bf16_is_faster(self.device.type) if self.bf16 == "auto" else self.bf16

    @property
    def facts(self) -> dict[str, Any]:
        """How it is run, for the record."""
        return {
            "access": self.access,
            "precision": "bfloat16" if self.uses_bf16 else "float32",
            "channels_last": self._memory_format == torch.channels_last,
        } | {name: wish for name, wish in (("batch", self.batch), ("compiled", self.compile_with)) if wish}

    @torch.no_grad()
    def forward(
        self, images: Tensor, taps: Sequence[str], views: Sequence[str] = ("original",)
    ) -> dict[str, dict[str, Tensor]]:
        """Read taps on each view of the images and stop after the last one.

        Args:
            images: uint8 RGB (B, 3, H, W) of any size, on the network's device.
            taps: Tap requests `NAME`, `NAME:mean_std` or `NAME:map`; NAME is a tap or the path of any module.
                `batchnorm` is (B, L), the distance of the image from each BatchNorm layer's statistics.
            views: Names of views. They run one after the other, so memory does not grow with their number.

        Returns:
            float32 AAD by view and tap request; shapes as in `aad.reduce`.

        Raises:
            UserError: an unknown tap, reduction or view, a module that cannot be tapped, or values that are not finite.
        """
        if not taps:
            raise UserError(f"Network {self.name!r} is asked for no tap; known are {', '.join(self.taps)}.")
        parsed = {spec: places(self.module, self.taps, spec, self.name, self.access) for spec in taps}
        requests: Requests = {}
        for found in parsed.values():
            for path, reduction in found:
                requests.setdefault(path, []).append(reduction)
        variants = {name: view(name) for name in views}
        self._look_whole(requests)
        if self.module.training:  # someone reached past `train` above
            self.eval()
        aad = {}
        for name, variant in variants.items():
            taken = self._read_in_batches(variant(images), requests)
            aad[name] = {spec: _joined([taken[path][kind] for path, kind in at]) for spec, at in parsed.items()}
            for spec, values in aad[name].items():
                if not values.isfinite().all():
                    raise UserError(
                        f"Network {self.name!r} gives values at tap {spec!r} that are no finite numbers: its weights "
                        "are random or damaged, or its preprocessing is not theirs (mint-lightning networks check)."
                    )
        return aad

    def embed(self, images: Tensor) -> Tensor:
        """float32 (B, D) of the last tap, for uint8 RGB (B, 3, H, W)."""
        outcome = self.tap_names[-1]
        return self(images, [outcome])["original"][outcome]

    def aad_shapes(self, taps: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Shape of each request's AAD without the batch, from a dry run on one blank image."""
        aad = self(self._blank_image(), taps)["original"]
        return {spec: tuple(tensor.shape[1:]) for spec, tensor in aad.items()}

    def describe(self, *, every_module: bool = False) -> list[TapInfo]:
        """Every tap (or every module that can be one, in the order they run) with size and cost, from a dry run."""
        self._look_whole({} if every_module else {path: ["max"] for path in self.taps.values()})
        taps = None if every_module else self.taps
        return describe_taps(self.module, lambda: self.run(self._blank_image()), taps, self.layout)

    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of all parameters and buffers, in whatever order of memory."""
        return fingerprint(self.module)

    def run(self, images: Tensor) -> object:
        """The whole forward of the bare module on uint8 images, prepared and in the precision that taps are read in."""
        with autocast(self.device.type, self.uses_bf16):
            return self.module(self._prepare(images))

    def _read(self, images: Tensor, requests: Requests, early_exit: bool = True) -> dict[str, dict[Reduction, Tensor]]:
        with autocast(self.device.type, self.uses_bf16):
            prepared = self._prepare(images)
            if self.compile_with and early_exit:
                return self._reader(requests)(prepared)
            return read_taps(self.module, prepared, requests, self.layout, self.aad_dtype, early_exit=early_exit)

    def _reader(self, requests: Requests) -> CompiledReader:
        """The compiled reader of these taps; of another device it is another, for a graph keeps buffers of its own."""
        key = self.device, tuple((path, *own) for path, own in requests.items())
        if key not in self._compiled:
            made = CompiledReader(self.module, requests, self.layout, self.aad_dtype, self.compile_with)
            self._compiled[key] = made
        return self._compiled[key]

    def _read_in_batches(self, images: Tensor, requests: Requests) -> dict[str, dict[Reduction, Tensor]]:
        if self.batch == "auto" and len(images):
            self.batch = fastest_batch(lambda some: self._read(some, requests), images)
        return in_batches(lambda some: self._read(some, requests), images, self.batch)

    def _prepare(self, images: Tensor) -> Tensor:
        return self.preprocessing(images).contiguous(memory_format=self._memory_format)

    def _look_whole(self, requests: Requests) -> None:
        """Before a module's first use run one blank image to the end: an early exit would hide a second firing."""
        new: Requests = {path: ["max"] for path in requests if path not in self._seen_whole}
        if not new:
            return
        try:
            self._read(self._blank_image(), new, early_exit=False)
        except RuntimeError as error:
            # A module that calls .view() where .reshape() was meant works on contiguous memory only.
            if self._memory_format != torch.channels_last or "view size" not in str(error):
                raise
            self._set_memory_format(torch.contiguous_format)
            self._read(self._blank_image(), new, early_exit=False)
        self._seen_whole.update(new)

    def _blank_image(self) -> Tensor:
        return torch.full((1, 3, *self.preprocessing.size), 128, dtype=torch.uint8, device=self.device)

    def _set_memory_format(self, memory_format: torch.memory_format) -> None:
        self._memory_format = memory_format
        convert_conv2d_weight_memory_format(self.module, memory_format)


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """One tensor as it is; values of several layers (B,) side by side."""
    return torch.stack(list(parts), dim=1) if parts[0].ndim == 1 else parts[0]

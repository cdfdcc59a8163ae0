"""From a few words in a config to a network ready for its audit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from mint_lightning.audited.aad import Rounding
from mint_lightning.audited.architectures import Built, build
from mint_lightning.audited.card import NetworkCard
from mint_lightning.audited.network import AuditedNetwork
from mint_lightning.audited.places import Access
from mint_lightning.audited.precision import BF16
from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.audited.weights import load_into, load_state
from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file

ONNX: Final = "onnx"


@dataclass(frozen=True)
class NetworkSource:
    """Where a network comes from: a card, or an architecture with weights.

    Args:
        card: Path of a `card.json` (or its folder), which says everything; then no architecture and no arguments.
        architecture: `iresnet100`, `mobilefacenet`, ... (`mint-lightning networks` lists them), `timm:NAME`, or your
            own `package.module:function`, which is run. "onnx": the file in `weights` is the whole network.
        weights: File of weights (safetensors, or a torch state dict). With a card, where the card's weights are now.
            Without a card and without this, the weights are random, and the network's name says so.
        arguments: Arguments of the architecture.
        taps: Tap names and module paths in order of depth, the outcome last, in place of the architecture's or card's.
        preprocessing: Values of `Preprocessing` (size, mean, std, channels) that differ from the architecture's.
        name: What people call it.
        seed: Of random weights.
        bf16: bfloat16 autocast; `auto`: where the device is measured to be faster in it. Off by default, so that the
            same audit gives the same figures on another machine.
        access: activations, or outcome, where the auditor is given no more: then nothing else can be read, and every
            result says so.
        channels_last: memory order of convolutions, usually faster.
        batch: images that run through the network at once, of the images of a batch; auto measures which number is
            fastest; null takes all of them.
        compile: whether to compile the network up to its last tap (torch.compile; needs a C++ compiler), which is worth
            its minutes for millions of images; or the name of a backend.
        twin: {architecture: ..., arguments: ..., taps: ...} of the untrained twins of a network that has none of its
            own, as an ONNX file, taps being modules by the names of the file's; that it is the file's architecture is
            your word.
        aad_dtype: the type that AAD is rounded to and kept in: float32, float16, bfloat16; "usual" is float32 for
            vectors and float16 for maps.
    """

    card: str | None = None
    architecture: str | None = None
    weights: str | None = None
    arguments: dict[str, Any] | None = None
    taps: dict[str, str] | None = None
    preprocessing: dict[str, Any] | None = None
    name: str | None = None
    seed: int = 0
    bf16: BF16 = False
    access: Access = "activations"
    channels_last: bool = True
    batch: int | Literal["auto"] | None = None
    compile: bool | str = False
    twin: dict[str, Any] | None = None
    aad_dtype: Rounding = "usual"

    def load(self) -> AuditedNetwork:
        """Build the network on the CPU; its `card` says what it was built from.

        Raises:
            UserError: no such card, architecture or weights, weights that are not the card's or do not fit.
        """
        card = self._read_card()
        architecture = self._architecture(card)
        arguments = dict(card.arguments if card else self.arguments or {})
        weights_file = self.weights or (card.weights_file if card else None)
        built = _onnx(weights_file, arguments) if architecture == ONNX else build(architecture, arguments, self.seed)
        preprocessing = card.preprocessing if card else built.preprocessing
        if self.preprocessing:
            changed = preprocessing.to_dict() | self.preprocessing
            preprocessing = Preprocessing.from_dict(changed, f"Network {architecture}")
        if card is not None and card.members and not weights_file:
            raise UserError(f"The card {self.card} lists members but names no weights: there is no network to audit.")
        weights_sha256 = _load_weights(built, weights_file, card) if weights_file else None
        name = self.name or (card.name if card else architecture)
        final = replace(
            card or NetworkCard(name, architecture, built.taps),
            name=name if weights_file else f"{name} (random weights, seed {self.seed})",
            arguments=arguments,
            taps=self.taps or (card.taps if card else built.taps),
            preprocessing=preprocessing,
            weights_file=str(Path(weights_file).absolute()) if weights_file else None,
            weights_sha256=weights_sha256,
        )
        network = AuditedNetwork(
            built.module,
            taps=final.taps,
            preprocessing=final.preprocessing,
            name=final.name,
            bf16=self.bf16,
            layout=built.layout,
            aad_dtype=self.aad_dtype,
            channels_last=self.channels_last,
            access=self.access,
            batch=self.batch,
            compile=self.compile,
        )
        network.card = final
        network.twin = self.twin
        return network

    def _read_card(self) -> NetworkCard | None:
        if self.card is None:
            return None
        if self.architecture is not None or self.arguments is not None:
            raise UserError(
                f"The card {self.card} already names architecture and arguments: leave these out, or the card."
            )
        return NetworkCard.load(Path(self.card))

    def _architecture(self, card: NetworkCard | None) -> str:
        if card is not None:
            return card.architecture
        if self.architecture is None:
            raise UserError("A network needs a card (path of a card.json) or an architecture (such as iresnet100).")
        return self.architecture


def _onnx(file: str | None, arguments: Mapping[str, Any]) -> Built:
    if file is None:
        raise UserError('The architecture "onnx" is the network of a file: name it as weights.')
    if arguments:
        raise UserError(f"An ONNX file takes no arguments, but is given {', '.join(arguments)}.")
    from mint_lightning.audited.onnx import read_onnx  # onnx and onnxruntime, which other networks should not cost

    network = read_onnx(file)
    return Built(network.module, network.taps, network.preprocessing, whole=True)


def _load_weights(built: Built, file: str, card: NetworkCard | None) -> str:
    path = Path(file)
    if not path.is_file():
        raise UserError(f"There is no weights file at {path}{f', which the card {card.name!r} names' if card else ''}.")
    found = sha256_file(path)
    if card is not None and card.weights_sha256 not in (None, found):
        raise UserError(
            f"The weights {path} are not those of the card {card.name!r}: their sha256 begins with {found[:12]}, "
            f"the card's with {str(card.weights_sha256)[:12]}."
        )
    if built.whole:
        return found
    state = load_state(path)
    load_into(built.module, built.keys(state) if built.keys else state, path)
    return found

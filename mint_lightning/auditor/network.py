"""The audited network beside its auditor: card and weights, so that the folder can audit by itself."""

import shutil
from dataclasses import replace
from pathlib import Path

from mint_lightning.audited import NetworkCard
from mint_lightning.audited.weights import load_state
from mint_lightning.auditor.card import AuditorCard
from mint_lightning.files import sha256_file

NETWORK = "network"
"""The folder's name, beside an auditor or beside the folder of several."""


class WeightsMissing(Exception):
    """Why a network cannot be copied, as the end of a sentence."""


def copy_network(card: AuditorCard, folder: Path) -> None:
    """Write the audited network as `card.json` and `weights.safetensors`, whatever its weights were kept in; an ONNX
    file stays what it is.

    Raises:
        WeightsMissing: they are random, lie in no file, are gone or were changed.
    """
    from safetensors.torch import save_file

    values = card.network["card"]
    network = NetworkCard.from_dict(values, f"The card of network {card.network['name']!r}") if values else None
    if network is None or network.weights_file is None:
        raise WeightsMissing(f"the weights of {card.network['name']!r} are random or lie in no file")
    source = Path(network.weights_file)
    target = folder / ("weights.onnx" if source.suffix == ".onnx" else "weights.safetensors")
    if not source.is_file() or sha256_file(source) != network.weights_sha256:
        raise WeightsMissing(f"the weights {source} are gone or were changed")
    folder.mkdir(parents=True)
    if source.suffix == target.suffix:
        shutil.copyfile(source, target)
    else:  # a torch checkpoint is a pickle, however safely it is read
        save_file({name: value.clone().contiguous() for name, value in load_state(source).items()}, target)
    named = replace(network, weights_file=target.name, weights_sha256=sha256_file(target))
    named.save(folder / "card.json")

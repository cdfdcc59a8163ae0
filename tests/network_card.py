"""A small IResNet as train-audited leaves it."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from mint_lightning.audited import IRESNET_TAPS, NetworkCard, Preprocessing, iresnet_small
from mint_lightning.files import sha256_file

ARGUMENTS = {"widths": [4, 4, 8, 8], "embedding": 6, "image_size": 32}


def small_network(folder: Path) -> Path:
    """Write weights and their card to one folder; the card's path."""
    torch.manual_seed(3)
    save_file(iresnet_small(**ARGUMENTS).state_dict(), folder / "weights.safetensors")
    NetworkCard(
        name="A",
        architecture="iresnet_small",
        taps=dict(IRESNET_TAPS),
        preprocessing=Preprocessing(size=(32, 32), channels="BGR"),
        arguments=ARGUMENTS,
        weights_file="weights.safetensors",
        weights_sha256=sha256_file(folder / "weights.safetensors"),
        members={"photos": ["a-1"]},
        accuracy={"pairs": 0.9},
    ).save(folder / "card.json")
    return folder / "card.json"

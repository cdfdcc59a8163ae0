"""How a head starts: from a seed, or from a head that another audited network taught."""

import warnings
from pathlib import Path

from mint_lightning.audited.rng import seeded
from mint_lightning.audited.weights import load_state
from mint_lightning.auditor import AUDITOR_HEAD, load_auditor
from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.heads import Head
from mint_lightning.learning.checkpoint import read_checkpoint

__all__ = ["parent_of", "seeded", "warm_start"]


def parent_of(init_from: str) -> dict[str, str]:
    """What a run records of the head that it starts from: its file, the file's sha256, and the fingerprint of the
    network that taught it, where the file says it."""
    path = Path(init_from)
    file = path / AUDITOR_HEAD if path.is_dir() else path
    found = {"parent": str(init_from), "parent_sha256": sha256_file(file)}
    if path.is_dir():
        fingerprint = load_auditor(path).card.fingerprint
    elif file.suffix == ".safetensors":
        fingerprint = None
    else:
        fingerprint = read_checkpoint(file)["mint"].get("network")
    return found | ({"parent_fingerprint": str(fingerprint)} if fingerprint else {})


def warm_start(head: Head, init_from: str | None) -> list[str]:
    """Copy the layers of another head that have the shapes of this one's; its standardisation belonged to its network.

    `init_from` is a checkpoint of `fit` or an auditor folder; None does nothing.

    Returns:
        Names of the values that begin anew, since the other head has none of their name and shape; said in a warning
        where there are any.

    Raises:
        UserError: the other head is the mean of several, or none of its values fits.
    """
    if init_from is None:
        return []
    path = Path(init_from)
    state = load_state(path / AUDITOR_HEAD if path.is_dir() else path)
    if any(name.startswith("heads.") for name in state):
        raise UserError(f"The head in {init_from} is the mean of several: start from an auditor or checkpoint of one.")
    layers = {name.removeprefix("head."): value for name, value in state.items()}
    layers = {name: value for name, value in layers.items() if not name.startswith("standardise.")}
    own = {name: value for name, value in head.state_dict().items() if not name.startswith("standardise.")}
    anew = [name for name in own if name not in layers or layers[name].shape != own[name].shape]
    taken = {name: layers[name] for name in own if name not in anew}
    if not taken:
        raise UserError(
            f"Nothing of the head in {init_from} fits this one ({', '.join(sorted(own)[:4])}): "
            "model.init_from takes a head of the same kind, whose inner widths are the same."
        )
    head.load_state_dict({**head.state_dict(), **taken})
    if anew:
        warnings.warn(
            f"Of the head in {init_from} {', '.join(taken)} were taken; {', '.join(anew)} begin anew, for their shapes "
            "differ.",
            stacklevel=2,
        )
    return anew

"""How a head starts: from a seed, or from a head that another audited network taught."""

from pathlib import Path

from mint_lightning.audited.rng import seeded
from mint_lightning.audited.weights import load_state
from mint_lightning.auditor import AUDITOR_HEAD
from mint_lightning.errors import UserError
from mint_lightning.heads import Head

__all__ = ["seeded", "warm_start"]


def warm_start(head: Head, init_from: str | None) -> None:
    """Copy the layers of another head of the same form; its standardisation is not taken, it belonged to its network.

    `init_from` is a checkpoint of `fit` or an auditor folder; None does nothing.
    """
    if init_from is None:
        return
    path = Path(init_from)
    state = load_state(path / AUDITOR_HEAD if path.is_dir() else path)
    if any(name.startswith("heads.") for name in state):
        raise UserError(f"The head in {init_from} is the mean of several: start from an auditor or checkpoint of one.")
    layers = {name.removeprefix("head."): value for name, value in state.items()}
    layers = {name: value for name, value in layers.items() if not name.startswith("standardise.")}
    own = {name: value for name, value in head.state_dict().items() if not name.startswith("standardise.")}
    differ = [name for name in own if name not in layers or layers[name].shape != own[name].shape]
    if differ or layers.keys() - own.keys():
        named = sorted(set(differ) | (layers.keys() - own.keys()))
        raise UserError(
            f"The head in {init_from} does not fit this one ({', '.join(named[:4])}): "
            "model.init_from takes a head of the same kind, widths and tap sizes."
        )
    head.load_state_dict({**head.state_dict(), **layers})

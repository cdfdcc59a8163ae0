"""What the parts of benchmarks/table share: drawn faces, the DataModule on them, the YAML of a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.forward import drawn_set
from mint_lightning.files import read_json, write_json

PHOTOS = 5
PLACES = ("conv1", "conv2", "conv3", "conv4", "outcome", "all_conv")


def drawn(images: int) -> Path:
    """A shard set of so many drawn faces, half of the people members."""
    return drawn_set(Path("shards") / f"faces_{images}", images // PHOTOS, PHOTOS)


def arguments(network: Mapping[str, Any], images: int, batch: int) -> dict[str, Any]:
    """Of `datamodules.Faces` on these faces."""
    return {
        "shards": str(drawn(images)),
        "network": dict(network),
        "members": ["members"],
        "externals": ["externals"],
        "batch_size": batch,
    }


def faces(network: Mapping[str, Any], images: int, batch: int) -> Any:
    """The DataModule itself."""
    from datamodules import Faces
    from mint_lightning.audited import NetworkSource

    return Faces(**arguments(network, images, batch) | {"network": NetworkSource(**network)})


def config(name: str, data: Mapping[str, Any], sizes: Sequence[Any], seeds: int, epochs: int, **settings: Any) -> Path:
    """The YAML (JSON is YAML) of a Vanilla table at every place, all epochs run, no controls."""
    path = Path(f"{name}.yaml")
    content = {
        "name": name,
        "data": {"class_path": "datamodules.Faces", "init_args": dict(data)},
        "grid": [{"head": "vanilla", "taps": list(PLACES), "samples": list(sizes)}],
        "seeds": seeds,
        "twins": 0,
        "pixels": False,
        "recipe": {"epochs": epochs, "patience": epochs},
        "accelerator": "cpu",
        "reuse": False,
    }
    write_json(path, content | settings)
    return path


def laps(name: str) -> dict[str, float]:
    """Seconds of the parts of the table of that name, as the program noted them."""
    found = read_json(Path("mlruns/tables") / name / "table.json", "table")
    return {part: float(seconds) for part, seconds in found["context"]["seconds"].items()}

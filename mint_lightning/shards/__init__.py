"""Images to shards to batches.

    photos -> pack (one pipeline, identity splits) -> tars, key list, manifest -> order -> stream -> loader

What needs torch is imported when it is first used, so that packing or reading a manifest does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Imported at once, for the functions `pack` and `verify` bear the names of their modules: imported later, the module
# would take the function's place in this namespace.
from mint_lightning.shards.join import join
from mint_lightning.shards.keys import KeyList, split_by_photo
from mint_lightning.shards.manifest import Manifest, Shard
from mint_lightning.shards.pack import pack
from mint_lightning.shards.plan import HoldOut
from mint_lightning.shards.sources import Photo, PhotoSource, open_source
from mint_lightning.shards.splits import FRACTIONS, SPLITS, partition_of, split_of, uniform
from mint_lightning.shards.subsets import balanced_subsets
from mint_lightning.shards.verify import verify

if TYPE_CHECKING:
    from mint_lightning.shards.loader import EvalLoader, TrainLoader
    from mint_lightning.shards.order import EpochOrder
    from mint_lightning.shards.stream import EvalStream, TrainStream

__all__ = [
    "FRACTIONS",
    "SPLITS",
    "EpochOrder",
    "EvalLoader",
    "EvalStream",
    "HoldOut",
    "KeyList",
    "Manifest",
    "Photo",
    "PhotoSource",
    "Shard",
    "TrainLoader",
    "TrainStream",
    "balanced_subsets",
    "join",
    "nested_subset",
    "open_source",
    "pack",
    "partition_of",
    "split_by_photo",
    "split_of",
    "uniform",
    "verify",
]

_LATER = {
    "EpochOrder": "order",
    "EvalLoader": "loader",
    "EvalStream": "stream",
    "TrainLoader": "loader",
    "TrainStream": "stream",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)

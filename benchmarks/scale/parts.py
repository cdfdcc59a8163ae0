"""The measurements of benchmarks/scale by name. Each gives plain numbers as JSON keeps them."""

from benchmarks.scale.ddp import ddp
from benchmarks.scale.determinism import determinism
from benchmarks.scale.facts import facts
from benchmarks.scale.kills import kills
from benchmarks.scale.streaming import shards, soak
from benchmarks.scale.tables import table

__all__ = ["ddp", "determinism", "facts", "kills", "shards", "soak", "table"]

"""The jobs of benchmarks/networks."""

from benchmarks.networks.learnt import formats, warm
from benchmarks.networks.speed import tap_speed

__all__ = ["formats", "tap_speed", "warm"]

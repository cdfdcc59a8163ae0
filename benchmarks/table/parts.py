"""The measurements of benchmarks/table by name. Each gives plain numbers as JSON keeps them."""

from benchmarks.table.cnn import cnn
from benchmarks.table.growth import growth
from benchmarks.table.plain import plain
from benchmarks.table.stacking import stacking
from benchmarks.table.whole import whole

__all__ = ["cnn", "growth", "plain", "stacking", "whole"]

"""Frozen dataclasses to JSON and back, exactly, refusing what does not fit."""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

import numpy as np

from mint_lightning.errors import UserError


class Document:
    """Gives a dataclass `to_json` (plain dicts, lists, numbers, text) and `from_json` (the exact inverse).

    Floats survive to the last bit, because Python writes the shortest text that reads back as the same number. An
    unknown or missing key, or a value of another type, raises `UserError`: evidence of another version is refused
    rather than read half. Only what is declared `later` may be missing.
    """

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value of this object."""
        return {field.name: _encode(getattr(self, field.name)) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Object of the JSON value that `to_json` gave."""
        hints: dict[str, Any] = _hints(cls)  # type: ignore[arg-type]
        if not isinstance(value, dict):
            raise UserError(f"A {cls.__name__} must be a JSON object, not {type(value).__name__}.")
        if unknown := sorted(set(value) - set(hints)):
            raise UserError(f"A {cls.__name__} has the unknown key {unknown[0]!r}; known are {', '.join(hints)}.")
        if missing := [name for name in hints if name not in value and name not in _later(cls)]:  # type: ignore[arg-type]
            raise UserError(f"A {cls.__name__} lacks the key {missing[0]!r}.")
        return cls(
            **{name: _decode(hints[name], value[name], f"{cls.__name__}.{name}") for name in hints if name in value}
        )


def later(default: Any) -> Any:
    """A field that documents of earlier versions lack: without it they mean `default`."""
    return dataclasses.field(default=default, metadata={"later": True})


@cache
def _later(cls: type) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(cls) if "later" in field.metadata)


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _encode(value: Any) -> Any:
    if isinstance(value, Document):
        return value.to_json()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _decode(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _decode(next(item for item in arguments if item is not type(None)), value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_decode(arguments[0], item, where) for item in value)
    if origin in (list, Sequence) and isinstance(value, list):
        return [_decode(arguments[0], item, where) for item in value]
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: _decode(arguments[1], item, f"{where}[{key!r}]") for key, item in value.items()}
    if hint is Any:
        return value
    if isinstance(hint, type) and issubclass(hint, Document):
        return hint.from_json(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError as error:
            known = ", ".join(repr(item.value) for item in hint)
            raise UserError(f"{where} is {value!r}; it must be one of {known}.") from error
    if (origin or hint) is np.ndarray and isinstance(value, list):
        return np.asarray(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (str, int, float, bool) and type(value) is hint:
        return value
    raise UserError(f"{where} cannot be {value!r}.")

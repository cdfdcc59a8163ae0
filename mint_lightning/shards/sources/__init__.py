"""Where photos come from: folders, archives, records and databases of many kinds, or the synthetic generator."""

import inspect
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.databases import DatabasesSource
from mint_lightning.shards.sources.folder import FolderSource
from mint_lightning.shards.sources.kinds import KINDS
from mint_lightning.shards.sources.npz import NpzSource
from mint_lightning.shards.sources.photo import Photo, PhotoSource

__all__ = ["KINDS", "DatabasesSource", "FolderSource", "NpzSource", "Photo", "PhotoSource", "open_source"]


def open_source(spec: str, name: str | None = None) -> PhotoSource:
    """The source that a text names.

    Args:
        spec: "KIND:PATH" with one of `KINDS`, or "synthetic:" with any arguments of `SyntheticSource`, such as
            "synthetic:identities=2000,photos=5,difficulty=hard,seed=0".
        name: name of the database in the shard set, where it is to differ from the source's own.

    Raises:
        UserError: it names no source, or an argument that the source does not have.
    """
    kind, _, rest = spec.partition(":")
    if kind in KINDS and rest:
        return KINDS[kind].opened(rest, name)
    if kind == "synthetic":
        from mint_lightning.shards.synthetic import SyntheticSource

        arguments = _arguments(rest, SyntheticSource)
        if name is not None:
            arguments["name"] = name
        return SyntheticSource(**arguments)
    raise UserError(
        f"{spec!r} names no source of photos: write KIND:PATH with one of {', '.join(KINDS)}, or "
        "synthetic:identities=2000,photos=5,difficulty=hard,seed=0."
    )


def _arguments(text: str, source: type) -> dict[str, Any]:
    """Turn "a=1,b=hard" into arguments of `source`, each of the type of its default."""
    known = {
        name: parameter
        for name, parameter in inspect.signature(source).parameters.items()
        if name != "name" and isinstance(parameter.default, int | float | str)
    }
    arguments: dict[str, Any] = {}
    for item in filter(None, text.split(",")):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or key not in known:
            raise UserError(
                f"{item!r} is no argument of synthetic photos: write KEY=VALUE with one of {', '.join(known)}."
            )
        kind = type(known[key].default)
        try:
            arguments[key] = kind(value)
        except ValueError as error:
            raise UserError(
                f"{key} = {value!r} of synthetic photos must be of the kind of {known[key].default!r}."
            ) from error
    return arguments

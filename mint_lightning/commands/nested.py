"""Options that reach into a dict, put together: the parser would keep the last of them alone."""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

import yaml

_OPTION = re.compile(r"--(\w+)\.(?:init_args\.)?(\w+)((?:\.\w+)*)(?:=(.*))?", re.DOTALL)


def joined(words: Sequence[str], names: Collection[str]) -> list[str]:
    """`words` with all options that reach into one entry of a dict as one option at the end.

    names: arguments that are dicts. Of `--data.network.card C --data.network.name N` jsonargparse keeps the name and
    forgets the card, so another network than the one that was named would be audited. They become
    `--data.network {"card": C, "name": N}`, with what `--data.network {...}` said before them.
    """
    options = [_OPTION.fullmatch(word) for word in words]
    deep = {(found[1], found[2]) for found in options if found and found[3] and found[1] in names}
    kept: list[str] = []
    gathered: dict[tuple[str, str], Any] = {}
    place = 0
    while place < len(words):
        found = options[place]
        at = (found[1], found[2]) if found else ("", "")
        last = found is not None and found[4] is None and place + 1 >= len(words)
        if found is None or at not in deep or last:
            kept.append(words[place])
            place += 1
            continue
        text = found[4] if found[4] is not None else words[place + 1]
        place += 1 if found[4] is not None else 2
        value = _value(text)
        for key in reversed(found[3].split(".")[1:]):
            value = {key: value}
        gathered[at] = merged(gathered.get(at), value)
    for (name, key), value in gathered.items():
        kept += [f"--{name}.{key}", json.dumps(value)]
    return kept


def merged(old: Any, new: Any) -> Any:
    """Dicts by key, all else replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text

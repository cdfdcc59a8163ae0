"""What a parser says of a value, in words for people who know the config and not the parser."""

import dataclasses
import re
from typing import Any, get_args

_NOISE = re.compile(r"Parser key \"value\.?|Problem with given class_path '[^']*': |Parser key \"|^\": ")
_UNKNOWN = re.compile(r"(?:Group '[^']*' does not accept option|Option) '([^']+)'(?: is not accepted)?")
_EXPECTED = re.compile(r"Expected an? (.+?)\. Got value: (.*)$")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
}


def plain_words(text: str, kind: Any) -> str:
    """`text`, a parser's message on a value of the type `kind`, without the parser's own words.

    An unknown key is answered with the keys that the dataclass in `kind` has.
    """
    text = _NOISE.sub("", text).replace('": ', ": ")
    text = text.removeprefix(": ")
    if found := _UNKNOWN.search(text):
        known = [field.name for each in _dataclasses(kind) for field in dataclasses.fields(each)]
        return f"there is no key {found[1]!r}" + (f"; known are {', '.join(known)}" if known else "")
    if found := _EXPECTED.search(text):
        return f"{text[: found.start()]}it must be {_kind_words(found[1])}, not {found[2]}"
    return text


def _kind_words(kind: str) -> str:
    kind = re.sub(r"<class '([^']+)'>", r"\1", kind).replace("typing.", "")
    if kind.startswith("Literal["):
        return "one of " + kind.removeprefix("Literal[").removesuffix("]").replace("'", "")
    return _KINDS.get(kind, kind)


def _dataclasses(kind: Any) -> list[Any]:
    if dataclasses.is_dataclass(kind):
        return [kind]
    return [each for argument in get_args(kind) for each in _dataclasses(argument)]

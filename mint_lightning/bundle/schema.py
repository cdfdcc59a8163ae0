"""The JSON schema of evidence.json, made from the dataclasses that write it.

python -m mint_lightning.bundle.schema > docs/evidence.schema.json
"""

import dataclasses
import json
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from mint_lightning.evidence import TableEvidence
from mint_lightning.evidence.document import Document

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def evidence_schema() -> dict[str, Any]:
    """Of the evidence of a table; every class stands under $defs, its docstring as its description."""
    found: dict[str, Any] = {}
    top = _of(TableEvidence, found)
    title = f"Evidence of mint_lightning, schema version {TableEvidence.schema_version}"
    return {"$schema": DRAFT, "title": title, **top, "$defs": dict(sorted(found.items()))}


def _of(hint: Any, found: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(each, found) for each in arguments]}
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": _of(arguments[0], found)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1], found)}
    if hint is type(None):
        return {"type": "null"}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [each.value for each in hint]}
    if isinstance(hint, type) and issubclass(hint, Document):
        if hint.__name__ not in found:
            found[hint.__name__] = {}  # a class that holds itself ends here
            found[hint.__name__] = _class(hint, found)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {"type": _PLAIN[hint]}


def _class(hint: type, found: dict[str, Any]) -> dict[str, Any]:
    hints, own = get_type_hints(hint), dataclasses.fields(hint)
    return {
        "description": " ".join((hint.__doc__ or "").split()),
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in own if "later" not in field.metadata],
        "properties": {field.name: _of(hints[field.name], found) for field in own},
    }


if __name__ == "__main__":
    print(json.dumps(evidence_schema(), indent=2, ensure_ascii=False))

"""How large a tar becomes: so many images, or so many bytes."""

import re
from typing import Final

from mint_lightning.errors import UserError

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kmgt]i?b)?", re.IGNORECASE)
_POWERS: Final = "kmgt"


def shard_size(text: str) -> dict[str, int]:
    """ "2000" as {"shard_images": 2000}, "64MiB" or "1.5 GB" as {"shard_bytes": ...}: arguments of `pack`.

    Raises:
        UserError: it is neither.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or (found[2] is None and "." in found[1]) or float(found[1]) == 0:
        raise UserError(
            f"shard_size is {text!r}: give the images of a tar, such as 2000, or its bytes with their unit, such as "
            "64MiB."
        )
    if found[2] is None:
        return {"shard_images": int(found[1])}
    unit = found[2].lower()
    base = 1024 if "i" in unit else 1000
    return {"shard_bytes": max(1, int(float(found[1]) * base ** (_POWERS.index(unit[0]) + 1)))}


def bytes_in_words(size: float) -> str:
    """1536 as "1.5 KiB"."""
    unit = "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"

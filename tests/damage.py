"""Files damaged by Hypothesis, and a source of photos read to its end."""

from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.shards import open_source
from mint_lightning.shards.image import BrokenImage

WORDS = [
    b"\x00" * 8,
    b"\xff" * 8,
    b"\x7f\xff\xff\xff",
    b"99999999999",
    b"-0000000001",
    b"../../",
    b"\x80\x00\x00\x00\x00\x00\x00\x00",
]


@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Some bytes set, put in, taken out, or the end cut off."""
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["set", "set", "set", "word", "put", "take", "cut", "double"]),
                st.floats(0, 1, exclude_max=True),
                st.integers(0, 255),
                st.sampled_from(WORDS),
            ),
            min_size=1,
            max_size=4,
        )
    )

    def apply(data: bytes) -> bytes:
        for what, where, value, word in steps:
            at = int(where * len(data))
            if what == "set":
                data = data[:at] + bytes([value]) + data[at + 1 :]
            elif what == "word":
                data = data[:at] + word + data[at + len(word) :]
            elif what == "put":
                data = data[:at] + word + data[at:]
            elif what == "take":
                data = data[:at] + data[at + 1 + value :]
            elif what == "cut":
                data = data[:at]
            else:
                data = data + data[at:]
        return data

    return apply


def read_all(kind: str, path: Path) -> tuple[int, int] | None:
    """Photos found and skipped, each photo read or broken; None where the source is refused."""
    source = open_source(f"{kind}:{path}")
    refused = ""
    try:
        photos = source.list()
        source.describe()
    except UserError as error:
        refused = str(error)
    if refused:
        assert refused.endswith(".")
        assert "\n" not in refused
        return None
    for photo in photos:
        assert ".." not in photo.origin.split("/")
        assert not photo.origin.startswith("/")
        try:
            photo.read()
        except (BrokenImage, OSError):
            continue
    return len(photos), len(list(getattr(source, "skipped", ())))

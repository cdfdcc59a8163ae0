"""Readers of what lies inside larger files, and of what was found broken when it was listed."""

from dataclasses import dataclass

from mint_lightning.shards.image import MAX_BYTES, BrokenImage


@dataclass(frozen=True, slots=True)
class ReadPiece:
    """Reads `size` bytes from `start` on of a file, an image that lies in it as it is."""

    path: str
    start: int
    size: int

    def __call__(self, most: int = MAX_BYTES) -> bytes:
        """The bytes. Raises `BrokenImage` where they are more than `most`, before reading, or the file ends."""
        return read_pieces(self.path, ((self.start, self.size),), most=most)


@dataclass(frozen=True, slots=True)
class Broken:
    """Stands for an item that is there, counts, and is known to have no image."""

    reason: str

    def __call__(self) -> bytes:
        """Raises `BrokenImage` with the reason."""
        raise BrokenImage(self.reason)


def read_pieces(path: str, pieces: tuple[tuple[int, int], ...], joint: bytes = b"", most: int = MAX_BYTES) -> bytes:
    """The bytes of several (start, size) of a file with `joint` between them.

    Raises:
        BrokenImage: they are more than `most`, by default what a photo may have, or the file ends before them.
    """
    if sum(size for _, size in pieces) > most:
        raise BrokenImage(f"larger than {most // 2**20} MiB")
    found: list[bytes] = []
    # Opened for each: it costs a hundredth of a decoded image, and a kept file would outlive a replaced one.
    with open(path, "rb", buffering=0) as stream:
        for start, size in pieces:
            stream.seek(start)
            found.append(stream.read(size))
            if len(found[-1]) < size:
                raise BrokenImage("it is cut short: its file ends before it does")
    return joint.join(found)

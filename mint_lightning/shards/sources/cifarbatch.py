"""One file of CIFAR, python or binary: where its images lie, of which classes they are, what they are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mint_lightning.shards.sources.names import inside
from mint_lightning.shards.sources.pickledbatch import NoBatch, read_batch
from mint_lightning.shards.sources.planar import PLANES, Block, FileReader, ReadPlanar, contents, pixels


@dataclass(frozen=True, slots=True)
class Form:
    """What the files of a version are called, and where they say of which class an image is.

    Attributes:
        version: what its publisher calls it.
        train: files of the training images, in order.
        test: those of the test images.
        names: "class" and what else -> file of its names, and in a pickle the list's name.
        labels: the same -> the list's name in a pickle, or the place of the byte before an image.
    """

    version: str
    train: Sequence[str]
    test: Sequence[str]
    names: Mapping[str, tuple[str, str]]
    labels: Mapping[str, str | int]

    @property
    def files(self) -> Sequence[str]:
        """All that it needs."""
        return [*self.train, *self.test, *sorted({file for file, _ in self.names.values()})]

    @property
    def pickled(self) -> bool:
        """Whether its files are pickles."""
        return any(isinstance(label, str) for label in self.labels.values())


@dataclass(frozen=True, slots=True)
class Batch:
    """The images of a file.

    Attributes:
        count: how many there are.
        labels: "class" and what else -> a number for each.
        origins: their names, where they have any.
        block: where their pixels lie.
        first: the first pixel of the first image in it.
        apart: bytes from an image to the next.
        step: bytes from a pixel to the next.
    """

    count: int
    labels: Mapping[str, Sequence[int]]
    origins: Sequence[str] | None
    block: Block
    first: int
    apart: int
    step: int

    def reader(self, row: int) -> ReadPlanar:
        """What reads one image."""
        return ReadPlanar(self.block, self.first + row * self.apart, self.step)


def pickled(file: FileReader, form: Form) -> Batch:
    """The batch of a python version.

    Raises:
        NoBatch: it is none. BrokenImage: the file cannot be read.
    """
    batch = read_batch(contents(file), [str(name) for name in form.labels.values()])
    count = len(next(iter(batch.labels.values())))
    block = Block(file, batch.start, batch.size, batch.text)
    if len(pixels(block)) != count * PLANES:
        raise NoBatch(f"{count:,} images in {len(pixels(block)):,} bytes")
    labels = {what: batch.labels[str(name)] for what, name in form.labels.items()}
    origins = [inside(name)[0] for name in batch.filenames] if batch.filenames is not None else None
    return Batch(count, labels, origins, block, 0, *((1, count) if batch.by_column else (PLANES, 1)))


def binary(file: FileReader, form: Form) -> Batch:
    """The batch of a binary version: for each image a byte for each label, then its pixels. Raises as `pickled`."""
    size, before = len(contents(file)), len(form.labels)
    count, rest = divmod(size, before + PLANES)
    if rest or not count:
        raise NoBatch(f"{size:,} bytes, which is no multiple of {before + PLANES:,}: it is cut short")
    block = Block(file, 0, size)
    rows = pixels(block).reshape(count, before + PLANES)
    labels = {what: np.asarray(rows[:, int(place)]).tolist() for what, place in form.labels.items()}
    return Batch(count, labels, None, block, before, before + PLANES, 1)

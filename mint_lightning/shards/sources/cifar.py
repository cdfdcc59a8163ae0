"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009), in each of the forms in which they are handed on."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from mint_lightning.errors import UserError
from mint_lightning.shards.image import BrokenImage
from mint_lightning.shards.sources.cifarbatch import Batch, Form, binary, pickled
from mint_lightning.shards.sources.lines import text_of
from mint_lightning.shards.sources.listed import ListedPhotos
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pickledbatch import NoBatch, read_names
from mint_lightning.shards.sources.planar import contents
from mint_lightning.shards.sources.scanned import Scan, Scanned
from mint_lightning.shards.sources.splitfolders import SPLITS, by_folder
from mint_lightning.shards.sources.tree import Entry, entries_of, last_of_each, photos_of


class CifarSource(Scanned):
    """The official python or binary version, as its .tar.gz or unpacked, or folders train/CLASS and test/CLASS.

    Photos are of the databases NAME_train and NAME_test. Each is an identity of its own, its number in the order of the
    official files, or its path where there are folders; its class is an attribute. The pickles of the python version
    are read without executing anything in them. What else lies there is skipped.

    A photo's `origin` is its file's name where the version has one, else its number.

    Args:
        path: the archive or folder. A .tar.gz is inflated once in each process, which takes 180 MB of memory there;
            of a folder the files are mapped.
        name: name of the database; cifar10 or cifar100 by default.

    Raises:
        UserError: on listing, if it has none of these forms, lacks a file of it, or one is damaged.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    forms: ClassVar[Sequence[Form]]

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path).expanduser().absolute()
        self.name = name or self.kind

    def describe(self) -> dict[str, Any]:
        """Kind, name, classes, and a hash of the files' contents, or of names and sizes where each photo is a file."""
        photos, _, digest = self._scan
        known = {"kind": self.kind, "name": self.name, "photos": len(photos), "listing": digest}
        return {**known, "classes": list(self.classes)}

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes, in the order of their numbers."""
        return self._found[1]

    @property
    def _scan(self) -> Scan:
        return self._found[0]

    @cached_property
    def _found(self) -> tuple[Scan, Sequence[str]]:
        entries, earlier = last_of_each(entries_of(self.path))
        again = [f"{path} (a later one of that name replaces it)" for path in earlier]
        folders: dict[str, dict[str, Entry]] = {}
        for entry in entries:
            folders.setdefault(entry.path.rpartition("/")[0], {})[entry.file] = entry
        nearest: tuple[list[str], Form] | None = None
        for form in self.forms:
            for files in folders.values():
                missing = [file for file in form.files if file not in files]
                if not missing:
                    used = {files[file].path for file in form.files}
                    skipped = [entry.path for entry in entries if entry.path not in used] + again
                    photos, digest, classes = self._batches(form, files)
                    return (photos, skipped, digest), classes
                if len(missing) < len(form.files) and (nearest is None or len(missing) < len(nearest[0])):
                    nearest = missing, form
        if found := by_folder(photos_of(entries)[0], self.name):
            placed, digest, classes = found
            skipped = [entry.path for entry in entries if entry.path not in placed] + again
            return (ListedPhotos.of(placed.values()), skipped, digest), classes
        if nearest is not None:
            raise UserError(
                f"{self.path} lacks {', '.join(nearest[0])} of the {nearest[1].version} version of {self.title}: "
                "unpack the whole archive."
            )
        raise UserError(
            f"{self.path} is not {self.title}: it must be the python or binary version, packed or unpacked, or have "
            f"the folders train/CLASS and test/CLASS (it has {', '.join(e.path for e in entries[:3]) or 'nothing'})."
        )

    def _batches(self, form: Form, files: Mapping[str, Entry]) -> tuple[ListedPhotos, str, Sequence[str]]:
        names = {name: self._names(form, files, name) for name in form.labels}
        photos, digest = ListedPhotos(), sha256(json.dumps(names, sort_keys=True).encode())
        for split, parts in zip(SPLITS, (form.train, form.test), strict=True):
            batches = [self._batch(form, files[part]) for part in parts]
            width, number = len(str(sum(batch.count for batch in batches) - 1)), 0
            for part, batch in zip(parts, batches, strict=True):
                digest.update(sha256(contents(files[part].reader)).digest())
                for row in range(batch.count):
                    who = f"{number:0{width}d}"
                    facts = {name: self._named(values, batch, row, part, name) for name, values in names.items()}
                    origin = batch.origins[row] if batch.origins else who
                    photos.append(Photo(f"{self.name}_{split}", who, origin, batch.reader(row), attributes=facts))
                    number += 1
        return photos, digest.hexdigest(), names["class"]

    def _named(self, names: Sequence[str], batch: Batch, row: int, part: str, what: str) -> str:
        number = batch.labels[what][row]
        if not 0 <= number < len(names):
            raise UserError(
                f"{self.path}: image {row} of {part} is of {what} {number}, but the names are {len(names)}."
            )
        return names[number]

    def _names(self, form: Form, files: Mapping[str, Entry], what: str) -> Sequence[str]:
        file, key = form.names[what]
        if key:
            try:
                (names,) = read_names(contents(files[file].reader), [key])
            except (NoBatch, BrokenImage) as error:
                raise UserError(f"{self.path}: {file} has no names of classes ({error}): unpack it again.") from error
        else:
            names = [line.strip() for line in text_of(files[file]).splitlines() if line.strip()]
        if not names or len(set(names)) < len(names) or not all(names):
            raise UserError(f"{self.path}: {file} must name each {what} once.")
        return names

    def _batch(self, form: Form, entry: Entry) -> Batch:
        try:
            return (pickled if form.pickled else binary)(entry.reader, form)
        except (NoBatch, BrokenImage) as error:
            raise UserError(
                f"{self.path}: {entry.file} is no batch of {self.title} ({error}); nothing in it is executed, so it is "
                "read only where it holds images, labels and names: get it again."
            ) from error


class Cifar10Source(CifarSource):
    """CIFAR-10: 50,000 + 10,000 images of ten classes. See `CifarSource`."""

    kind = "cifar10"
    title = "CIFAR-10"
    forms = (
        Form(
            "python",
            tuple(f"data_batch_{number}" for number in range(1, 6)),
            ("test_batch",),
            {"class": ("batches.meta", "label_names")},
            {"class": "labels"},
        ),
        Form(
            "binary",
            tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
            ("test_batch.bin",),
            {"class": ("batches.meta.txt", "")},
            {"class": 0},
        ),
    )


class Cifar100Source(CifarSource):
    """CIFAR-100: 50,000 + 10,000 images of a hundred classes; of which of twenty superclasses, is an attribute, too.

    Folders have no superclasses. See `CifarSource`.
    """

    kind = "cifar100"
    title = "CIFAR-100"
    forms = (
        Form(
            "python",
            ("train",),
            ("test",),
            {"class": ("meta", "fine_label_names"), "superclass": ("meta", "coarse_label_names")},
            {"class": "fine_labels", "superclass": "coarse_labels"},
        ),
        Form(
            "binary",
            ("train.bin",),
            ("test.bin",),
            {"class": ("fine_label_names.txt", ""), "superclass": ("coarse_label_names.txt", "")},
            {"class": 1, "superclass": 0},
        ),
    )

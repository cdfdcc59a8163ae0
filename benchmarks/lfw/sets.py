"""Shard sets of the warning: the same members, and externals that differ from them by more than membership.

Members are photos of H1 (of a third of its people), as the archive has them. Externals are other databases (AT&T, Yale:
grey, few people), or photos of H2 (of a third of its people too) after a change that no network's training has anything
to do with. Everything is then packed by the one pipeline, in one run, as an auditor would who was given these files.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.lfw.parts import ARCHIVE, DATA, DOOR, SHARDS
from mint_lightning.files import atomic_path, sha256_file, sha256_json
from mint_lightning.shards import KeyList, Manifest, uniform

FOLDER = Path("mlruns/benchmarks/lfw/sets")
SHARE = 1 / 3
Image = NDArray[np.uint8]
ARCHIVES = {"att": "att_orl/att_orl_aligned112_jpeg90.npz", "yale": "yale/yale_aligned112_jpeg90.npz"}


def _jpeg75(image: Image) -> Image:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_COLOR)


def _blur(image: Image) -> Image:
    return cv2.GaussianBlur(image, (0, 0), 0.6)


def _border(image: Image) -> Image:
    return cv2.copyMakeBorder(image[3:-3, 3:-3], 3, 3, 3, 3, cv2.BORDER_CONSTANT, value=(0, 0, 0))


CHANGES: dict[str, Callable[[Image], Image]] = {"jpeg75": _jpeg75, "blur": _blur, "border": _border}


@dataclass(frozen=True)
class Warned:
    """One shard set: its name, what the externals are, and whether every image is turned grey."""

    name: str
    externals: str
    what: str
    grey: bool = False

    @property
    def is_change(self) -> bool:
        """Whether the externals are the photos of H2, changed: B was trained on what they were made from."""
        return self.externals in CHANGES

    @property
    def shards(self) -> Path:
        """Folder of the shard set."""
        return Path(f"shards/lfw_{self.name}")

    def pack(self) -> None:
        """Write the archive and pack it; what stands is kept."""
        made_from = [ARCHIVE, SHARDS / "manifest.json", Path(__file__)]
        if not self.is_change:
            made_from.append(DATA / ARCHIVES[self.externals])
        archive = FOLDER / f"{self.name}_{sha256_json([sha256_file(path) for path in made_from])[:12]}.npz"
        if not archive.is_file():
            with atomic_path(archive) as temporary:
                self._write(temporary)
        DOOR.run(
            f"pack --source npz:{archive} --name lfw --out {self.shards} --overwrite true --reuse true",
            self.shards / "manifest.json",
        )

    def _write(self, path: Path) -> None:
        lfw = _photos(ARCHIVE)
        members, externals = _origins("H1"), _origins("H2")
        chosen = [(photo, "lfw") for photo in lfw if photo[:2] in members]
        if self.is_change:
            change = CHANGES[self.externals]
            changed = [
                (name, file, _png(change(_decoded(data)))) for name, file, data in lfw if (name, file) in externals
            ]
            chosen += [(photo, f"lfw_{self.externals}") for photo in changed]
        else:
            chosen += [(photo, self.externals) for photo in _photos(DATA / ARCHIVES[self.externals])]
        if self.grey:
            chosen = [((name, file, _png(_greyed(_decoded(data)))), source) for (name, file, data), source in chosen]
        people = sorted({(source, name) for (name, _, _), source in chosen})
        place = {person: number for number, person in enumerate(people)}
        sizes = [len(data) for (_, _, data), _ in chosen]
        with open(path, "wb") as stream:  # savez would put .npz behind a temporary name
            np.savez(
                stream,
                blob=np.frombuffer(b"".join(data for (_, _, data), _ in chosen), np.uint8),
                offset=np.cumsum([0, *sizes], dtype=np.int64),
                label=np.array([place[source, name] for (name, _, _), source in chosen]),
                identity=np.array([name for _, name in people]),
                filename=np.array([file for (_, file, _), _ in chosen]),
                source=np.array([source for _, source in chosen]),
            )


WARNED = (
    Warned("att", "att", "AT&T (40 people, grey)"),
    Warned("att_grey", "att", "AT&T, every image turned grey", grey=True),
    Warned("yale", "yale", "Yale (15 people, grey)"),
    Warned("yale_grey", "yale", "Yale, every image turned grey", grey=True),
    Warned("jpeg75", "jpeg75", "H2 saved once more as JPEG of quality 75"),
    Warned("blur", "blur", "H2 slightly blurred (sigma 0.6 pixels)"),
    Warned("border", "border", "H2 with a black border of 3 pixels"),
)


def _photos(path: Path) -> list[tuple[str, str, bytes]]:
    """(person, file, encoded image) of every photo of an archive."""
    with np.load(path, allow_pickle=False) as archive:
        blob, offset, label = archive["blob"], archive["offset"], archive["label"]
        names = archive["identity"].tolist() if "identity" in archive.files else None
        files = archive["filename"].tolist() if "filename" in archive.files else None
    return [
        (
            names[label[i]] if names else f"{label[i]:04d}",
            files[i] if files else f"{i:04d}",
            blob[offset[i] : offset[i + 1]].tobytes(),
        )
        for i in range(len(label))
    ]


def _origins(partition: str) -> set[tuple[str, str]]:
    """(person, file) of the photos of a third of a partition's people, drawn by hash: enough for such differences."""
    keys = KeyList.load(SHARDS, Manifest.load(SHARDS))
    rows = keys.where(partitions=[partition])
    people = {name for name in set(keys.identity[rows].tolist()) if uniform("warning", name, seed=0) < SHARE}
    return {(str(keys.identity[row]), str(keys.origin[row])) for row in rows if keys.identity[row] in people}


def _decoded(data: bytes) -> Image:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def _greyed(image: Image) -> Image:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def _png(image: Image) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()

"""Small copies, drawn by code, of CIFAR-10, CIFAR-100 and GTSRB in the forms in which they are handed on."""

import pickle
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.images import encoded, face

CLASSES = ("airplane", "automobile", "bird", "cat")
COARSE = ("animals", "vehicles")
ROWS = 6
_SHORT = 256


def python2(value: Any) -> bytes:
    """The value as Python 2's cPickle wrote it by protocol 2: its str of its own, NumPy's arrays by name and state."""
    written = bytearray(b"\x80\x02")
    kept = 0

    def keep() -> None:
        nonlocal kept
        kept += 1
        written.extend(b"q" + bytes([kept]) if kept < _SHORT else b"r" + struct.pack("<I", kept))

    def write(each: Any) -> None:
        if isinstance(each, bytes):
            short = len(each) < _SHORT
            written.extend((b"U" + bytes([len(each)]) if short else b"T" + struct.pack("<i", len(each))) + each)
        elif isinstance(each, int):
            small = 0 <= each < _SHORT
            written.extend(b"K" + bytes([each]) if small else b"M" + struct.pack("<H", each))
            return
        elif isinstance(each, list | dict):
            written.extend(b"]" if isinstance(each, list) else b"}")
            keep()
            written.extend(b"(")
            for one in each if isinstance(each, list) else (part for pair in each.items() for part in pair):
                write(one)
            written.extend(b"e" if isinstance(each, list) else b"u")
            return
        else:
            array(each)
        keep()

    def array(each: NDArray[Any]) -> None:
        by_column = not each.flags.c_contiguous
        written.extend(b"cnumpy.core.multiarray\n_reconstruct\nq\xf0cnumpy\nndarray\nq\xf1K\0\x85U\x01b\x87R(K\1")
        for side in each.shape:
            write(side)
        written.extend(b"\x86cnumpy\ndtype\nq\xf2")
        write(each.dtype.str[1:].encode())
        written.extend(
            b"K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb" + (b"\x88" if by_column else b"\x89")
        )
        write(each.tobytes("F" if by_column else "C"))
        written.extend(b"tb")

    write(value)
    return bytes(written) + b"."


PICKLES: Mapping[str, Callable[[Any], bytes]] = {
    "python 2": python2,
    **{f"python 3, protocol {each}": lambda value, each=each: pickle.dumps(value, each) for each in (2, 3, 4, 5)},  # type: ignore[misc]
}


def image(number: int) -> NDArray[np.uint8]:
    """The image of that number, uint8 (32, 32, 3)."""
    return face(number, number)


def planes(first: int, count: int) -> NDArray[np.uint8]:
    """Images as CIFAR has them: uint8 (count, 3072), all reds, all greens, all blues."""
    rows = [image(number).transpose(2, 0, 1).reshape(-1) for number in range(first, first + count)]
    return np.stack(rows)


def cifar10(write: Callable[[Any], bytes] = python2) -> dict[str, bytes]:
    """The python version: five batches and the test's, ROWS images in each; image n is of class n % 4."""
    files = {
        "batches.meta": write(
            {b"num_cases_per_batch": ROWS, b"label_names": [name.encode() for name in CLASSES], b"num_vis": 3072}
        ),
        "readme.html": b"<html>",
    }
    for place, name in enumerate([*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]):
        rows = range(place * ROWS, (place + 1) * ROWS)
        batch = {
            b"batch_label": f"batch {place + 1} of 6".encode(),
            b"labels": [row % 4 for row in rows],
            b"data": planes(place * ROWS, ROWS),
            b"filenames": [f"{CLASSES[row % 4]}_s_{row:06d}.png".encode() for row in rows],
        }
        files[name] = write(batch)
    return {f"cifar-10-batches-py/{name}": content for name, content in files.items()}


def cifar10_binary() -> dict[str, bytes]:
    """The binary version of the same."""
    files = {"batches.meta.txt": ("\n".join(CLASSES) + "\n\n").encode(), "readme.html": b"<html>"}
    for place, name in enumerate([*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]):
        rows = enumerate(planes(place * ROWS, ROWS), start=place * ROWS)
        files[f"{name}.bin"] = b"".join(bytes([row % 4]) + pixels.tobytes() for row, pixels in rows)
    return {f"cifar-10-batches-bin/{name}": content for name, content in files.items()}


def cifar100(write: Callable[[Any], bytes] = python2, by_column: bool = False) -> dict[str, bytes]:
    """The python version of CIFAR-100: image n is of class n % 4 and superclass n % 2."""
    names = {
        b"fine_label_names": [name.encode() for name in CLASSES],
        b"coarse_label_names": [name.encode() for name in COARSE],
    }
    files = {"meta": write(names)}
    for split, first, count in (("train", 0, 30), ("test", 30, ROWS)):
        rows = range(first, first + count)
        data = planes(first, count)
        batch = {
            b"filenames": [f"{CLASSES[row % 4]}_s_{row:06d}.png".encode() for row in rows],
            b"batch_label": b"batch 1 of 1",
            b"fine_labels": [row % 4 for row in rows],
            b"coarse_labels": [row % 2 for row in rows],
            b"data": np.asfortranarray(data) if by_column else data,
        }
        files[split] = write(batch)
    return {f"cifar-100-python/{name}": content for name, content in files.items()}


def cifar100_binary() -> dict[str, bytes]:
    """The binary version of the same."""
    files = {"fine_label_names.txt": "\n".join(CLASSES).encode(), "coarse_label_names.txt": "\n".join(COARSE).encode()}
    for split, first, count in (("train", 0, 30), ("test", 30, ROWS)):
        rows = enumerate(planes(first, count), start=first)
        files[f"{split}.bin"] = b"".join(bytes([row % 2, row % 4]) + pixels.tobytes() for row, pixels in rows)
    return {f"cifar-100-binary/{name}": content for name, content in files.items()}


def by_folder() -> dict[str, bytes]:
    """The images of `cifar10` as files in folders by split and class."""
    return {
        f"{'train' if row < 5 * ROWS else 'test'}/{CLASSES[row % 4]}/{row:04d}.png": encoded(image(row))
        for row in range(6 * ROWS)
    }


def sign(kind: int, track: int, frame: int, format: str) -> bytes:
    return encoded(face(100 * kind + track, frame)[: 20 + frame], format)


def gtsrb() -> dict[str, bytes | str]:
    """GTSRB as published: 3 classes of 4 tracks of 3 frames, tracks counted anew in each; 8 test images, no answers."""
    files: dict[str, bytes | str] = {"GTSRB/Readme-Images.txt": "x"}
    for kind in (0, 7, 42):
        lines = ["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"]
        for track in range(4):
            for frame in range(3):
                name = f"{track:05d}_{frame:05d}.ppm"
                files[f"GTSRB/Final_Training/Images/{kind:05d}/{name}"] = sign(kind, track, frame, "PPM")
                lines.append(f"{name};32;32;5;5;27;27;{kind}")
        files[f"GTSRB/Final_Training/Images/{kind:05d}/GT-{kind:05d}.csv"] = "\r\n".join(lines) + "\r\n"
    for number in range(8):
        files[f"GTSRB/Final_Test/Images/{number:05d}.ppm"] = sign(50, number, 0, "PPM")
    without = "\n".join(["Filename;Width;Height", *(f"{number:05d}.ppm;32;32" for number in range(8))])
    return files | {"GTSRB/Final_Test/Images/GT-final_test.test.csv": without}


def answers(first: int = 0) -> str:
    """The download of its own that says the test images' classes."""
    lines = ["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"]
    lines += [f"{number:05d}.ppm;32;32;5;5;27;27;{(0, 7, 42)[number % 3]}" for number in range(first, 8)]
    return "\n".join(lines) + "\n"


def gtsrb_of_kaggle() -> dict[str, bytes | str]:
    """The same images in the layout of Kaggle's copy."""
    files: dict[str, bytes | str] = {"Meta/0.png": sign(0, 0, 0, "PNG"), "Train.csv": "Width,Height\n"}
    for kind in (0, 7, 42):
        for track in range(4):
            for frame in range(3):
                name = f"Train/{kind}/{kind:05d}_{track:05d}_{frame:05d}.png"
                files[name] = sign(kind, track, frame, "PNG")
                files[name.replace("Train", "train")] = sign(kind, track, frame, "PNG")
    lines = ["Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path"]
    for number in range(8):
        files[f"Test/{number:05d}.png"] = sign(50, number, 0, "PNG")
        lines.append(f"32,32,5,5,27,27,{(0, 7, 42)[number % 3]},Test/{number:05d}.png")
    return files | {"Test.csv": "\n".join(lines)}

"""Damaged files of every kind: a sentence or counted photos, never a crash, a hang, or photos lost unseen."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.shards import Manifest, open_source, pack
from mint_lightning.shards.image import BrokenImage
from tests import databases, object_files
from tests.archives import people, write_tar, write_zip
from tests.databases import write_files
from tests.images import face
from tests.record_files import insightface, write_records

pytestmark = pytest.mark.unit

FILES = people(8, 2, "faces/", 16)
IMAGES = list(FILES.values())
SAMPLES = {
    f"{n:03d}.{ending}": data for n in range(16) for ending, data in (("png", IMAGES[n]), ("cls", b"%d" % (n // 2)))
}


def recordio(root: Path) -> tuple[str, Path]:
    return "recordio", write_records(root / "x.rec", insightface([(n // 2, image) for n, image in enumerate(IMAGES)]))


def bare_recordio(root: Path) -> tuple[str, Path]:
    kind, path = recordio(root)
    path.with_suffix(".idx").unlink()
    return kind, path


def evaluation(root: Path) -> tuple[str, Path]:
    arrays = [np.frombuffer(image, np.uint8) for image in IMAGES[:2]]
    (root / "x.bin").write_bytes(pickle.dumps(([*arrays, *IMAGES[2:]], [True] * 8), 4))
    return "bin", root / "x.bin"


def arrays(root: Path) -> tuple[str, Path]:
    np.savez(root / "x.npz", x=np.stack([face(n // 2, n, 16) for n in range(16)]), label=np.arange(16) // 2)
    return "npz", root / "x.npz"


def parquet(root: Path) -> tuple[str, Path]:
    pq.write_table(pa.table({"image": IMAGES, "label": [n // 2 for n in range(16)]}), root / "x.parquet")
    return "parquet", root / "x.parquet"


def python_cifar(root: Path, write: str = "python 2") -> tuple[str, Path]:
    write_files(root / "x", object_files.cifar100(object_files.PICKLES[write]))
    return "cifar100", root / "x/cifar-100-python/train"


def binary_cifar(root: Path) -> tuple[str, Path]:
    write_files(root / "x", object_files.cifar100_binary())
    return "cifar100", root / "x/cifar-100-binary/train.bin"


def objects(root: Path) -> tuple[str, Path]:
    return "objects", parquet(root)[1]


BUILT: dict[str, Callable[[Path], tuple[str, Path]]] = {
    "records": recordio,
    "records without index": bare_recordio,
    "bin": evaluation,
    "npz": arrays,
    "parquet": parquet,
    "objects": objects,
    "zip": lambda root: ("zip", write_zip(root / "x.zip", FILES)),
    "tar": lambda root: ("tar", write_tar(root / "x.tar", FILES)),
    "tar.gz": lambda root: ("tar", write_tar(root / "x.tar.gz", FILES)),
    "webdataset": lambda root: ("webdataset", write_tar(root / "x.tar", SAMPLES)),
}
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


@pytest.mark.parametrize("name", BUILT)
@settings(max_examples=60, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutate=damage())
def test_a_damaged_file_is_refused_or_every_photo_is_found(
    tmp_path: Path, name: str, mutate: Callable[[bytes], bytes]
) -> None:
    kind, path = BUILT[name](tmp_path)
    path.write_bytes(mutate(path.read_bytes()))
    found = read_all(kind, path)
    # Names may be damaged, and with them what is a photo by its ending: that is skipped then, and counted.
    assert found is None or sum(found) >= 16


@settings(max_examples=40, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutate=damage())
def test_a_damaged_index_or_list_of_records(tmp_path: Path, mutate: Callable[[bytes], bytes]) -> None:
    kind, path = recordio(tmp_path)
    index = path.with_suffix(".idx")
    index.write_bytes(mutate(index.read_bytes()))
    found = read_all(kind, path)
    assert found is None or sum(found) >= 16
    recordio(tmp_path)
    lines = "".join(f"{n + 1}\t{n // 2}\tfaces/{n}.png\n" for n in range(16)).encode()
    path.with_suffix(".lst").write_bytes(mutate(lines))
    found = read_all(kind, path)
    path.with_suffix(".lst").unlink()
    assert found is None or sum(found) >= 16


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("ijbc", "protocols/ijbc_metadata.csv"),
        ("adience", "fold_0_data.txt"),
        ("fddb", "FDDB-folds/FDDB-fold-01-ellipseList.txt"),
        ("csv", "who.csv"),
        ("gtsrb", "GTSRB/Final_Training/Images/00007/GT-00007.csv"),
        ("gtsrb", "GT-final_test.csv"),
    ],
)
@settings(max_examples=30, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutate=damage())
def test_damaged_tables_of_databases(tmp_path: Path, kind: str, table: str, mutate: Callable[[bytes], bytes]) -> None:
    if kind == "gtsrb":
        files = object_files.gtsrb() | {"GT-final_test.csv": object_files.answers()}
    else:
        files = getattr(databases, "listed" if kind == "csv" else kind)()
    root = tmp_path / "db"
    if not root.exists():
        write_files(root, files)
    (root / table).write_bytes(mutate(files[table].encode()))
    read_all(kind, root / table if kind == "csv" else root)


@pytest.mark.parametrize("write", ["python 2", "python 3, protocol 2", "python 3, protocol 5", "binary"])
@settings(max_examples=40, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutate=damage(), part=st.sampled_from(["before", "after", "whole"]))
def test_a_damaged_batch_of_cifar(tmp_path: Path, write: str, mutate: Callable[[bytes], bytes], part: str) -> None:
    kind, path = binary_cifar(tmp_path) if write == "binary" else python_cifar(tmp_path, write)
    pixels = object_files.planes(0, 30).tobytes()
    if write == "python 3, protocol 2":
        pixels = pixels.decode("latin1").encode()
    before, found_pixels, after = path.read_bytes().partition(pixels)
    if part == "whole" or write == "binary":
        path.write_bytes(mutate(path.read_bytes()))
    else:  # the instructions, which are few beside the pixels
        assert found_pixels
        before, after = (mutate(before), after) if part == "before" else (before, mutate(after))
        path.write_bytes(before + pixels + after)
    found = read_all(kind, path.parent)
    # A binary version that ends after a whole image does not say that more should come; a pickle does.
    assert found is None or found[0] >= (object_files.ROWS if write == "binary" else 36)


@settings(max_examples=150, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutate=damage())
def test_a_damaged_list_of_class_names(tmp_path: Path, mutate: Callable[[bytes], bytes]) -> None:
    _, path = python_cifar(tmp_path)
    names = path.with_name("meta")
    names.write_bytes(mutate(names.read_bytes()))
    assert read_all("cifar100", path.parent) in (None, (36, 0))


@settings(max_examples=200, deadline=2000)
@given(data=st.binary(max_size=200))
def test_any_bytes_as_any_file(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    root = tmp_path_factory.getbasetemp() / "any"
    root.mkdir(exist_ok=True)
    for kind, name in (
        ("recordio", "x.rec"),
        ("bin", "x.bin"),
        ("zip", "x.zip"),
        ("tar", "x.tar"),
        ("tar", "x.tgz"),
        ("npz", "x.npz"),
        ("parquet", "x.parquet"),
    ):
        (root / name).write_bytes(data)
        assert read_all(kind, root / name) is None


@pytest.mark.parametrize("name", ["records", "zip", "webdataset", "tar.gz"])
@settings(max_examples=8, deadline=20_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutate=damage())
def test_read_and_broken_are_found(tmp_path: Path, name: str, mutate: Callable[[bytes], bytes]) -> None:
    kind, path = BUILT[name](tmp_path)
    path.write_bytes(mutate(path.read_bytes()))
    source = open_source(f"{kind}:{path}", "x")
    try:
        listed = len(source.list())
        pack(source, tmp_path / "set", image_size=16, encoder="png", max_broken=0.9, overwrite=True)
    except UserError:
        return
    manifest = Manifest.load(tmp_path / "set")
    assert manifest.photos["found"] == listed == manifest.photos["read"] + manifest.photos["broken"]
    assert manifest.images == manifest.photos["read"]
    lines = tmp_path / "set/broken.jsonl"
    assert manifest.photos["broken"] == (len(lines.read_text().splitlines()) if lines.exists() else 0)


def test_a_sound_file_of_each_kind_gives_all(tmp_path: Path) -> None:
    for name, build in BUILT.items():
        (tmp_path / name).mkdir()
        assert read_all(*build(tmp_path / name)) == (16, 0), name

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
from tests import databases
from tests.archives import people, write_tar, write_zip
from tests.damage import damage, read_all
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
    ],
)
@settings(max_examples=30, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutate=damage())
def test_damaged_tables_of_databases(tmp_path: Path, kind: str, table: str, mutate: Callable[[bytes], bytes]) -> None:
    files = getattr(databases, "listed" if kind == "csv" else kind)()
    root = tmp_path / "db"
    if not root.exists():
        write_files(root, files)
    (root / table).write_bytes(mutate(files[table].encode()))
    read_all(kind, root / table if kind == "csv" else root)


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

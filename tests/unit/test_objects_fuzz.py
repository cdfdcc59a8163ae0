"""Damaged files of CIFAR and GTSRB: a sentence, or every photo found; never a crash, a hang or something executed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import object_files
from tests.damage import damage, read_all
from tests.databases import write_files

pytestmark = pytest.mark.unit


def python_cifar(root: Path, write: str = "python 2") -> tuple[str, Path]:
    write_files(root / "x", object_files.cifar100(object_files.PICKLES[write]))
    return "cifar100", root / "x/cifar-100-python/train"


def binary_cifar(root: Path) -> tuple[str, Path]:
    write_files(root / "x", object_files.cifar100_binary())
    return "cifar100", root / "x/cifar-100-binary/train.bin"


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


@pytest.mark.parametrize("table", ["GTSRB/Final_Training/Images/00007/GT-00007.csv", "GT-final_test.csv"])
@settings(max_examples=30, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutate=damage())
def test_damaged_tables_of_gtsrb(tmp_path: Path, table: str, mutate: Callable[[bytes], bytes]) -> None:
    files = object_files.gtsrb() | {"GT-final_test.csv": object_files.answers()}
    root = tmp_path / "db"
    if not root.exists():
        write_files(root, files)
    (root / table).write_bytes(mutate(str(files[table]).encode()))
    found = read_all("gtsrb", root)
    assert found is None or found[0] >= 36

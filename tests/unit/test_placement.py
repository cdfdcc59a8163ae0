"""Where AAD is kept: never more than half of the free disk, never more than memory, vectors always on disk."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mint_lightning.errors import UserError
from mint_lightning.learning import placement
from mint_lightning.learning.placement import ALREADY, SMALL, Choice, Disk, Need, all_in_memory, choose, store_all

pytestmark = pytest.mark.unit

DISK = Disk(free=10**12, write=1e9, read=1e9)


@st.composite
def some_need(draw: st.DrawFn) -> Need:
    images = draw(st.integers(1, 10**6))
    size = draw(st.sampled_from([1, 2048, SMALL, SMALL + 1, 10**6]))
    seconds = draw(st.floats(1e-6, 1.0)) if size > SMALL else None
    missing = draw(st.one_of(st.just(0), st.just(images), st.integers(0, images)))
    return Need("net", ("original", "tap"), images, missing, size, draw(st.integers(1, 100)), seconds)


needs_lists = st.lists(some_need(), max_size=8).map(
    lambda found: [replace(need, request=("original", f"tap {place}")) for place, need in enumerate(found)]
)
disks = st.builds(
    Disk,
    free=st.one_of(st.just(0), st.integers(0, 10**13)),
    write=st.one_of(st.just(float("inf")), st.floats(1e6, 1e10)),
    read=st.one_of(st.just(float("inf")), st.floats(1e6, 1e10)),
)
memories = st.one_of(st.just(0), st.integers(0, 10**12))


@settings(deadline=None)
@given(needs=needs_lists, disk=disks, memory=memories)
def test_no_more_than_half_of_the_disk_and_than_memory(needs: list[Need], disk: Disk, memory: int) -> None:
    found = choose(needs, disk, memory)
    of = {need.request: need for need in needs}
    assert {request for _, request in found} == of.keys()
    written = sum(of[request].bytes for (_, request), choice in found.items() if choice.place == "store")
    held = sum(choice.bytes for choice in found.values() if choice.place == "memory")
    assert written <= disk.free / 2
    assert held <= memory
    for (_, request), choice in found.items():
        need = of[request]
        assert choice.bytes == need.images * need.image_bytes
        if choice.place == "recompute":
            assert need.missing
            assert choice.bytes > memory - held, "memory has room for it"
        if choice.place == "store" and need.missing and need.image_bytes > SMALL:
            assert placement._gain(need, disk) > 0
        if choice.place != "store" and need.bytes <= disk.free / 2 - written:
            assert need.image_bytes > SMALL, "vectors are stored where there is room"
            assert placement._gain(need, disk) <= 0


@settings(deadline=None)
@given(needs=needs_lists, disk=disks, memory=memories, images=st.integers(1, 10**9))
def test_what_is_stored_already_costs_nothing(needs: list[Need], disk: Disk, memory: int, images: int) -> None:
    there = Need("net", ("original", "there"), images, 0, 10**6, 40)
    found = choose([*needs, there], disk, memory)
    assert found.pop((there.network, there.request)) == Choice("store", images * 10**6, ALREADY)
    assert found == choose(needs, disk, memory)


@settings(deadline=None)
@given(needs=needs_lists, memory=memories)
def test_vectors_are_stored_before_maps(needs: list[Need], memory: int) -> None:
    vectors = [need for need in needs if need.image_bytes <= SMALL and need.missing]
    assume(vectors)
    exactly = Disk(free=2 * sum(need.bytes for need in vectors), write=1e9, read=1e9)
    found = choose(needs, exactly, memory)
    assert all(found[need.network, need.request].place == "store" for need in vectors)


@settings(deadline=None)
@given(needs=needs_lists)
def test_where_nothing_fits_everything_is_computed_anew(needs: list[Need]) -> None:
    found = choose(needs, replace(DISK, free=0), 0)
    assert all(found[need.network, need.request].place == "recompute" for need in needs if need.missing)


@pytest.mark.parametrize(
    ("seconds", "free", "memory", "choice"),
    [
        (1.0, 10**12, 0, Choice("store", 10**9)),
        (1e-6, 10**12, 0, Choice("recompute", 10**9, "quicker than reading it")),
        (1e-6, 10**12, 10**9, Choice("memory", 10**9, "computing is quicker than the disk")),
        (1.0, 10**9, 10**9, Choice("memory", 10**9, "the disk has no room")),
        (1.0, 10**9, 10**9 - 1, Choice("recompute", 10**9, "too much for the disk")),
    ],
)
def test_maps_go_where_they_save_time(seconds: float, free: int, memory: int, choice: Choice) -> None:
    need = Need("net", ("original", "conv1:map"), 1000, 1000, 10**6, 40, seconds)
    assert choose([need], replace(DISK, free=free), memory) == {("net", need.request): choice}


def test_what_saves_most_for_its_bytes_is_stored_first() -> None:
    slow, quick = (
        Need("net", ("original", name), 1000, 1000, 10**6, 40, seconds) for name, seconds in (("a", 1.0), ("b", 0.5))
    )
    for needs in ([slow, quick], [quick, slow]):
        found = choose(needs, replace(DISK, free=2 * 10**9), 0)
        assert [found["net", need.request].place for need in (slow, quick)] == ["store", "recompute"]


def test_a_named_store_and_memory_alone_are_refused_where_they_do_not_fit(tmp_path: Path) -> None:
    need = Need("net", ("original", "conv1:map"), 10**9, 10**9, 10**6, 40)
    with pytest.raises(UserError, match=r"would take 1e\+03 TB.* --store auto"):
        store_all([need], tmp_path / "not/there/yet")
    assert store_all([replace(need, missing=0)], tmp_path)["net", need.request].why == ALREADY
    with pytest.raises(UserError, match="over max_memory_gib = 1: use --store auto"):
        all_in_memory([need], placement.GIB)
    assert not list(tmp_path.iterdir())


def test_the_speed_of_a_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "SAMPLE", 4096)
    disk = placement.measure_disk(tmp_path / "store")
    assert min(disk.free, disk.write, disk.read) > 0
    assert not list((tmp_path / "store").iterdir())
    (tmp_path / "store/file").touch()
    assert placement.free_disk(tmp_path / "store/a/b").free > 0

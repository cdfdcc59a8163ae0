"""The pass over the images: each is read once, and each network gives what is lacking and nothing else."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mint_lightning.learning import gather as gather_module
from mint_lightning.learning.bank import Request, Rows
from mint_lightning.learning.gather import MemorySink, gather

pytestmark = pytest.mark.unit

ROWS = np.array([3, 4, 7, 9, 10, 12])
REQUESTS: list[tuple[str, Request]] = [("a", ("original", "t")), ("a", ("original", "u")), ("b", ("original", "t"))]


class Toy:
    """A network whose AAD is the mean of the image, and which counts what it sees."""

    aad_dtype = "usual"

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: Counter[int] = Counter()

    def __call__(self, images: Tensor, taps: Sequence[str], views: Sequence[str] = ()) -> Any:
        value = images.float().mean((1, 2, 3))[:, None]
        self.seen.update(value[:, 0].int().tolist())
        return {view: {tap: value + (tap == "u") for tap in taps} for view in views}

    def aad_shapes(self, taps: Sequence[str]) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(taps, (1,))


class PartlyThere(MemorySink):
    """A sink that lacks only some images, as an entry of a store that was killed."""

    def __init__(self, lacking: Rows, network: Any) -> None:
        super().__init__(ROWS, (1,), network)
        self.lacking = lacking

    def missing(self, rows: Rows) -> Rows:
        return self.lacking


def loader(read: list[int], broken: set[int]) -> Any:
    def of(rows: Rows) -> Iterator[dict[str, Any]]:
        for part in np.array_split(rows, max(1, len(rows) // 2)):
            read.extend(part.tolist())
            good = np.array([row for row in part if row not in broken], np.int64)
            images = torch.from_numpy(good).to(torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)
            yield {"images": images, "row": torch.from_numpy(good), "broken": [str(r) for r in part if r in broken]}

    return of


@given(
    lacking=st.lists(st.sets(st.sampled_from(ROWS.tolist())), min_size=3, max_size=3),
    broken=st.sets(st.sampled_from(ROWS.tolist()), max_size=2),
)
def test_each_image_is_read_once_whatever_is_there(lacking: list[set[int]], broken: set[int]) -> None:
    networks = {name: Toy(name) for name in ("a", "b")}
    sinks: dict[str, dict[Request, PartlyThere]] = {"a": {}, "b": {}}
    for (name, request), rows in zip(REQUESTS, lacking, strict=True):
        sinks[name][request] = PartlyThere(np.array(sorted(rows), np.int64), networks[name])
    read: list[int] = []
    with pytest.MonkeyPatch.context() as quiet:
        quiet.setattr(gather_module, "progress_bar", Quiet)
        gather(loader(read, broken), networks, sinks, ROWS, device=torch.device("cpu"))
    assert sorted(read) == sorted(set().union(*lacking))
    for name, network in networks.items():
        own = [rows - broken for (of, _), rows in zip(REQUESTS, lacking, strict=True) if of == name]
        assert network.seen == Counter(set().union(*own))
    for (name, request), rows in zip(REQUESTS, lacking, strict=True):
        sink = sinks[name][request]
        assert set(ROWS[sink.filled].tolist()) == rows - broken
        filled = sink.aad[torch.from_numpy(sink.filled)][:, 0]
        assert filled.tolist() == [row + (request[1] == "u") for row in sorted(rows - broken)]


class Quiet:
    """No bar."""

    def __enter__(self) -> "Quiet":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add_task(self, *_: object, **__: object) -> int:
        return 0

    def advance(self, *_: object) -> None:
        pass

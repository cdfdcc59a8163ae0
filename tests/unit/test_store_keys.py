"""What decides AAD decides the entry; and AAD is the same numbers streamed, from memory and from the store."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mint_lightning.audited import AuditedNetwork, Entry, EntryKey, Preprocessing, Rounding
from mint_lightning.errors import UserError
from mint_lightning.learning.bank import Bank
from mint_lightning.learning.gather import MemorySink, StoreSink

pytestmark = pytest.mark.unit


class Net(nn.Module):
    """Maps, pooled to a vector in one way or the other."""

    def __init__(self, pooling: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3)
        self.pooling = pooling

    def forward(self, images: Tensor) -> Tensor:
        return self.pooling(self.conv(images)).flatten(1)


def audited(pooling: nn.Module | None = None, **arguments: Any) -> AuditedNetwork:
    taps = {"maps": "conv", "outcome": ""}
    preprocessing = Preprocessing(size=(8, 8))
    return AuditedNetwork(
        Net(pooling or nn.AdaptiveAvgPool2d(1)), **({"taps": taps, "preprocessing": preprocessing} | arguments)
    )


def key(
    network: AuditedNetwork | None = None, view: str = "original", tap: str = "maps", shards: str = "s", code: str = "c"
) -> EntryKey:
    network = network or audited()
    return EntryKey.of(network, view, tap, shards, code, network.fingerprint())


def other_weights() -> AuditedNetwork:
    network = audited()
    with torch.no_grad():
        network.module.conv.bias[0] += 1
    return network


def test_all_that_decides_aad_names_another_entry() -> None:
    size = (8, 8)
    keys = {
        "it": key(),
        "weights": key(other_weights()),
        "pooling, of which no weights tell": key(audited(nn.AdaptiveMaxPool2d(1))),
        "preprocessing": key(audited(preprocessing=Preprocessing(size=size, channels="BGR"))),
        "size": key(audited(preprocessing=Preprocessing(size=(9, 8)))),
        "precision": key(audited(bf16=True)),
        "layout": key(audited(layout="NHWC")),
        "view": key(view="flip"),
        "tap": key(tap="outcome"),
        "reduction": key(tap="maps:map"),
        "spread": key(tap="maps:mean_std"),
        "type": key(audited(aad_dtype="bfloat16")),
        "shard set": key(shards="t"),
        "program": key(code="d"),
    }
    assert len({each.hash for each in keys.values()}) == len(keys)


def test_what_decides_nothing_names_the_same_entry() -> None:
    again = audited(name="another", taps={"first": "conv", "outcome": ""}, channels_last=False)
    assert key(again, tap="first") == key() == key(tap="conv")
    assert key(audited(aad_dtype="float32")) == key(), "what is usual for vectors"
    assert key(audited(aad_dtype="float16"), tap="maps:map") == key(tap="maps:map"), "what is usual for maps"


class Given(nn.Module):
    """Gives these values, one for each image in turn, whatever the image shows."""

    def __init__(self) -> None:
        super().__init__()
        self.values = torch.zeros(1)
        self.tap = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return self.tap(self.values[torch.arange(len(images)) % len(self.values)])


NETWORKS: dict[Rounding, AuditedNetwork] = {
    rounding: AuditedNetwork(Given(), taps={"tap": "tap"}, preprocessing=Preprocessing(size=(4, 4)), aad_dtype=rounding)
    for rounding in ("usual", "float32", "float16", "bfloat16")
}
AROUND_LIMITS = [0.0, -0.0, 65504.0, 65519.0, 65520.0, 1e5, -7e4, 3.4e38, 6e-8, 2.9e-8, 1e-41, -1e-45, 1 / 3, 2049.0]


@pytest.mark.parametrize("rounding", NETWORKS)
@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(
        st.one_of(st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(AROUND_LIMITS)),
        min_size=24,
        max_size=24,
    ),
    request=st.sampled_from(["tap", "tap:mean_std", "tap:map", "vector"]),
)
def test_streamed_in_memory_and_stored_are_the_same_numbers(
    rounding: Rounding, values: list[float], request: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    network, rows = NETWORKS[rounding], np.array([2, 3, 5])
    shape = (3, 8) if request == "vector" else (3, 2, 2, 2)
    network.module.values = torch.tensor(values, dtype=torch.float32).reshape(shape)
    tap = request.replace("vector", "tap")
    try:
        streamed = network(torch.zeros(3, 3, 4, 4, dtype=torch.uint8), [tap])["original"][tap]
    except UserError:  # their spread, or what rounding makes of the largest, is beyond float32: that is refused
        assert max(map(abs, values)) > 1e18
        assume(False)
    assert streamed.dtype == torch.float32
    name = "original", tap
    memory = MemorySink(rows, streamed.shape[1:], network)
    memory.add(rows, streamed)
    entry_key = EntryKey.of(network, "original", tap, "s", "c", "n")
    sink = StoreSink(Entry(tmp_path_factory.mktemp("aad"), entry_key))
    sink.add(rows[1:], streamed[1:])
    sink.add(rows[:1], streamed[:1])
    sink.flush()
    sink.entry.refresh()
    bank = Bank(rows, {"memory": {name: memory.aad}, "store": {name: sink.entry}})
    for kept in ("memory", "store"):
        taken = bank.take(kept, name, np.array([0, 1, 2]))
        assert taken.dtype == torch.float32
        torch.testing.assert_close(taken, streamed, atol=0, rtol=0, equal_nan=True)
    if "float16" in entry_key.dtype and rounding != "bfloat16" and tap != "tap:mean_std":
        assert torch.isfinite(streamed).all(), "float16 ends at its largest value"


def test_the_type_is_part_of_what_a_network_is_asked_for() -> None:
    network = audited(aad_dtype="float16")
    assert key(network).dtype == "float16"
    assert replace(key(network), dtype="float32") == key()

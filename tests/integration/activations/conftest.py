"""A shard set and the store that a table wrote of it."""

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from mint_lightning.audited import AuditedNetwork
from tests.membership_set import partitioned_set
from tests.small_activations import write_store


@pytest.fixture(scope="package")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return partitioned_set(tmp_path_factory.mktemp("set") / "shards", identities=240)


@pytest.fixture(scope="package")
def store(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(shards, tmp_path_factory.mktemp("activations") / "store")


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the batches that networks are run on."""
    seen: list[int] = []
    forward = AuditedNetwork.forward

    def counted(self: AuditedNetwork, pictures: Tensor, *arguments: Any) -> Any:
        seen.append(len(pictures))
        return forward(self, pictures, *arguments)

    monkeypatch.setattr(AuditedNetwork, "forward", counted)
    return seen

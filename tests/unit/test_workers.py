"""Workers beside what else a process does."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mint_lightning.shards import EvalLoader
from mint_lightning.shards.batch import Batch, decode_batch
from tests.shard_sets import open_set, pack_noise

pytestmark = pytest.mark.unit

USES_OPENCV_FIRST = """
import sys
from pathlib import Path
import cv2, numpy as np
from mint_lightning.shards import EvalLoader, KeyList, Manifest
cv2.setNumThreads(2)
cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 3)
root = Path(sys.argv[1])
keys = KeyList.load(root, Manifest.load(root))
print(sum(len(batch["row"]) for batch in EvalLoader(root, keys, np.arange(40), batch_size=16, workers=1)))
print(cv2.getNumThreads())
"""


def test_a_process_that_used_the_threads_of_opencv_can_load(tmp_path: Path) -> None:
    """In a process of its own: a worker that waits for threads which a fork does not copy would wait for ever."""
    root = pack_noise(tmp_path / "noise", people=40)
    command = [sys.executable, "-c", USES_OPENCV_FIRST, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["40", "2"], "all rows, and the threads of OpenCV as they were"


@pytest.mark.parametrize("workers", [0, 1])
def test_workers_decode_into_the_memory_that_they_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    def telling(*arguments: Any) -> Batch:
        # Here, for whatever a worker sends is shared once it has arrived.
        batch = decode_batch(*arguments)
        return {**batch, "broken": [str(batch["images"].is_shared())]}

    monkeypatch.setattr("mint_lightning.shards.stream.decode_batch", telling)
    root = pack_noise(tmp_path / "noise", people=40)
    keys = open_set(root)[1]
    loader = EvalLoader(root, keys, np.arange(40), batch_size=16, workers=workers, multiprocessing_context="fork")
    batches = list(loader)
    loader.close()
    assert {told for batch in batches for told in batch["broken"]} == {str(workers > 0)}
    assert [len(batch["row"]) for batch in batches] == [16, 16, 8]

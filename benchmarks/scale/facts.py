"""How large a shard set is, on disk and in memory: what docs/scale.md reckons with."""

import gc
import tracemalloc
from typing import Any

from benchmarks.scale.sets import PHOTOS, faces, noise_set
from mint_lightning.shards import KeyList, Manifest


def facts(identities: int, rows: int) -> dict[str, Any]:
    """Bytes of the tars for each drawn face (112x112, JPEG 95), and of a key list of so many rows for each row."""
    root = faces(identities, PHOTOS, 112)
    manifest = Manifest.load(root)
    tars = sum(path.stat().st_size for path in root.rglob("*.tar"))
    listed = noise_set(rows)
    listing = Manifest.load(listed)
    KeyList.load(listed, listing)  # what is imported on the way is not counted
    gc.collect()
    tracemalloc.start()
    keys = KeyList.load(listed, listing)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {
        "faces": manifest.images,
        "tar_bytes": tars / manifest.images,
        "rows": len(keys),
        "key_bytes": held / len(keys),
        "key_disk_bytes": (listed / "keys.parquet").stat().st_size / len(keys),
    }

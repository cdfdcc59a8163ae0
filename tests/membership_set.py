"""A small shard set with two halves and held-out photos."""

from pathlib import Path

from mint_lightning.shards import HoldOut, open_source, pack


def partitioned_set(root: Path, *, identities: int = 120, image_size: int = 32) -> Path:
    """Synthetic people in halves A and B, one photo of each held out, packed small so that tests are quick."""
    pack(
        open_source(f"synthetic:identities={identities},photos=3,difficulty=hard,seed=1"),
        root,
        image_size=image_size,
        partitions={"A": 0.5, "B": 0.5},
        hold_out=HoldOut(1, 3, ("A", "B")),
    )
    return root

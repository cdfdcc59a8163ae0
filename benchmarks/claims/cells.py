"""All pairs of groups of one seed; every network of the pool in turn as M, the others as its references."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.claims.databases import Groups
from mint_lightning.audited import NetworkSource
from mint_lightning.evidence import PixelScores, RowScores, ScoreSet, weigh

ARGUMENTS = {"stem_stride": 4}


def pool(size: int, people: int, epochs: int) -> list[str]:
    """Weights of `size` networks trained on one database of `people`, their seeds apart; what stands is kept."""
    from mint_lightning.learning.recognition import train_audited
    from mint_lightning.shards import pack
    from mint_lightning.shards.synthetic import SyntheticSource

    shards = Path("shards/third")
    pack(SyntheticSource(people, 4, "hard", 99, "third"), shards, workers=2, reuse=True, overwrite=True)
    found = []
    for seed in range(size):
        out = Path(f"networks/{seed}")
        train_audited(
            shards, out=out, partitions=["all"], arguments=ARGUMENTS, epochs=epochs, seed=seed, name=f"M{seed}",
            overwrite=True,
        )  # fmt: skip
        found.append(str(next(out.glob("*.safetensors")).absolute()))
    return found


def cells(changes: list[str], seed: int, networks: list[str], identities: int, epochs: int) -> dict[str, Any]:
    """By change, for each network as M: whether a claim would be made, with references and without; what was found."""
    return {"turns": {change: _cell(change, seed, networks, identities, epochs) for change in changes}}


def _cell(change: str, seed: int, networks: list[str], identities: int, epochs: int) -> list[dict[str, Any]]:
    from datamodules import Faces
    from mint_lightning.learning import RowSpec, run_table
    from mint_lightning.learning.recipe import Recipe
    from mint_lightning.learning.settings import TableSettings
    from mint_lightning.shards import pack

    shards = Path("shards/cell")
    pack(Groups(change, seed, identities), shards, by_database=True, overwrite=True)
    sources = [
        NetworkSource(architecture="iresnet_small", arguments=ARGUMENTS, weights=file, name=f"M{number}")
        for number, file in enumerate(networks)
    ]
    data = Faces(str(shards), sources[0], members=["d"], externals=["e"], batch_size=64, workers=0, seed=seed)
    rows = [RowSpec("vanilla", ["conv4"]), RowSpec("vanilla", ["outcome"]), RowSpec("norm"), RowSpec("agreement")]
    settings = TableSettings(
        recipe=Recipe(epochs=epochs, patience=4),
        twins=2,
        references={f"M{number}": source for number, source in enumerate(sources) if number},
        seed=seed,
        seeds=1,
        accelerator="cpu",
    )
    run = run_table(data, rows, settings)
    shutil.rmtree(shards)
    return [turn(run.rows, run.pixels, number) for number in range(len(networks))]


def turn(rows: list[RowScores], pixels: list[PixelScores], number: int) -> dict[str, Any]:
    """The evidence with network `number` as M."""
    asked = [_as_audited(row, number) for row in rows]
    with_references = weigh(asked, pixels, random_partition=False)
    without = weigh([replace(row, references=()) for row in asked], pixels, random_partition=False)
    return {
        "claims": with_references.claim.may_claim,
        "claims_without": without.claim.may_claim,
        "finds": [row.name for row in with_references.rows if row.finds],
        "passes": [row.name for row in with_references.rows if row.reference_test and row.reference_test.passes],
        "auc": {row.name: row.auc.value for row in with_references.rows},
    }


def _as_audited(row: RowScores, number: int) -> RowScores:
    """The row with one of its references in the place of the audited network, which takes its place."""
    every: list[ScoreSet] = [row.audited, *row.references]
    others = tuple(scores for place, scores in enumerate(every) if place != number)
    found = [head.validate_auc for head in row.heads if head.role in ("audited", "reference")]
    known = row.validate_auc if not found else found[number]
    return replace(row, audited=every[number], references=others, heads=(), validate_auc=known)

"""A finished table with all that may stand beside its rows, its scores on disk, made without a network."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mint_lightning.bundle.rescored import PIXELS
from mint_lightning.evidence import HeadScores, LeftOutScores, PixelScores, RowScores, TableEvidence, weigh
from mint_lightning.files import write_json
from mint_lightning.report.scores import ATTRIBUTES, HEADS, SCORES, write_columns, write_heads, write_scores
from tests.evidence_fixture import context, row_scores, score_set

CAMERA = "camera, 1"


def with_everything() -> tuple[list[RowScores], list[PixelScores], dict[str, dict[str, str]]]:
    """Rows with heads of several seeds, references, a complement and all that may stand beside them."""
    rng = np.random.default_rng(5)
    rows = []
    for number, row in enumerate(row_scores(references=2, people=60)):
        seeds = range(2 if row.head != "score" else 0)
        heads = [
            HeadScores(
                role, scores.network, seed, scores.score + rng.normal(size=len(scores)), 0.5 + 0.01 * seed, (0.4,)
            )
            for role, scores in (("audited", row.audited), ("twin", row.twins[0]))
            for seed in seeds
        ]
        beside = {"permuted": row.twins[1], "left_out": (LeftOutScores("demo", row.audited),)} if number == 1 else {}
        rows.append(replace(row, heads=tuple(heads), complement=row.twins[2], **beside))
    pixels = []
    for number, name in enumerate(("Vanilla pixels", "Vanilla statistics")):
        scores = score_set(70 + number, people=60, network="pixels")
        heads = (HeadScores("pixels", name, 0, scores.score, 0.5 + 0.1 * number, (0.5,)),)
        pixels.append(PixelScores(name, 0.5 + 0.1 * number, scores, heads))
    keys = rows[0].audited.key.tolist()
    return rows, pixels, {CAMERA: {key: f'lens "{int(key[-1]) % 3}"' for key in keys}}


def written(folder: Path) -> TableEvidence:
    rows, pixels, attributes = with_everything()
    beside = [
        RowScores(PIXELS + each.name, "vanilla", each.name, 0, 0, each.scores, heads=each.heads) for each in pixels
    ]
    write_scores(folder / SCORES, [*rows, *beside])
    write_heads(folder / HEADS, [*rows, *beside])
    write_columns(folder / ATTRIBUTES, attributes, rows[0].audited.key.tolist())
    return weigh(rows, pixels, random_partition=True, attributes=attributes)


def scored_table(folder: Path) -> TableEvidence:
    """The folder of a table as `table` leaves it, but for auditors and pages."""
    evidence = written(folder)
    content = {"schema_version": 1, "request": {"seed": 0, "seeds": 2}, "context": context().to_json()}
    write_json(folder / "table.json", {**content, "evidence": evidence.to_json()})
    return evidence

"""The folder of a finished table, with auditors of a small network, made without training anything."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mint_lightning.audited import AuditedNetwork, NetworkSource
from mint_lightning.auditor import AuditorCard, save_auditor
from mint_lightning.auditor.novelty import NoveltyCheck, joined, pixel_features
from mint_lightning.evidence import TableEvidence
from mint_lightning.evidence.novelty import Novelty
from mint_lightning.heads import VanillaHead
from mint_lightning.report.scores import write_scores
from tests.evidence_fixture import row_scores, table_evidence
from tests.network_card import small_network
from tests.tracked_table import cells_evidence

ROWS = (("Vanilla conv1", "vanilla", "conv1", 0.3), ("Vanilla conv4", "vanilla", "conv4", 1.9))


def finished_table(folder: Path, *, name: str = "A") -> tuple[TableEvidence, AuditedNetwork]:
    """Write auditors and scores to `folder`; the evidence, whose best row is Vanilla conv4, and the audited network."""
    (folder / "network").mkdir(parents=True)
    network = NetworkSource(card=str(small_network(folder / "network")), name=name).load()
    heads = cells_evidence(rows=1).rows[0].heads
    evidence = table_evidence(rows=ROWS)
    evidence = replace(evidence, rows=tuple(replace(row, heads=heads) for row in evidence.rows))
    scores = row_scores(rows=ROWS)
    write_scores(folder / "scores.parquet", scores)
    for row, score in zip(evidence.rows, scores, strict=True):
        (shape,) = network.aad_shapes([row.tap]).values()
        head = VanillaHead([tuple(shape)], l1=0.0)
        head.fit_standardisation([torch.randn(30, *shape)])
        card = _card(network, row.name, row.tap, [list(shape)])
        place = folder / "auditors" / row.name.lower().replace(" ", "_")
        save_auditor(place, replace(card, evidence=row), head.eval(), score.audited, _noise_is_known(network))
    return evidence, network


def _noise_is_known(network: AuditedNetwork) -> NoveltyCheck:
    """A check that knows noise of 32 x 32 pixels."""
    images = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (400, 3, 32, 32), dtype=np.uint8))
    features = joined(pixel_features(images), network(images, ["outcome"])["original"]["outcome"])
    return NoveltyCheck(Novelty.fit(features[:200], features[200:], np.arange(200)))


def _card(network: AuditedNetwork, name: str, tap: str, shapes: list[list[int]]) -> AuditorCard:
    return AuditorCard(
        name=name,
        kind="vanilla",
        arguments={"l1": 0.0},
        shapes=shapes,
        taps=[tap],
        views=["original"],
        embedding="outcome",
        network={"name": network.name, "fingerprint": network.fingerprint(), "card": network.card.to_dict()},
        pixels={"image_size": 32, "alignment": "drawn", "border": "none", "encoder": "png"},
        membership={"how": "test", "random_partition": True, "shards": "x", "partition_hash": "y"},
        evidence=None,
        limits=["One."],
    )

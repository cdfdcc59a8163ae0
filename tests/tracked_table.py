"""A table of any size with every head alone, figures drawn by rule: what the tracking store is filled with in tests."""

from dataclasses import replace

from mint_lightning.evidence import TableEvidence
from mint_lightning.evidence.types import HeadFigures, RowEvidence
from tests.evidence_fixture import grid_evidence

NETWORKS = (
    ("audited", "demo"),
    ("twin", "twin 0"),
    ("twin", "twin 1"),
    ("twin", "twin 2"),
    ("reference", "reference"),
    ("complement", "complement"),
)
PLACES = ("conv1", "conv2", "conv3", "conv4")


def cells_evidence(*, rows: int = 8, networks: int = 3, seeds: int = 2, epochs: int = 5) -> TableEvidence:
    """`rows` rows whose heads are seeds x networks cells each, and one pixel head for each seed.

    The audited network's AUC rises with the depth of the tap; every control stays at about one half.
    """
    sizes = tuple(1000 * (1 + number) for number in range(-(-rows // (2 * len(PLACES)))))
    table = grid_evidence(places=PLACES, sizes=sizes, scores=False)
    kept = tuple(_with_heads(row, networks, seeds, epochs) for row in table.rows[:rows])
    pixels = tuple(replace(head, role="pixels", network="Vanilla pixels") for head in kept[0].heads[:seeds])
    return replace(table, rows=kept, pixel_heads=pixels)


def _with_heads(row: RowEvidence, networks: int, seeds: int, epochs: int) -> RowEvidence:
    heads = []
    for number, (role, network) in enumerate(NETWORKS[:networks]):
        for seed in range(seeds):
            value = round((row.auc.value if role == "audited" else 0.5 + 0.002 * number) + 0.003 * seed, 4)
            auc = replace(row.auc, value=value, low=value - 0.03, high=value + 0.03)
            curve = tuple(0.5 + (value - 0.5) * (1 + epoch) / epochs for epoch in range(epochs))
            rate = row.operating[1].tpr
            heads.append(HeadFigures(role, network, seed, value, auc, row.accuracy, rate, curve))
    return replace(row, heads=tuple(heads))

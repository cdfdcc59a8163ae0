"""The accuracies that the MINT papers print, to stand beside ours where the setting is theirs."""

from collections.abc import Mapping
from dataclasses import dataclass

from mint_lightning.errors import UserError
from mint_lightning.evidence import RowEvidence

DEMO = "MINT-Demo, arXiv 2503.08332, accuracy by layer and number of samples"
FACES = "Is my Data in your AI Model?, arXiv 2402.09225, accuracy by layer at 100K samples"
NOTE = (
    "Theirs is accuracy between databases, without controls: part of it may be the naming of a database. "
    "It stands beside ours of the same head, place and number of samples alone."
)
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Published:
    """One network of a paper. source: arXiv id and table; accuracy: by head, place and number of samples."""

    name: str
    network: str
    source: str
    accuracy: Mapping[Key, float]

    def of(self, row: RowEvidence) -> float | None:
        """Their accuracy in the setting of a row; None where they print none for that very number of samples."""
        return self.accuracy.get((row.head, row.tap, row.samples))

    @property
    def note(self) -> str:
        """Whose figures these are, and what they are not."""
        return f"Paper: {self.network} ({self.source}). {NOTE}"


def published_figures(name: str | None) -> Published | None:
    """The figures of that name, None for None; `UserError` lists the known."""
    if name is None or name in KNOWN:
        return KNOWN[name] if name else None
    raise UserError(f"There are no published figures {name!r}; known are {', '.join(KNOWN)}.")


def _by_size(table: Mapping[str, str]) -> dict[Key, float]:
    """Figures of a line: Vanilla at 1K, 50K, 100K, then CNN."""
    heads = [(head, size) for head in ("vanilla", "cnn") for size in (1_000, 50_000, 100_000)]
    return {
        (head, place, size): float(value)
        for place, line in table.items()
        for (head, size), value in zip(heads, line.split(), strict=False)
    }


def _of_model(column: int) -> dict[Key, float]:
    """Figures of a line: Vanilla of models 1, 2, 3, then CNN."""
    found = {}
    for place, line in MODELS.items():
        values = line.split()
        for start, head in ((0, "vanilla"), (3, "cnn")):
            if len(values) > start:
                found[head, place, 100_000] = float(values[start + column])
    return found


# What A calls embedding is our outcome, and its combination of all layers our "all conv".
MODELS = {
    "conv1": ".77 .80 .78 .86 .89 .90",
    "conv2": ".74 .68 .68 .85 .86 .86",
    "conv3": ".68 .59 .62 .83 .75 .76",
    "conv4": ".69 .76 .75 .73 .74 .73",
    "outcome": ".75 .78 .76",
    "all conv": ".84 .84 .81 .88 .90 .90",
}
R100 = {
    "conv1": ".62 .80 .80 .88 .89 .89",
    "conv2": ".56 .67 .68 .85 .86 .86",
    "conv3": ".56 .58 .59 .68 .71 .75",
    "conv4": ".73 .76 .76 .68 .70 .74",
    "outcome": ".67 .78 .78",
    "all conv": ".76 .82 .84",
}
KNOWN = {
    each.name: each
    for each in (
        Published("mint-demo-r100", "ResNet-100, CosFace, Glint360K", DEMO, _by_size(R100)),
        *(
            Published(f"faces-model-{number}", f"face recognition model {number}", FACES, _of_model(number - 1))
            for number in (1, 2, 3)
        ),
    )
}

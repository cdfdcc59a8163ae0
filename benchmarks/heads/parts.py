"""What the benchmark on heads runs: two pairs of networks, and their tables, each a command of the front door."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.door import Door
from benchmarks.lfw.parts import CARDS, PACK, TRAIN
from benchmarks.objects.parts import card

DOOR = Door(Path("mlruns/benchmarks/heads"))
TABLES, NETWORKS = Path("mlruns/tables"), Path("mlruns/networks")
CONF = Path(__file__).parents[2] / "conf"
SEED = 1
"""Of the fresh pair's halves and of its networks' weights; the development pair has 0."""

FRESH_SHARDS = Path("shards/lfw_fresh")
FRESH_CARDS = {name: NETWORKS / f"lfw_{name}/card.json" for name in "CD"}
FRESH_PACK = PACK.replace("--out shards/lfw ", f"--out shards/lfw_fresh --seed {SEED} ")
FRESH_TRAIN = TRAIN.replace("--shards shards/lfw ", "--shards shards/lfw_fresh ") + f" --seed {SEED}"


@dataclass(frozen=True)
class Table:
    """A table of the benchmark: its name, the network in words, and its command."""

    name: str
    network: str
    command: str

    @property
    def folder(self) -> Path:
        """Where it stands."""
        return TABLES / self.name

    @property
    def result(self) -> Path:
        """What it writes last."""
        return self.folder / "table.json"


def _both(config: str, name: str, cards: dict[str, Path]) -> list[Table]:
    """Each network of a pair by itself."""
    return [
        Table(f"{name}_{network}", network, f"table --config conf/{config}.yaml --name {name}_{network} "
              f"--data.network.card {card}")
        for network, card in cards.items()
    ]  # fmt: skip


def tried() -> list[Table]:
    """What is tried on the development pair."""
    return _both("lfw_heads", "heads", CARDS)


def carried() -> list[Table]:
    """Heads of the four splits, each pair's, to be carried to the other network of their pair."""
    on_fresh = [
        Table(table.name, table.network, f"{table.command} --data.shards {FRESH_SHARDS}")
        for table in _both("lfw_transfer", "transfer", FRESH_CARDS)
    ]
    return [*_both("lfw_transfer", "transfer", CARDS), *on_fresh]


def fresh() -> list[Table]:
    """What is measured on the fresh pair."""
    return _both("lfw_fresh", "fresh", FRESH_CARDS)


def classifiers() -> list[Table]:
    """The over-trained network of `make bench-objects`, where that stands."""
    command = "table --config conf/objects_invariant.yaml"
    return [Table("objects_invariant", "CIFAR-10", command)] if card("cifar10").is_file() else []


def fresh_networks() -> None:
    """LFW in halves drawn anew, network C trained on the one and D on the other; what stands is kept."""
    DOOR.run(FRESH_PACK, FRESH_SHARDS / "manifest.json")
    trainings = [FRESH_TRAIN.format(name=name, half=half) for name, half in (("C", "H1"), ("D", "H2"))]
    DOOR.run_together(list(zip(trainings, FRESH_CARDS.values(), strict=True)), "the fresh networks")

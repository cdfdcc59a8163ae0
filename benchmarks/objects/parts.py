"""What the benchmark on objects runs: shard sets, networks, tables, each a command of the front door."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.door import DATA, Door

DOOR = Door(Path("mlruns/benchmarks/objects"))
NETWORKS, TABLES = Path("mlruns/networks"), Path("mlruns/tables")
HALVES = 4
NEEDED = (
    DATA / "cifar10/cifar10_jpeg75_full.npz",
    DATA / "cifar10/cifar10_lossless_subset.npz",
    DATA / "gtsrb/gtsrb32_webp_lossless.npz",
    DATA / "models/akamaster_resnet20-12fca82f.th",
)
_PACK = "pack --source npz:$MINT_DATA/{file} --name {name} --image_size 32 --encoder png --out {out} --overwrite true "
_TRAIN = "train-audited --task classification --shards {shards} --architecture six_conv --overwrite true "


@dataclass(frozen=True)
class Table:
    """A table of the benchmark: what it audits in words, and its command."""

    name: str
    what: str
    config: str
    options: str = ""

    @property
    def command(self) -> str:
        """Of the front door."""
        return f"table --config conf/{self.config}.yaml --name {self.name} {self.options}".strip()

    @property
    def result(self) -> Path:
        """What it writes last."""
        return TABLES / self.name / "table.json"


def packs() -> list[tuple[str, Path]]:
    """(command, result) of the shard sets."""
    made = [
        (
            ("cifar10/cifar10_jpeg75_full.npz", "cifar10", "shards/cifar10"),
            """--partitions '{"members": 0.16, "externals": 0.16, "rest": 0.68}' --by_database '[cifar10_test]'""",
        ),
        (("cifar10/cifar10_lossless_subset.npz", "cifar10", "shards/cifar10_whole"), "--by_database true"),
        (
            ("gtsrb/gtsrb32_webp_lossless.npz", "gtsrb", "shards/gtsrb"),
            """--partitions '{"members": 0.5, "externals": 0.5}' --by_database '[gtsrb_test]' --copies leave_out""",
        ),
    ]
    return [
        (f"{_PACK.format(file=file, name=name, out=out)}{how} --reuse true", Path(out) / "manifest.json")
        for (file, name, out), how in made
    ]


def trainings(epochs: dict[str, int], early: dict[str, int], halves: int) -> list[tuple[str, Path]]:
    """(command, result) of the networks: by database epochs of the audited one and of its early checkpoint, and epochs
    of the networks trained on halves."""
    audited, halved = [], []
    for name in ("cifar10", "gtsrb"):
        train = _TRAIN.format(shards=f"shards/{name}")
        own = f"{train}--partitions '[members]' --epochs {epochs[name]} --checkpoints '[{early[name]}]'"
        audited.append((f"{own} --validated true --out {NETWORKS / name}", card(name)))
        half_of = f"{train}--partitions '[members, externals]' --epochs {halves} --halves {HALVES}"
        for half in range(HALVES):
            out = f"{name}_half{half}"
            halved.append((f"{half_of} --half {half} --seed {1 + half} --out {NETWORKS / out}", card(out)))
    return audited + halved  # the longest first


def card(network: str) -> Path:
    """Of a network by the name of its folder."""
    return NETWORKS / network / "card.json"


def tables(early: dict[str, int]) -> list[Table]:
    """All tables, the quick ones first."""

    def other(network: str) -> str:
        return f"--data.network.card {card(network)}"

    weights = "--data.network.weights $MINT_DATA/models/akamaster_resnet20-12fca82f.th"
    return [
        Table("objects_resnet20", "ResNet-20 trained by others on CIFAR-10's 50,000 images", "objects_resnet20",
              weights),
        Table("objects_early", "CIFAR-10, the paper's network, early", "objects_early",
              other(f"cifar10_epoch{early['cifar10']}")),
        Table("objects_validated", "CIFAR-10, the paper's network, stopped by validation", "objects_validated"),
        Table("objects_gtsrb_early", "GTSRB, the paper's network, early", "objects_gtsrb_early",
              other(f"gtsrb_epoch{early['gtsrb']}")),
        Table("objects_gtsrb_test", "GTSRB, over-trained, against the official test images too", "objects_gtsrb_test"),
        Table("objects_cifar10_test", "CIFAR-10, over-trained, against the official test images too",
              "objects_cifar10_test"),
        Table("objects_by_class", "CIFAR-10, over-trained: heads by class", "objects_by_class"),
        Table("objects_samples", "CIFAR-10, over-trained: sample size", "objects_samples"),
        Table("objects_gtsrb", "GTSRB, the paper's network, over-trained", "objects_gtsrb"),
        Table("objects_cifar10", "CIFAR-10, the paper's network, over-trained", "objects_cifar10"),
    ]  # fmt: skip

"""mint-lightning train-audited"""

from pathlib import Path
from typing import Any, Literal

from mint_lightning.commands.parsing import run_function
from mint_lightning.files import refuse_unwritable

EXAMPLES = """  mint-lightning train-audited --shards shards/demo --partitions '[members]' --out mlruns/networks/mine
  mint-lightning train-audited --shards shards/lfw --partitions '[H1]' --out mlruns/networks/lfw_A \\
      --arguments '{"stem_stride": 2}' --epochs 20 --pairs lfw
  mint-lightning train-audited --shards shards/demo --complement true --out mlruns/networks/demo_complement"""


def train_audited(
    shards: str,
    out: str,
    partitions: list[str] | None = None,
    architecture: str = "iresnet_small",
    arguments: dict[str, Any] | None = None,
    loss: Literal["cosface", "arcface"] = "cosface",
    scale: float = 32.0,
    margin: float = 0.2,
    epochs: int = 20,
    batch_size: int = 128,
    rate: float = 0.1,
    flip: bool = True,
    seed: int = 0,
    workers: int = 0,
    bf16: bool | Literal["auto"] = "auto",
    complement: bool = False,
    name: str | None = None,
    pairs: str = "held-out",
    overwrite: bool = False,
    accelerator: str = "auto",
    save_minutes: float = 5.0,
) -> None:
    """Train a face network on recorded members, to be audited: weights, a list of every photo it saw, and a card.

    Args:
        shards: folder of a shard set.
        out: folder for network.safetensors, members.parquet and card.json.
        partitions: partitions to train on; "members" by default.
        architecture: iresnet_small, iresnet18 to iresnet200, timm:NAME or package.module:function.
        arguments: arguments of the architecture, for example {"widths": [24, 48, 96, 192]}.
        loss: cosface or arcface.
        scale: radius of the sphere, the papers' s.
        margin: the papers' m.
        epochs: times that the members are gone through.
        batch_size: images of a step, a multiple of the shard set's lanes.
        rate: highest rate of the one-cycle schedule.
        flip: mirror half of the images.
        seed: of weights, order and mirroring.
        workers: processes that decode images; 0 decodes in this one.
        bf16: bfloat16 autocast; auto times a step with it and without and takes the faster.
        complement: train on the other side, every partition but "members" and photos held out.
        name: what people call the network; the folder's name by default.
        pairs: where verification is measured: held-out (people of the shard set), lfw (the official pairs, from the
            folder lfw under MINT_DATA) or none.
        overwrite: replace another network that stands in `out`.
        accelerator: auto, cpu or gpu.
        save_minutes: between checkpoints of the training under way; the same command goes on from the last one after a
            kill, to the same bits.
    """
    asked = dict(locals())
    refuse_unwritable(Path(out))
    from mint_lightning.learning.recognition import train_audited as train

    card = train(asked.pop("shards"), **asked)
    print(f"Network and list of members: {card}")


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    run_function(train_audited, command, args, EXAMPLES)

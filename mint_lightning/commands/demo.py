"""mint-lightning demo"""

import shutil
import sys
from pathlib import Path

from mint_lightning.commands.parsing import run_function, say

EXAMPLES = """  mint-lightning demo
  mint-lightning demo --full                  CNN heads at every conv tap too
  mint-lightning demo --null                  labels drawn among photos the network never saw: nothing may be found
  mint-lightning demo --complement            also train the network of the other side, beside the controls"""

# Chosen by how strong a trace a prototype left in the embedding (docs/synthetic.md), not by what a table finds.
IDENTITIES, PHOTOS, DIFFICULTY = 2100, 5, "hard"
PARTITIONS = {"members": 0.32, "externals": 0.68}
NETWORK = {"stem_stride": 4}
EPOCHS = 24

NEXT = """
Try next:
  {ui}
      the runs in the MLflow UI
  {python} -m mint_lightning fit --config faces_vanilla
      one head, with its curves
  {python} -m mint_lightning audit --auditor mlruns/tables/{table} --group-by identity --alpha 0.05 {shards}
      what its auditor says of each person
  {python} -m mint_lightning demo --null
      the same job where there is nothing to find"""


def demo(
    full: bool = False,
    null: bool = False,
    complement: bool = False,
    null_seed: int | None = None,
    seed: int = 0,
    identities: int = IDENTITIES,
    epochs: int = EPOCHS,
    name: str = "demo",
) -> None:
    """The whole job on synthetic faces with planted members: pack, train a network, audit it, report.

    A second run reuses what is there.

    Args:
        full: CNN heads at every conv tap, not at conv4 alone.
        null: draw the membership labels by identity among photos that the network never saw.
        null_seed: of those labels and of the heads that learn them; the same as seed by default.
        complement: train the network of the other side too, and show it beside the controls.
        seed: of everything: the faces, the partition, the network, the heads.
        identities: synthetic people to draw; fewer is faster and finds less.
        epochs: of the network's training.
        name: of the shard set, the network and the tables.
    """
    from mint_lightning.commands.pack import pack
    from mint_lightning.commands.table import table
    from mint_lightning.commands.train_audited import train_audited

    shards, network = f"shards/{name}", f"mlruns/networks/{name}"
    say(f"[1/3] Synthetic faces of {identities} people -> {shards}")
    source = f"synthetic:identities={identities},photos={PHOTOS},difficulty={DIFFICULTY},seed={seed}"
    pack(source=source, out=shards, name="synthetic", partitions=PARTITIONS, seed=seed, overwrite=True, reuse=True)

    def train(out: str, partitions: list[str], *, complement: bool = False) -> None:
        train_audited(
            shards, out, partitions, arguments=NETWORK, epochs=epochs, seed=seed, name=Path(out).name,
            complement=complement, overwrite=True,
        )  # fmt: skip

    say(f"[2/3] A face network that learns the members -> {network}")
    train(network, ["members"])
    other = f"{network}_complement"
    if complement:
        train(other, ["externals"], complement=True)

    say("[3/3] Heads and scores at every tap, beside their controls")
    arguments = {"shards": shards, "network": {"card": f"{network}/card.json"}, "seed": seed}
    heads = seed if null_seed is None else null_seed
    if null:
        arguments["null_seed"] = heads
    numbered = [] if null_seed is None else [str(null_seed)]
    called = "_".join([name, *(["null"] if null else []), *(["full"] if full else []), *numbered])
    table(
        data={"class_path": "datamodules.Faces", "init_args": arguments},
        rows=demo_rows(full),
        name=called,
        complement={"card": f"{other}/card.json"} if complement else None,
        seed=heads,
        seeds=1,
        experiment="demo",
        with_network=True,
    )
    print(NEXT.format(python=python_here(), ui=ui_here(), table=called, shards=shards))


def python_here() -> str:
    """The interpreter to type: "python" where that is this one, else its path."""
    found = shutil.which("python")
    if found and Path(found).parent == Path(sys.executable).parent:
        return "python"
    here = Path(sys.executable)
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)


def ui_here() -> str:
    """What to type for the runs in MLflow: "make ui" where the Makefile stands, else the module it starts."""
    checkout = Path(__file__).parents[2]
    makes = Path.cwd() == checkout and (checkout / "Makefile").is_file()
    return "make ui" if makes else f"{python_here()} -m mint_lightning.tracking.ui"


def demo_rows(full: bool) -> list[dict[str, object]]:
    """The rows of the demo: Vanilla at each tap, CNN at conv4 (every conv tap if `full`), the two scores."""
    convs = ["conv1", "conv2", "conv3", "conv4"]
    rows: list[dict[str, object]] = [{"head": "vanilla", "taps": [tap]} for tap in [*convs, "outcome"]]
    rows += [{"head": "cnn", "taps": [f"{tap}:map"]} for tap in (convs if full else ["conv4"])]
    return [*rows, {"head": "norm"}, {"head": "agreement"}]


def main(command: str, args: list[str]) -> None:
    """Run the command; a bare --full, --null or --complement means true."""
    switches = ("--full", "--null", "--complement")
    given = [f"{a}=true" if a in switches and (i + 1 == len(args) or args[i + 1].startswith("-")) else a
             for i, a in enumerate(args)]  # fmt: skip
    run_function(demo, command, given, EXAMPLES)

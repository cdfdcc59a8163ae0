"""Is the demo true? Planted membership over many seeds, and the same job where there is nothing to find.

    python benchmarks/demo.py --planted 10 --null 40 --out mlruns/benchmarks/demo

Each planted seed draws new people, a new partition and a new network; the null seeds draw labels by identity among the
people that the network of seed 0 never saw, with new heads each. Finished seeds are kept, so a run
that was stopped goes on. The result is written to benchmarks/demo.md.
"""

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mint_lightning.commands.demo import demo
from mint_lightning.files import sha256_file, write_json

HERE = Path(__file__).parent


def planted(seed: int) -> dict[str, Any]:
    """The demo's table of one seed, in the current folder; made if it is not there."""
    demo(seed=seed, name=f"seed_{seed}")  # shows the finished one where nothing that decides it has changed
    path = Path("mlruns/tables") / f"seed_{seed}" / "table.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def nulls(seeds: int) -> Iterator[dict[str, Any]]:
    """The demo's null table for each of `seeds` draws of labels, heads and scores on the network of seed 0.

    The network, its twins and the pixels are read once; each seed draws its own labels, order and heads.
    """
    from datamodules import Faces
    from mint_lightning.audited import NetworkSource
    from mint_lightning.commands.demo import demo_rows
    from mint_lightning.learning import RowSpec, TableSettings, run_table
    from mint_lightning.learning.activations import Activations
    from mint_lightning.learning.networks import device_of

    planted(0)
    specs = [RowSpec(**row) for row in demo_rows(full=False)]
    activations, card = None, Path("mlruns/networks/seed_0/card.json")
    for seed in range(seeds):
        path = Path("mlruns/nulls") / f"{seed}_{sha256_file(card)[:12]}.json"
        if not path.is_file():
            network = NetworkSource(card=str(card))
            data = Faces("shards/seed_0", network, null_seed=seed, seed=seed)
            if activations is None:
                settings = TableSettings()
                networks, device = settings.networks(data), device_of(settings.accelerator)
                activations = Activations.read(data, specs, data.groups.used, networks, settings.keeping, device=device)
            run = run_table(data, specs, TableSettings(seed=seed, seeds=1), activations=activations)
            write_json(path, {"evidence": run.evidence.to_json()})
        yield dict(json.loads(path.read_text(encoding="utf-8")))


def findings(table: dict[str, Any]) -> list[str]:
    """Names of the rows that find membership."""
    return [row["name"] for row in table["evidence"]["rows"] if row["excess"] and row["excess"]["finds"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planted", type=int, default=10, help="seeds with planted members")
    parser.add_argument("--null", type=int, default=40, help="seeds with nothing to find")
    parser.add_argument("--out", default="mlruns/benchmarks/demo", help="folder of the runs")
    arguments = parser.parse_args()
    folder = Path(arguments.out).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    found: list[dict[str, Any]] = []
    nothing: list[dict[str, Any]] = []
    for seed in range(arguments.planted):
        found.append(planted(seed))
        write(found, nothing)
    for table in nulls(arguments.null):
        nothing.append(table)
        write(found, nothing)


def write(tables: list[dict[str, Any]], null_tables: list[dict[str, Any]]) -> None:
    """benchmarks/demo.md, from what is finished."""
    found = [findings(table) for table in tables]
    false = [findings(table) for table in null_tables]
    rows = [row["name"] for row in tables[0]["evidence"]["rows"]]
    lines = [
        "# Is the demo true?",
        "",
        "Made by `make bench-demo`: each planted seed has its own people, partition and network; the null seeds",
        "draw labels by identity among people whom the network of seed 0 never saw. A row finds membership when the",
        "Holm-adjusted p of its excess over all controls is below .05.",
        "",
        f"- planted membership found in **{sum(map(bool, found))} of {len(found)}** seeds;",
        f"- something found where there is nothing in **{sum(map(bool, false))} of {len(false)}** seeds.",
        "",
        "| row | found, planted | AUC, planted: mean (range) | AUC of twins, mean | found, null | AUC, null: mean |",
        "|---|---|---|---|---|---|",
    ]
    for name in rows:
        aucs, twins = column(tables, name), [twin_auc(row_of(t, name)) for t in tables]
        null_aucs = column(null_tables, name)
        null_mean = f"{sum(null_aucs) / len(null_aucs):.3f}" if null_aucs else "-"
        lines.append(
            f"| {name} | {sum(name in f for f in found)} of {len(found)} "
            f"| {sum(aucs) / len(aucs):.3f} ({min(aucs):.3f} to {max(aucs):.3f}) | {sum(twins) / len(twins):.3f} "
            f"| {sum(name in f for f in false)} of {len(false)} | {null_mean} |"
        )
    lines.append("")
    groups = {(g["group"], g["split"]): g for g in tables[0]["evidence"]["groups"]}
    test = ", ".join(f"{g['images']} {k[0]} of {g['identities']} people" for k, g in groups.items() if k[1] == "test")
    lines += [f"Test split of seed 0: {test}.", ""]
    (HERE / "demo.md").write_text("\n".join(lines), encoding="utf-8")


def row_of(table: dict[str, Any], name: str) -> dict[str, Any]:
    """The row of that name."""
    return next(row for row in table["evidence"]["rows"] if row["name"] == name)


def column(tables: list[dict[str, Any]], name: str) -> list[float]:
    """AUC of a row over tables."""
    return [float(row_of(table, name)["auc"]["value"]) for table in tables]


def twin_auc(row: dict[str, Any]) -> float:
    """Mean AUC of the untrained twins beside a row."""
    return float(next(c["auc"]["value"] for c in row["controls"] if c["kind"] == "twins"))


if __name__ == "__main__":
    main()

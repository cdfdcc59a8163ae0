"""Is the demo true? Planted membership over many seeds, and the same job where there is nothing to find.

    python benchmarks/demo.py --planted 10 --null 40 --out mlruns/benchmarks/demo

Each planted seed draws new people, a new partition and a new network; the null seeds draw labels by identity among the
people that the network of seed 0 never saw, with new heads and untrained twins each. Finished seeds are kept, so a run
that was stopped goes on. The result is written to benchmarks/demo.md.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from mint_lightning.commands.demo import EPOCHS, IDENTITIES, demo

HERE = Path(__file__).parent


def run_seed(seed: int, *, null: bool, identities: int = IDENTITIES, epochs: int = EPOCHS) -> dict[str, Any]:
    """The finished table of one seed, in the current folder; made if it is not there."""
    name = "seed_0" if null else f"seed_{seed}"
    table = f"{name}_null_{seed}" if null else name
    path = Path("mlruns/tables") / table / "table.json"
    if not path.is_file():
        demo(
            null=null, null_seed=seed if null else None, seed=0 if null else seed,
            identities=identities, epochs=epochs, name=name,
        )  # fmt: skip
    return dict(json.loads(path.read_text(encoding="utf-8")))


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
    planted, nulls = [], []
    for seed in range(arguments.planted):
        planted.append(run_seed(seed, null=False))
        write(planted, nulls)
    for seed in range(arguments.null):
        nulls.append(run_seed(seed, null=True))
        write(planted, nulls)


def write(planted: list[dict[str, Any]], nulls: list[dict[str, Any]]) -> None:
    """benchmarks/demo.md, from what is finished."""
    found = [findings(table) for table in planted]
    false = [findings(table) for table in nulls]
    rows = [row["name"] for row in planted[0]["evidence"]["rows"]] if planted else []
    lines = [
        "# Is the demo true?",
        "",
        "Made by `python benchmarks/demo.py`: each planted seed has its own people, partition and network; the null seeds",
        "draw labels by identity among people whom the network of seed 0 never saw. A row finds membership when the",
        "Holm-adjusted p of its excess over all controls is below .05.",
        "",
        f"- planted membership found in **{sum(map(bool, found))} of {len(found)}** seeds;",
        f"- something found where there is nothing in **{sum(map(bool, false))} of {len(false)}** seeds.",
        "",
        "| row | found, planted | AUC, planted: mean (least to most) | AUC of twins, mean | found, null | AUC, null: mean |",
        "|---|---|---|---|---|---|",
    ]
    for name in rows:
        aucs, twins = column(planted, name), [twin_auc(row_of(t, name)) for t in planted]
        null_aucs = column(nulls, name)
        null_mean = f"{sum(null_aucs) / len(null_aucs):.3f}" if null_aucs else "-"
        lines.append(
            f"| {name} | {sum(name in f for f in found)} of {len(found)} "
            f"| {sum(aucs) / len(aucs):.3f} ({min(aucs):.3f} to {max(aucs):.3f}) | {sum(twins) / len(twins):.3f} "
            f"| {sum(name in f for f in false)} of {len(false)} | {null_mean} |"
        )
    seconds = [sum(table["context"]["seconds"].values()) for table in planted]
    lines += [
        "",
        f"Seconds for a table (networks, activations, heads, evidence): {min(seconds):.0f} to {max(seconds):.0f}.",
    ]
    groups = {(g["group"], g["split"]): g for g in planted[0]["evidence"]["groups"]}
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

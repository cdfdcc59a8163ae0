"""MINT on real faces: one database split before training, and what seems to be found when the database differs.

    make bench-lfw

Needs the folders lfw, att_orl and yale under MINT_DATA. Packs LFW in halves H1 and H2 by identity, trains network A on
H1 and B on H2 (one photo held out of each identity that has three or more), and runs every table of benchmarks/lfw.md.
What stands already and was made from the same files is reused, so a run that was stopped goes on. The heads' settings
are those of `make bench-lfw-search`, which stand in conf/.
"""

from pathlib import Path

from benchmarks.lfw.figure import draw
from benchmarks.lfw.page import write
from benchmarks.lfw.parts import CARDS, DOOR, make_networks
from benchmarks.lfw.sets import WARNED, Warned

TABLES = Path("mlruns/tables")


def directions() -> list[tuple[str, str]]:
    """(table, command) of the honest tables: A audited with B as its complement, and the other way round."""
    found = []
    for config in ("table_lfw", "table_lfw_cnn"):
        found.append((config, f"table --config conf/{config}.yaml"))
        other = f"""--data.network.card {CARDS["B"]} --complement '{{"card": "{CARDS["A"]}"}}'"""
        found.append((f"{config}_B", f"table --config conf/{config}.yaml --name {config}_B {other}"))
    return found


def warning(warned: Warned) -> tuple[str, str]:
    """(table, command) of a warning: B is a reference where it saw neither side, the complement where it saw H2."""
    command = f"table --config conf/lfw_warning.yaml --name lfw_{warned.name} --data.shards {warned.shards}"
    if warned.is_change:
        other = f"""--references null --complement '{{"card": "{CARDS["B"]}"}}'"""
        return f"lfw_{warned.name}", f"{command} --folds 0 {other}"
    return f"lfw_{warned.name}", command


def commands() -> list[tuple[str, str]]:
    """(table, command) of all tables, in order."""
    by_photo = ("lfw_by_photo", "table --config conf/lfw_by_photo.yaml")
    return [*directions(), by_photo, *map(warning, WARNED)]


def main() -> None:
    make_networks()
    for warned in WARNED:
        warned.pack()
    DOOR.run_together([(command, TABLES / name / "table.json") for name, command in commands()])
    draw()
    write([command for _, command in commands()])


if __name__ == "__main__":
    main()

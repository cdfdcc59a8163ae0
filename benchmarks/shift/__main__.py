"""The shift report where the answer is known: benchmarks/shift.md.

    make bench-shift

Needs the folders lfw and att_orl under MINT_DATA. LFW in random halves is one database; AT&T is another; and half of
LFW saved once more as JPEG of quality 75, blurred, or with a black border is a shift of a known kind.
"""

from pathlib import Path

from benchmarks.common.figures import write_below
from benchmarks.lfw.parts import DOOR, PACK, SHARDS, load
from benchmarks.lfw.sets import WARNED, Warned
from mint_lightning.files import atomic_path

FOLDER = Path("mlruns/benchmarks/shift")
PAGE = Path(__file__).parents[1] / "shift.md"
MARK = "<!-- below this line: written by make bench-shift -->"
NAMES = ("att", "jpeg75", "blur", "border")


def main() -> None:
    """Pack, compare, write the page."""
    DOOR.run(PACK, SHARDS / "manifest.json")
    found = {"LFW in random halves": _shift("halves", SHARDS, "H1 H2")}
    for warned in WARNED:
        if warned.name in NAMES:
            source = warned.externals if not warned.is_change else f"lfw_{warned.externals}"
            found[warned.what] = _shift(warned.name, _packed(warned), f"lfw {source}")
    lines = [
        "| B | images A, B | people A, B | pixel control | statistics that name the set |",
        "|---|---|---|---|---|",
    ]
    for what, report in found.items():
        told = [each for each in report["differences"] if each["found"]]
        named = ", ".join(f"{each['name']} {_auc(each['auc'])}" for each in told)
        both = (f"{report['a'][each]:,}, {report['b'][each]:,}" for each in ("images", "people"))
        control = report["pixel_control"]
        pixels = f"{_auc(control)}, {control['images']:,} images of {control['identities']:,} people"
        lines.append(f"| {what} | {' | '.join(both)} | {pixels} | {named or 'none'} |")
    write_below(PAGE, MARK, "Two sets of photos, without any network", lines)


def _packed(warned: Warned) -> Path:
    archive, out = FOLDER / f"{warned.name}.npz", Path(f"shards/shift_{warned.name}")
    if not archive.is_file():
        with atomic_path(archive) as temporary:
            warned._write(temporary)
    command = f"pack --source npz:{archive} --name lfw --by_database true --out {out} --overwrite true --reuse true"
    DOOR.run(command, out / "manifest.json")
    return out


def _shift(name: str, root: Path, partitions: str) -> dict:
    target = FOLDER / f"{name}.json"
    picture = FOLDER / f"{name}.png"
    DOOR.run(f"shift {root} --partitions {partitions} --limit 20000 --json {target} --picture {picture}", target)
    return load(target)


def _auc(each: dict) -> str:
    return f"{each['value']:.3f} [{each['low']:.3f}, {each['high']:.3f}]"


if __name__ == "__main__":
    main()

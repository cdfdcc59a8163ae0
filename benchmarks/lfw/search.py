"""The published heads' best honest chance on LFW: rate, epochs, regularisation, early stopping, chosen on validate.

    make bench-lfw-search

Uses the networks of `make bench-lfw` (makes them if they are not there). Heads learn on fit and are looked at on
validate, on network A (members H1); calibrate and test are never read, nor is network B, which is audited with the
same choices. A setting is worth the AUC on one half of validate's people at the epoch that early stopping chooses on
the other half, the mean over both ways and the seeds: a restless curve, or stopping late, earns nothing by itself. For
each row the best setting and patience are chosen; the pixel heads choose too, together. Finished trials are kept, so
a run that was stopped goes on. Writes benchmarks/lfw_search.md and the rows of three configs, conf/table_lfw.yaml,
conf/table_lfw_cnn.yaml and conf/lfw_by_photo.yaml.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.lfw.parts import SHARDS, load, make_networks
from benchmarks.lfw.trials import DRAWS, EPOCHS, PUBLISHED, ROWS, SEEDS, SPACE, Trial, curves, measure, trials
from mint_lightning.learning import RowSpec
from mint_lightning.learning.networks import PIXEL_ROWS
from mint_lightning.shards import KeyList, Manifest

ROOT = Path(__file__).parents[2]
NETWORK = "A"
PATIENCE = (3, 8, 20)
PIXELS = "pixels (both Vanilla heads)"
Choice = tuple[float, Trial, int, int]
"""(worth, setting, patience, the median epoch that it kept)."""


def main() -> None:
    make_networks()
    measure(NETWORK)
    chosen = {row: best(row) for row in titles()}
    write_confs(chosen)
    write_page(chosen)


def titles() -> list[str]:
    """Names of all rows that choose, the pixel heads as one."""
    rows = [RowSpec(head, taps).title for head, taps_of in ROWS.items() for taps in taps_of]  # type: ignore[arg-type]
    return [*rows, PIXELS]


def best(row: str) -> Choice:
    """The choice for a row."""
    found = [worth(row, trial, patience) for trial in trials() for patience in PATIENCE]
    return max((choice for choice in found if choice is not None), key=lambda choice: choice[0])


def worth(row: str, trial: Trial, patience: int) -> Choice | None:
    """What a setting with a patience is worth for a row.

    None where its head is another; where it is dead, every photo scoring alike, which is AUC .5 to the last digit; and
    where it sets the pixel heads' own arguments, which a table leaves as published.
    """
    if row == PIXELS and trial.arguments != Trial(trial.head, PUBLISHED[trial.head]).arguments:
        return None
    names = [spec.title for spec in PIXEL_ROWS if spec.head == "vanilla"] if row == PIXELS else [row]
    values, epochs = [], []
    for curve in curves(NETWORK, trial):
        if curve["row"] in names:
            for own in (0, 1):
                epochs.append(kept(curve["halves"][own], patience))
                values.append(curve["halves"][1 - own][epochs[-1]])
    if values and all(value == 0.5 for value in values):
        return None
    return (float(np.mean(values)), trial, patience, int(np.median(epochs))) if values else None


def kept(curve: Sequence[float], patience: int) -> int:
    """The epoch whose weights early stopping keeps."""
    best = 0
    for epoch, value in enumerate(curve):
        best = epoch if value > curve[best] else best
        if epoch - best >= patience:
            break
    return best


def write_confs(chosen: dict[str, Choice]) -> None:
    """Put the choices into the configs of the tables: all below the line "# chosen by make bench-lfw-search"."""
    vanilla = [row_of("vanilla", taps, chosen) for taps in ROWS["vanilla"]]
    cnn = [row_of("cnn", taps, chosen) for taps in ROWS["cnn"]]
    _, trial, patience, _ = chosen[PIXELS]
    scores: list[dict[str, Any]] = [{"head": "norm"}, {"head": "agreement"}]
    by_config = {
        "table_lfw": [*vanilla, *scores],
        "table_lfw_cnn": cnn,
        "lfw_by_photo": [*vanilla, *cnn, *scores],
    }
    for name, rows in by_config.items():
        path = ROOT / f"conf/{name}.yaml"
        mark = "# chosen by make bench-lfw-search (benchmarks/lfw_search.md); recipe is that of the pixel heads\n"
        above = path.read_text(encoding="utf-8").split(mark)[0]
        body = {"recipe": recipe_of(trial, patience), "rows": rows}
        path.write_text(above + mark + yaml.safe_dump(body, sort_keys=False, width=120), encoding="utf-8")


def row_of(head: str, taps: list[str], chosen: dict[str, Choice]) -> dict[str, Any]:
    """The row of a table with its choice."""
    _, trial, patience, _ = chosen[RowSpec(head, taps).title]  # type: ignore[arg-type]
    return {"head": head, "taps": list(taps), "arguments": trial.arguments, "recipe": recipe_of(trial, patience)}


def recipe_of(trial: Trial, patience: int) -> dict[str, float]:
    """How a head learns, as a config says it."""
    setting = trial.setting
    return {
        "epochs": EPOCHS[trial.head], "patience": patience, "rate": setting["rate"],
        "weight_decay": setting["weight_decay"],
    }  # fmt: skip


def write_page(chosen: dict[str, Choice]) -> None:
    """benchmarks/lfw_search.md."""
    seconds = sum(load(trial.path(NETWORK))["seconds"] for trial in trials())
    lines = ["# What the published heads were given on LFW", "", "Made by `make bench-lfw-search`.", ""]
    lines += [" ".join(line.strip() for line in (__doc__ or "").split("\n\n")[2].splitlines()), ""]
    for head, space in SPACE.items():
        whole = ", ".join(f"{name} in {{{', '.join(f'{v:g}' for v in values)}}}" for name, values in space.items())
        lines.append(
            f"- {head}: {whole}; {DRAWS[head]} settings (the published one and {DRAWS[head] - 1} drawn with seed 0) of "
            f"{EPOCHS[head]} epochs, {SEEDS[head]} head seed{'s' if SEEDS[head] > 1 else ''}."
        )
    lines += [f"- patience in {{{', '.join(map(str, PATIENCE))}}} epochs.", f"- {seconds / 60:.0f} minutes in all.", ""]
    lines += ["| row | published setting | chosen | AUC of the choice | epoch kept (median) |", "|---|---|---|---|---|"]
    for row, (value, trial, patience, epoch) in chosen.items():
        plain = worth(row, Trial(trial.head, PUBLISHED[trial.head]), 8)
        setting = ", ".join(f"{name} {number:g}" for name, number in trial.setting.items())
        lines.append(
            f"| {row} | {plain[0] if plain else 0:.3f} | {setting}, patience {patience} | {value:.3f} | {epoch + 1} |"
        )
    lines += ["", *precision()]
    lines += ["## All settings", "", f"AUC with patience 8. Settings: {', '.join(SPACE['vanilla'])}.", ""]
    vanilla = [row for row in titles() if not row.startswith("CNN")]
    lines += ["| setting | " + " | ".join(vanilla) + " |", "|---" * (len(vanilla) + 1) + "|"]
    lines += [_line(trial, vanilla) for trial in trials() if trial.head == "vanilla"]
    cnn = [row for row in titles() if row.startswith("CNN")]
    lines += ["", f"CNN: {', '.join(SPACE['cnn'])}.", ""]
    lines += ["| setting | " + " | ".join(cnn) + " |", "|---" * (len(cnn) + 1) + "|"]
    lines += [_line(trial, cnn) for trial in trials() if trial.head == "cnn"]
    (ROOT / "benchmarks/lfw_search.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def precision() -> list[str]:
    """How much the figures of the page can mean."""
    keys = KeyList.load(SHARDS, Manifest.load(SHARDS))
    sides = [keys.where(partitions=[half], splits=["validate"]) for half in ("H1", "H2")]
    members, externals = map(len, sides)
    people = len(np.unique(keys.label[np.concatenate(sides)]))
    error = ((members + externals + 1) / (12 * members * externals)) ** 0.5
    caps = ", ".join(f"{EPOCHS[head]} for {head}" for head in EPOCHS)
    text = (
        f"AUC on validate: {members + externals:,} photos of {people:,} people; were they independent, its standard "
        f"error at .5 would be {error:.3f}, so most differences here are chance, and that of the best of many settings "
        f"is too high. Epochs are capped ({caps}); where the epoch kept is close to the cap, the cap binds. A setting "
        "whose head is dead (all photos score alike) is not chosen."
    )
    return [text, ""]


def _line(trial: Trial, rows: Sequence[str]) -> str:
    found = [worth(row, trial, 8) for row in rows]
    cells = [f"{choice[0]:.3f}" if choice else "-" for choice in found]
    return f"| {', '.join(f'{value:g}' for value in trial.setting.values())} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()

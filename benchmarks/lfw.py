"""MINT on real faces, one database, split before training: benchmarks/lfw.md.

    make bench-lfw

Needs the folder lfw under MINT_DATA. Packs LFW in halves H1 and H2 by identity, trains network A on H1 with one photo
held out of each identity that has three or more, fits Vanilla at the embedding and CNN at conv4, and runs the table.
What stands already is reused, so a run that was stopped goes on.
"""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mint_lightning.cli import main as mint
from mint_lightning.evidence import TableEvidence
from mint_lightning.report.markdown import render_markdown

HERE = Path(__file__).parent
MARK = "<!-- below this line: written by make bench-lfw -->"
ARCHIVE = "lfw_aligned112_jpeg90.npz"
HALVES = '{"H1": 0.5, "H2": 0.5}'
PACK = (
    f"pack --source npz:$MINT_DATA/lfw/{ARCHIVE} --name lfw --out shards/lfw --partitions '{HALVES}' "
    "--hold_out 1 --hold_out_minimum 3 --overwrite true --reuse true"
)
TRAIN = (
    "train-audited --shards shards/lfw --partitions '[H1]' --out mlruns/networks/lfw_A --name lfw_A "
    """--arguments '{"stem_stride": 2}' --epochs 20"""
)
COMMANDS = (
    PACK,
    TRAIN,
    "fit --config conf/lfw_vanilla.yaml",
    "test --config conf/lfw_vanilla.yaml --ckpt_path mlruns/checkpoints/lfw_vanilla/best.ckpt",
    "fit --config conf/lfw_cnn.yaml",
    "test --config conf/lfw_cnn.yaml --ckpt_path mlruns/checkpoints/lfw_cnn/best.ckpt",
    "table --config conf/table_lfw.yaml",
)


def main() -> None:
    data = os.environ.get("MINT_DATA", "")
    if not (Path(data) / "lfw" / ARCHIVE).is_file():
        sys.exit(f"There is no lfw/{ARCHIVE} under MINT_DATA ({data or 'not set'}): set it to the folder of the data.")
    for command in COMMANDS:
        words = shlex.split(command)
        if words[0] in ("fit", "test") and _finished(Path(words[2])):
            continue
        print(f"$ mint-lightning {command}", flush=True)
        if code := mint([word.replace("$MINT_DATA", data) for word in words]):
            sys.exit(code)
    write()


def _finished(config: Path) -> bool:
    """Whether the head's figures are younger than its network, shards and config."""
    figures = Path("mlruns/scores") / f"{config.stem}.json"
    made_from = (config, Path("mlruns/networks/lfw_A/card.json"), Path("shards/lfw/manifest.json"))
    return figures.is_file() and all(path.stat().st_mtime < figures.stat().st_mtime for path in made_from)


def write() -> None:
    """The figures of benchmarks/lfw.md, from what stands; the conclusions above them are written by people."""
    table = json.loads(Path("mlruns/tables/table_lfw/table.json").read_text(encoding="utf-8"))
    card = json.loads(Path("mlruns/networks/lfw_A/card.json").read_text(encoding="utf-8"))
    evidence = TableEvidence.from_json(table["evidence"])
    heads = {name: _read(name) for name in ("lfw_vanilla", "lfw_cnn")}
    page = HERE / "lfw.md"
    conclusions = page.read_text(encoding="utf-8").split(MARK)[0] if page.is_file() else "# MINT on real faces: LFW\n\n"
    lines = [
        MARK,
        "",
        "## The audited network",
        "",
        *_network(card),
        "",
        "## One head each, by `fit` and `test`",
        "",
    ]
    lines += [
        "| head | AUC on test [95 %] | balanced accuracy | unseen photos against externals | n |",
        "|---|---|---|---|---|",
    ]
    lines += [_head(evidence_of) for evidence_of in heads.values()]
    lines += [
        "",
        "## The table",
        "",
        render_markdown(evidence),
        "",
        "Unseen photos of member identities (test identities):",
        "",
    ]
    lines += ["| row | unseen against externals | members against unseen photos of the same people |", "|---|---|---|"]
    lines += [f"| {row.name} | {_figure(row.unseen_auc)} | {_figure(row.photo_auc)} |" for row in evidence.rows]
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in table["context"]["seconds"].items())
    lines += ["", "## Commands", "", "`make bench-lfw` runs, reusing what stands:", "", "```"]
    lines += [f"mint-lightning {command}" for command in COMMANDS]
    lines += ["```", "", f"The table took: {seconds}.", ""]
    page.write_text(conclusions + "\n".join(lines), encoding="utf-8")


def _read(name: str) -> TableEvidence:
    return TableEvidence.from_json(json.loads((Path("mlruns/scores") / f"{name}.json").read_text(encoding="utf-8")))


def _head(evidence: TableEvidence) -> str:
    row = evidence.rows[0]
    return (
        f"| {row.name} | {_figure(row.auc)} | {_figure(row.accuracy)} | {_figure(row.unseen_auc)} "
        f"| {row.auc.images} images, {row.auc.identities} identities |"
    )


def _figure(estimate: Any) -> str:
    return "-" if estimate is None else f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _network(card: Mapping[str, Any]) -> list[str]:
    members, accuracy = card["members"], card["accuracy"]
    verified = accuracy.get("verification") or {}
    held = (
        f"; verification on {verified.get('pairs', '?')} pairs of people it never saw {verified.get('accuracy', 0):.3f}"
    )
    return [
        (
            f"`{card['architecture']}` {json.dumps(card['arguments'])}, CosFace, {card['config']['epochs']} epochs on "
            f"{members['images']} photos of {members['identities']} people; training accuracy "
            f"{accuracy.get('train_accuracy', accuracy.get('accuracy', 0)):.3f}{held if verified else ''}."
        )
    ]


if __name__ == "__main__":
    main()

"""The figures of benchmarks/scale.md, from what benchmarks/scale measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.figures import machine_words, ratios, spread, verdict, write_below
from benchmarks.common.jobs import Result
from benchmarks.scale.determinism import EXACT
from benchmarks.scale.kills_page import kills
from benchmarks.scale.load_page import shards, soak, table
from benchmarks.scale.words import Section, faces_words

MARK = "<!-- below this line: written by make bench-scale -->"
NEAR = 1e-5
"""Largest difference of two processes."""


def write(page: Path, results: Sequence[Result], machine: Mapping[str, Any]) -> None:
    """Everything below the mark; what people wrote above it stays."""
    lines = [machine_words(machine, "make bench-scale")]
    sections = {
        "ddp": _ddp, "kills": kills, "soak": soak, "shards": shards, "table": table, "determinism": _determinism,
        "facts": _facts,
    }  # fmt: skip
    for title, section in sections.items():
        chosen = [(arguments, found) for name, arguments, found in results if name == title]
        if chosen:
            lines += ["", *section(chosen)]
    write_below(page, MARK, "Scale", lines)


def _ddp(results: Section) -> list[str]:
    lines = []
    for given, found in results:
        rates = {way: [found[way]["images"] / each for each in found[way]["epochs"][1:]] for way in ("one", "two")}
        lines = [
            "## Two processes against one",
            "",
            f"`mint-lightning fit` of a Vanilla head at `conv4` of a small trained network ({faces_words(given)}),",
            f"global batch {given['batch']}, {given['epochs']} epochs, without workers: by one process, and with",
            "`--trainer.devices 2 --trainer.strategy ddp`, each process with one thread. Rates count the",
            f"{found['one']['images']:,} images of fit and validate of each epoch after the first; medians with range.",
            "",
            "| 1 process, images/s | 2 processes, images/s | 2 / 1 |",
            "|---:|---:|---:|",
            f"| {spread(rates['one'], 0)} | {spread(rates['two'], 0)} | {spread(ratios(rates['two'], rates['one']))} |",
            "",
            "| largest difference of | value | target |",
            "|---|---:|---|",
        ]
        words = {"head": "head weights", "loss": "logged losses", "auc": "validate AUC"}
        lines += [f"| {word} | {found[name]:.1e} | {_near(found[name])} |" for name, word in words.items()]
    return lines


def _near(value: float) -> str:
    return f"{NEAR:.0e}: {verdict(value, NEAR, at_least=False)}"


def _determinism(results: Section) -> list[str]:
    lines = []
    for given, found in results:
        lines = [
            "## The same bits, and what changes them",
            "",
            f"`fit` ({given['epochs']} epochs, global batch {given['batch']}, {faces_words(given)}) and `test` with",
            "one thread and one worker; then again, and with one thing changed: largest differences. Test AUC",
            f"{found['base']['auc']:.4f}.",
            "",
            "| changed | same head, to the bit | head weights | logits | AUC on test | target |",
            "|---|---|---:|---:|---:|---|",
        ]
        for name, far in found["changes"].items():
            target = ("same bits: met" if far["same"] else "same bits: **not met**") if name in EXACT else "-"
            figures = " | ".join(f"{far[part]:.1e}" for part in ("head", "scores", "auc"))
            lines.append(f"| {name} | {'yes' if far['same'] else 'no'} | {figures} | {target} |")
        if "cuda" not in found["changes"]:
            lines += ["", "Nothing was compared on a GPU: there is none."]
    return lines


def _facts(results: Section) -> list[str]:
    lines = ["## Sizes", "", "| what | bytes |", "|---|---:|"]
    for _, found in results:
        lines += [
            f"| tars, for each of {found['faces']:,} drawn faces (112x112, JPEG 95) | {found['tar_bytes']:,.0f} |",
            f"| key list in memory, for each of {found['rows']:,} rows | {found['key_bytes']:,.0f} |",
            f"| key list on disk, for each row | {found['key_disk_bytes']:,.0f} |",
        ]
    return lines

"""The figures of benchmarks/packing.md, from what benchmarks/packing measured."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.figures import machine_words, ratios, spread, verdict, write_below
from benchmarks.common.jobs import Result

MARK = "<!-- below this line: written by make bench-packing -->"
PLAIN, FLAT = 1500, 1.10
Section = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


def write(page: Path, results: Sequence[Result], machine: Mapping[str, Any]) -> None:
    """Everything below the mark; what people wrote above it stays."""
    lines = [
        machine_words(machine, "make bench-packing"),
        "Processor time of one core; medians of repeats, with range.",
    ]
    sections = (("plain", _plain), ("stages", _stages), ("detection", _detection), ("memory", _memory))
    for title, section in sections:
        chosen = [(arguments, found) for name, arguments, found in results if name == title]
        if chosen:
            lines += ["", *section(chosen)]
    write_below(page, MARK, "What packing costs", lines)


def _rates(found: Mapping[str, Any], seconds: str) -> list[float]:
    return [found["images"] / each for each in found[seconds]]


def _plain(results: Section) -> list[str]:
    lines = [
        "## Packing without detection",
        "",
        "A folder of 112x112 JPEG files, listed, decoded, encoded anew, hashed and written; one process.",
        "",
        "| images | images/s of processor time | images/s of wall time | target |",
        "|---:|---:|---:|---|",
    ]
    for _, found in results:
        rates = _rates(found, "processor")
        met = verdict(statistics.median(rates), PLAIN, at_least=True)
        wall = spread(_rates(found, "wall"), 0)
        lines.append(f"| {found['images']:,} | {spread(rates, 0)} | {wall} | {PLAIN:,}: {met} |")
    return lines


def _stages(results: Section) -> list[str]:
    lines = ["## Stages alone", "", "112x112 JPEG files in memory.", "", "| stage | images/s |", "|---|---:|"]
    for _, found in results:
        lines += [f"| {name} | {spread(_rates(found, name), 0)} |" for name in found if name != "images"]
    return lines


def _detection(results: Section) -> list[str]:
    lines = [
        "## With detection",
        "",
        "256x256 JPEG photos, decoded, searched, aligned and encoded, against the detector's network alone on inputs",
        "that are ready, in the batches in which packing gives them to it, and one by one.",
        "",
        "| detector | photos | input | batch | network, images/s | one by one | all of it | all / network |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for arguments, found in results:
        name = "CenterFace" if arguments["detector"] == "centerface" else "SCRFD det_500m"
        both = ratios(_rates(found, "whole"), _rates(found, "bare"))
        size = " x ".join(map(str, found["input"][2:]))
        batch = found["input"][0]
        figures = " | ".join(spread(_rates(found, each), 1) for each in ("bare", "single", "whole"))
        lines.append(f"| {name} | {found['images']} | {size} | {batch} | {figures} | {spread(both, 3)} |")
    return lines


def _memory(results: Section) -> list[str]:
    sizes = sorted((found for _, found in results), key=lambda found: int(found["images"]))
    lines = [
        "## Peak memory",
        "",
        "`mint-lightning pack` of a folder of 16x16 PNG files with one worker: the largest sum over its processes,",
        "each page once, and resident (counted in each process).",
        "",
        "| files | once, MiB | of the smallest | resident, MiB | bytes more for each file more | seconds | target |",
        "|---:|---:|---:|---:|---:|---:|---|",
    ]
    for found in sizes:
        first = sizes[0]
        ratio, target, more = found["once_kib"] / first["once_kib"], "-", "-"
        if found is not first:
            target = f"{FLAT:.2f}: {verdict(ratio, FLAT, at_least=False)}"
            more = f"{1024 * (found['once_kib'] - first['once_kib']) / (found['images'] - first['images']):,.0f}"
        lines.append(
            f"| {found['images']:,} | {found['once_kib'] / 1024:,.0f} | {ratio:.3f} | {found['rss_kib'] / 1024:,.0f} "
            f"| {more} | {found['seconds']:.0f} | {target} |"
        )
    return lines

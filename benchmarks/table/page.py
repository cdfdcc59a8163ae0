"""The figures of benchmarks/table.md, from what benchmarks/table measured."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.figures import machine_words, ratios, spread, verdict, write_below
from benchmarks.common.jobs import Result
from benchmarks.table.sections import Section, cnn, growth, network_name, stacking

MARK = "<!-- below this line: written by make bench-table -->"
TITLE = "What a whole table costs"
WHOLE, PLAIN = 1.25, 100
WINDOW = ("activations", "heads", "scores", "evidence")
SAME = ("network", "images", "sizes", "seeds", "epochs")


def write(page: Path, results: Sequence[Result], machine: Mapping[str, Any]) -> None:
    """Everything below the mark; what people wrote above it stays."""
    by_name: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for name, arguments, found in results:
        by_name.setdefault(name, []).append((arguments, found))
    lines = [
        machine_words(machine, "make bench-table"),
        "Float32 (maps are kept in half precision). Several values are the median with the range of interleaved",
        "repeats; a ratio is that of neighbouring runs. Nothing was measured on a GPU.",
    ]
    if "whole" in by_name:
        lines += ["", *_whole(by_name["whole"])]
    if "plain" in by_name:
        lines += ["", *_plain(by_name["plain"], by_name.get("whole", []))]
    for name, section in (("cnn", cnn), ("growth", growth), ("stacking", stacking)):
        if name in by_name:
            lines += ["", *section(by_name[name])]
    write_below(page, MARK, TITLE, lines)


def window(table: Mapping[str, Any]) -> float:
    """Seconds from the first image to the last figure."""
    return sum(float(table["laps"][part]) for part in WINDOW)


def whole_ratios(found: Mapping[str, Any]) -> list[float]:
    """Of each turn, that time over the bare forward of all images, half of which ran before it and half after."""
    return ratios([window(table) for table in found["table"]], [sum(halves) for halves in found["bare"]])


def cell_seconds(cell: Mapping[str, Any], found: Mapping[str, Any], epochs: int) -> float:
    """All of one head of the plain script: its epochs with their validation, then its scores."""
    learning = cell["fit"] * cell["learn"] + found["validate"] * cell["score"]
    return float(epochs * learning + found["scored"] * cell["score"])


def plain_seconds(arguments: Mapping[str, Any], found: Mapping[str, Any]) -> float:
    """Of all heads of the table."""
    cells = [cell_seconds(cell, found, arguments["epochs"]) for cell in found["cells"]]
    return float(arguments["seeds"] * sum(cells))


def plain_forwards(arguments: Mapping[str, Any], found: Mapping[str, Any]) -> float:
    """The same in bare forwards over all images, as fast as they were beside it."""
    return plain_seconds(arguments, found) / (statistics.median(found["bare"]) * found["images"])


def _size(samples: Any) -> str:
    return "all" if samples is None else f"{samples:.0%}" if isinstance(samples, float) else f"{samples:,}"


def _whole(results: Section) -> list[str]:
    lines = [
        "## A whole table against one forward",
        "",
        "`mint-lightning table`: Vanilla at conv1 to conv4, outcome and all conv, several sizes and seeds, every epoch",
        "run, from shards on disk, an empty store, no controls. t is one forward of the same module (no hooks, no",
        "gradients) over all images of the table, prepared and in memory, half of it before the table and half after.",
        "The table counts from its first image to its last figure: activations, heads, scores, evidence.",
        "",
        "| network | images | heads | t, s | table, s | table / t | target | the command, s | command / t |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|",
    ]
    for arguments, found in results:
        heads = 6 * len(arguments["sizes"]) * arguments["seeds"]
        t, ratio = [sum(halves) for halves in found["bare"]], whole_ratios(found)
        command = [table["command"] for table in found["table"]]
        name = network_name(arguments)
        lines.append(
            f"| {name} | {found['images']:,} | {heads} x {arguments['epochs']} epochs | {spread(t, 1)} "
            f"| {spread([window(table) for table in found['table']], 1)} | {spread(ratio, 3)} "
            f"| {WHOLE}: {verdict(statistics.median(ratio), WHOLE, at_least=False)} | {spread(command, 1)} "
            f"| {spread(ratios(command, t), 3)} |"
        )
    for arguments, found in results:
        rows = found["rows"]
        sizes = ", ".join(_size(size) for size in arguments["sizes"])
        halves = [[n / s for n, s in zip(found["halves"], turn, strict=True)] for turn in found["bare"]]
        words = (
            f"{network_name(arguments)}: {rows['fit']} fit, {rows['validate']} validate, {rows['calibrate']} "
            f"calibrate, {rows['test']} test images; sizes {sizes} of fit; batches of {arguments['batch']}. "
            f"Bare images/s before and after: {', '.join(f'{a:.1f} and {b:.1f}' for a, b in halves)}."
        )
        lines += ["", words, *_profile(found)]
    return lines


def _profile(found: Mapping[str, Any]) -> list[str]:
    command = statistics.median(table["command"] for table in found["table"])
    t = statistics.median(sum(halves) for halves in found["bare"])
    parts = {
        name: statistics.median(table["parts"].get(name, 0.0) for table in found["table"])
        for name in found["table"][0]["parts"]
    }
    parts["Lightning's loops, reading the config and all else"] = command - sum(parts.values())
    laps = ", ".join(
        f"{part} {statistics.median(table['laps'][part] for table in found['table']):.1f}"
        for part in found["table"][0]["laps"]
    )
    lines = [
        "",
        f"Where the command's time goes, each part without those inside it (by the program's own clock, s: {laps}):",
        "",
        "| part | s | of t |",
        "|---|---:|---:|",
    ]
    for name, seconds in sorted(parts.items(), key=lambda part: -part[1]):
        lines.append(f"| {name} | {seconds:.2f} | {seconds / t:.1%} |")
    return lines


def _plain(results: Section, whole: Section) -> list[str]:
    lines = [
        "## The same by a plain script",
        "",
        "`benchmarks/table/plain.py`: hooks, one head at a time, the network run anew for each head and epoch, images",
        "decoded in memory. A cell of each place and size was run for part of an epoch; the whole is **extrapolated**:",
        "seeds x sum over cells of [epochs x (fit images x learning + validate images x scoring) + calibrate and test",
        "images x scoring]. In units of t as measured beside it, a machine that changed its speed meanwhile does not",
        "count.",
        "",
        "| network | cells | images timed | extrapolated, h | in t | ours in t | plain / ours | target |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for arguments, found in results:
        forwards = plain_forwards(arguments, found)
        ours = [other for given, other in whole if all(given[name] == arguments[name] for name in SAME)]
        own = statistics.median(whole_ratios(ours[0])) if ours else float("nan")
        compared = f"{own:.3f} | {forwards / own:,.0f} | {PLAIN}: {verdict(forwards / own, PLAIN, at_least=True)}"
        lines.append(
            f"| {network_name(arguments)} | {len(found['cells']) * arguments['seeds']} | {arguments['limit']} "
            f"| {plain_seconds(arguments, found) / 3600:.2f} | {forwards:,.1f} | {compared if ours else '- | - | -'} |"
        )
        lines += [
            "",
            f"Bare beside it: {spread([1000 * s for s in found['bare']], 1)} ms/image.",
            "",
            "| place | size | fit images | learning, ms/image | scoring, ms/image | a head, min |",
            "|---|---|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {cell['place']} | {_size(cell['samples'])} | {cell['fit']} | {1000 * cell['learn']:.1f} "
            f"| {1000 * cell['score']:.1f} | {cell_seconds(cell, found, arguments['epochs']) / 60:.1f} |"
            for cell in found["cells"]
        ]
    return lines

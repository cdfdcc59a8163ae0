"""The figures of benchmarks/table.md, from what benchmarks/table measured."""

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.common.figures import machine_words, ratios, spread, verdict, write_below
from benchmarks.common.jobs import Result

MARK = "<!-- below this line: written by make bench-table -->"
TITLE = "What a whole table costs"
WHOLE, PLAIN, CNN, GROWTH = 1.25, 100, 1.25, 1.25
WINDOW = ("activations", "heads", "scores", "evidence")
SAME = ("network", "images", "sizes", "seeds", "epochs")
GROWN = (
    "| images | s | ms for each image more | activations, s | heads, s "
    "| peak Pss, MiB | anonymous, MiB | Rss, MiB | AAD, MiB |"
)
Section = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


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
    for name, section in (("cnn", _cnn), ("growth", _growth), ("stacking", _stacking)):
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


def _name(arguments: Mapping[str, Any]) -> str:
    network = arguments["network"]
    given = ", ".join(f"{name} {value}" for name, value in network.get("arguments", {}).items())
    return f"{network['architecture']}{f' ({given})' if given else ''}"


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
        lines.append(
            f"| {_name(arguments)} | {found['images']:,} | {heads} x {arguments['epochs']} epochs | {spread(t, 1)} "
            f"| {spread([window(table) for table in found['table']], 1)} | {spread(ratio, 3)} "
            f"| {WHOLE}: {verdict(statistics.median(ratio), WHOLE, at_least=False)} | {spread(command, 1)} "
            f"| {spread(ratios(command, t), 3)} |"
        )
    for arguments, found in results:
        rows = found["rows"]
        sizes = ", ".join(_size(size) for size in arguments["sizes"])
        halves = [[n / s for n, s in zip(found["halves"], turn, strict=True)] for turn in found["bare"]]
        words = (
            f"{_name(arguments)}: {rows['fit']} fit, {rows['validate']} validate, {rows['calibrate']} calibrate, "
            f"{rows['test']} test images; sizes {sizes} of fit; batches of {arguments['batch']}. Bare images/s before "
            f"and after: {', '.join(f'{a:.1f} and {b:.1f}' for a, b in halves)}."
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
            f"| {_name(arguments)} | {len(found['cells']) * arguments['seeds']} | {arguments['limit']} "
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


def _cnn(results: Section) -> list[str]:
    lines = [
        "## CNN heads inside a table",
        "",
        "An epoch of one CNN head in a table, from its start to the end of its validation, its maps taken from memory,",
        "or from the store (on disk, in the page cache) batch by batch; against the head alone on noise of that shape",
        "in memory: forward, backward and Adam step of as many batches, and the forward on validate.",
        "",
        "| maps | fit + validate | alone, s | from memory, s | / alone | target | from disk, s | / alone | target |",
        "|---|---:|---:|---:|---:|---|---:|---:|---|",
    ]
    for arguments, found in results:
        shape = "x".join(map(str, found["shape"]))
        alone = [*found["memory"]["alone"], *found["disk"]["alone"]]
        cells = [f"{arguments['tap']}, {shape}", f"{found['fit']} + {found['validate']}", spread(alone)]
        for kept in ("memory", "disk"):
            ratio = ratios(found[kept]["table"], found[kept]["alone"])
            cells += [
                spread(found[kept]["table"]),
                spread(ratio),
                f"{CNN}: {verdict(statistics.median(ratio), CNN, at_least=False)}",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _growth(results: Section) -> list[str]:
    first = results[0][0]
    lines = [
        "## Growth with the number of images",
        "",
        f"`mint-lightning table` in a process of its own: {_name(first)}, Vanilla at six places,",
        f"{first['seeds']} seeds, {first['epochs']} epochs, batches of {first['batch']}, an empty store. Either its",
        "activations are read into memory (max_memory_gib 8), or hardly any memory is allowed, so that they are read",
        "from the store batch by batch.",
        "Pss counts shared pages once and the mapped files of the store too; anonymous is the part of it that no file",
        "backs. Time grows in proportion where each image more costs the same.",
    ]
    for kept, words in (("memory", "Activations in memory"), ("disk", "Activations left in the store")):
        own = sorted(
            ((given, found) for given, found in results if given["kept"] == kept), key=lambda one: one[1]["images"]
        )
        if not own:
            continue
        lines += [
            "",
            f"{words}:",
            "",
            GROWN,
            "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for place, (_, found) in enumerate(own):
            before = own[place - 1][1] if place else None
            more = f"{1000 * _slope(before, found):.2f}" if before else ""
            lines.append(
                f"| {found['images']:,} | {found['seconds']:.1f} | {more} | {found['laps']['activations']:.1f} "
                f"| {found['laps']['heads']:.1f} | {found['kib']['Pss'] / 1024:,.0f} "
                f"| {found['kib']['Pss_Anon'] / 1024:,.0f} | {found['kib']['Rss'] / 1024:,.0f} "
                f"| {found['aad_bytes'] / 2**20:,.1f} |"
            )
        steps = [_slope(one[1], other[1]) for one, other in pairwise(own)]
        if len(steps) > 1:
            ratio = steps[-1] / steps[-2]
            met = verdict(ratio, GROWTH, at_least=False)
            lines += [
                "",
                f"At the last step an image more costs {ratio:.2f} of one at the step before ({GROWTH}: {met}).",
            ]
        if steps:
            (_, small), (_, large) = own[0], own[-1]
            grown = (large["kib"]["Pss_Anon"] - small["kib"]["Pss_Anon"]) / 1024
            aad = (large["aad_bytes"] - small["aad_bytes"]) / 2**20
            words = f"From {small['images']:,} to {large['images']:,} images anonymous memory grew by {grown:,.0f} MiB"
            lines += ["", f"{words}, the AAD by {aad:,.0f} MiB."]
    return lines


def _slope(before: Mapping[str, Any], found: Mapping[str, Any]) -> float:
    """Seconds for each image more."""
    return float((found["seconds"] - before["seconds"]) / (found["images"] - before["images"]))


def _stacking(results: Section) -> list[str]:
    lines = [
        "## Heads together or one after the other",
        "",
        "A step (forward, backward, Adam) of all heads as one batched computation, against a loop over them, each head",
        "on AAD of its own. CNN heads together are what `torch.func.vmap` makes of them, grouped convolutions; the",
        "program stacks Vanilla heads and lets CNN heads learn one after the other.",
        "",
        "| head | AAD of an image | heads | batch | loop, ms a step | together, ms a step | loop / together |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for arguments, found in results:
        lines.append(
            f"| {arguments['head']} | {'x'.join(map(str, arguments['shape']))} | {arguments['heads']} "
            f"| {arguments['batch']} | {spread([1000 * s for s in found['loop']], 1)} "
            f"| {spread([1000 * s for s in found['together']], 1)} "
            f"| {spread(ratios(found['loop'], found['together']))} |"
        )
    return lines

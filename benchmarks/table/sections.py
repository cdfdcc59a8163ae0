"""Sections of benchmarks/table.md beside the whole table: CNN heads, growth, heads together."""

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.common.figures import ratios, spread, verdict

CNN, GROWTH = 1.25, 1.25
GROWN = (
    "| images | s | ms for each image more | activations, s | heads, s "
    "| peak Pss, MiB | anonymous, MiB | Rss, MiB | AAD, MiB |"
)
Section = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


def network_name(arguments: Mapping[str, Any]) -> str:
    """The architecture and its arguments."""
    network = arguments["network"]
    given = ", ".join(f"{name} {value}" for name, value in network.get("arguments", {}).items())
    return f"{network['architecture']}{f' ({given})' if given else ''}"


def cnn(results: Section) -> list[str]:
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


def growth(results: Section) -> list[str]:
    first = results[0][0]
    lines = [
        "## Growth with the number of images",
        "",
        f"`mint-lightning table` in a process of its own: {network_name(first)}, Vanilla at six places,",
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


def stacking(results: Section) -> list[str]:
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

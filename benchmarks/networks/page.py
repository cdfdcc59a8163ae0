"""The figures of benchmarks/networks.md, from what benchmarks/networks measured."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.figures import machine_words, ratios, spread, write_below
from benchmarks.common.jobs import Result

MARK = "<!-- below this line: written by make bench-networks -->"
Found = Mapping[str, Any]


def write(page: Path, results: Sequence[Result], machine: Mapping[str, Any]) -> None:
    """Everything below the mark; what people wrote above it stays."""
    lines = [machine_words(machine, "make bench-networks")]
    speeds = [(arguments, found) for name, arguments, found in results if name == "tap_speed"]
    if speeds:
        lines += ["", *_speeds(speeds)]
    for name, section in (("formats", _formats), ("warm", _warm)):
        for job, arguments, found in results:
            if job == name:
                lines += ["", *section(arguments, found)]
    write_below(page, MARK, "What it costs to read a network, and what formats and warm starts do", lines)


def relative(found: Found, tap: str) -> list[float]:
    """Rate at a tap as a share of the bare rate, turn by turn."""
    place, count = found["order"].index(tap), len(found["order"])
    return ratios(found["seconds"]["bare"][place::count], found["seconds"][tap])


def _speeds(speeds: Sequence[tuple[Mapping[str, Any], Found]]) -> list[str]:
    turns = len(speeds[0][1]["seconds"][speeds[0][1]["order"][0]])
    about = (
        "Images a second of the bare forward (no hooks, no gradients, images prepared and in memory), and how many "
        "times as fast `AuditedNetwork` reads uint8 images at each tap, stopping behind it; in brackets the share of "
        "multiply-adds up to there, so that the most that could be hoped for is one over it. Float32, random weights, "
        f"medians of {turns} turns in which both ran one after the other."
    )
    lines = [
        "## Speed at each tap",
        "",
        about,
        "",
        "| network | images | bare, images/s | tap: times the bare rate (share) |",
        "|---|---|---|---|",
    ]
    for arguments, found in speeds:
        rate = spread([found["images"] / each for each in found["seconds"]["bare"]], 1)
        cells = []
        for tap in found["order"]:
            share = found["shares"].get(tap)
            more = f" ({100 * share:.0f} %)" if share is not None else ""
            cells.append(f"{tap} {statistics.median(relative(found, tap)):.2f}{more}")
        lines.append(f"| {arguments['name']} | {found['images']} | {rate} | {', '.join(cells)} |")
    return lines


def _formats(arguments: Mapping[str, Any], found: Found) -> list[str]:
    apart = ", ".join(f"{tap} {100 * value:.2f} %" for tap, value in found["apart"].items())
    about = (
        f"A small IResNet trained for {arguments['epochs']} epochs on half of {arguments['people']} drawn people, read "
        f"under bfloat16 autocast and in float32: AAD of {found['images']} images differs by (norm of the difference "
        f"over that of the float32 values) {apart}. AUC on test, with 95 % intervals (the table's rows together), of "
        f"heads of {arguments['seeds']} seeds that learnt from either and were tested on the same:"
    )
    lines = [
        "## bfloat16",
        "",
        about,
        "",
        "| row | float32 | bfloat16 |",
        "|---|---|---|",
    ]
    for row, exact in found["auc"]["float32"].items():
        lines.append(f"| {row} | {_interval(exact)} | {_interval(found['auc']['bfloat16'][row])} |")
    return lines


def _interval(figure: Found) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _warm(arguments: Mapping[str, Any], found: Found) -> list[str]:
    about = (
        f"`fit` of a Vanilla head at `{arguments['tap']}`, split by photo (where a head may know people again, and so "
        "has more to carry over), from a seed, and with `--model.init_from` from the head on a first network: on that "
        "network trained a quarter longer, and on one of the same photos and another seed. AUC on validate after the "
        "first epoch, the best, the epoch that gave it, and AUC on test; medians and range over "
        f"{arguments['seeds']} seeds."
    )
    lines = [
        "## Warm start",
        "",
        about,
        "",
        "| audited | head begins | validate, epoch 1 | validate, best | best epoch | test |",
        "|---|---|---|---|---|---|",
    ]
    for network, ways in found.items():
        for how, runs in ways.items():
            first = spread([run["curve"][0] for run in runs], 3)
            best = spread([max(run["curve"]) for run in runs], 3)
            epoch = spread([float(1 + run["curve"].index(max(run["curve"]))) for run in runs], 0)
            lines.append(
                f"| {network} | {how} | {first} | {best} | {epoch} | {spread([run['test'] for run in runs], 3)} |"
            )
    return lines

"""The figures of benchmarks/stream.md, from what benchmarks/stream measured."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.figures import machine_words, ratios, spread, verdict, write_below
from benchmarks.common.jobs import Result

MARK = "<!-- below this line: written by make bench-stream -->"
TARGETS = {"iresnet_small": 0.80, "iresnet18": 0.90}
CUT, DECODING, MEMORY = 1.05, 3000, 1.10


def write(page: Path, results: Sequence[Result], machine: Mapping[str, Any]) -> None:
    """Everything below the mark; what people wrote above it stays."""
    lines = _machine(machine, results)
    for title, section in (("fit_against_bare", _fits), ("cut", _cuts), ("decoding", _decoding), ("memory", _memory)):
        chosen = [(arguments, found) for name, arguments, found in results if name == title]
        if chosen:
            lines += ["", *section(chosen)]
    write_below(page, MARK, "What the stream costs", lines)


def _machine(on: Mapping[str, Any], results: Sequence[Result]) -> list[str]:
    repeats = sorted({int(arguments["repeats"]) for _, arguments, _ in results if "repeats" in arguments})
    return [
        machine_words(on, "make bench-stream"),
        f"Float32. Medians of interleaved repeats ({', '.join(map(str, repeats))}), with their range; a ratio is that",
        "of two neighbouring runs. Nothing was measured on a GPU.",
    ]


Section = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


def epoch_ratios(found: Mapping[str, Any]) -> list[float]:
    """Rate of an epoch with its validation, as a share of the bare rate; both count the images they put through."""
    rates = [(fit["fit_images"] + fit["validate_images"]) / fit["epoch"] for fit in found["fit"]]
    return ratios(rates, [found["images"] / seconds for seconds in found["bare"]])


def whole_ratios(found: Mapping[str, Any]) -> list[float]:
    """As above for the whole `trainer.fit`: standardisation, sanity check and start count as time, not as images."""
    rates = [fit["epochs"] * (fit["fit_images"] + fit["validate_images"]) / fit["whole"] for fit in found["fit"]]
    return ratios(rates, [found["images"] / seconds for seconds in found["bare"]])


def _name(arguments: Mapping[str, Any]) -> str:
    return str(arguments["network"]["architecture"])


def _fits(results: Section) -> list[str]:
    lines = [
        "## `fit` against the bare forward",
        "",
        "`mint-lightning fit` of a Vanilla head at `outcome`, two epochs on `datamodules.Faces` with one worker,",
        "against the forward of the same module (no hooks, no gradients) on the same images, prepared and in memory.",
        "The epoch is the second, with its validation, logging and checkpoint, and counts every image that it puts",
        "through the network. The whole is `trainer.fit`, which also builds, standardises (the first epoch takes these",
        "images from it), checks two validation batches and starts workers; it counts the images of its two epochs",
        "only, so that what is paid once weighs more here than in a long training.",
        "",
        "| network | fit + validate images | bare, images/s | epoch, images/s | epoch / bare | target | whole / bare |",
        "|---|---:|---:|---:|---:|---|---:|",
    ]
    for arguments, found in results:
        fit, epoch = found["fit"], epoch_ratios(found)
        images = fit[0]["fit_images"] + fit[0]["validate_images"]
        target = TARGETS[_name(arguments)]
        lines.append(
            f"| {_name(arguments)} | {fit[0]['fit_images']:,} + {fit[0]['validate_images']:,} "
            f"| {spread([found['images'] / seconds for seconds in found['bare']], 1)} "
            f"| {spread([images / one['epoch'] for one in fit], 1)} | {spread(epoch, 3)} "
            f"| {target:.2f}: {verdict(statistics.median(epoch), target, at_least=True)} "
            f"| {spread(whole_ratios(found), 3)} |"
        )
    return [*lines, "", *_profile(results)]


def _profile(results: Section) -> list[str]:
    largest = {_name(arguments): (arguments, found) for arguments, found in sorted(results, key=_images)}
    lines = [
        "### Where an epoch goes",
        "",
        "The same runs, largest size: milliseconds for 100 images, median over repeats, each part without those inside",
        "it. What the network takes beyond its bare forward is the price of sharing the cores with the worker.",
        "",
        "| part | " + " | ".join(largest) + " |",
        "|---|" + "---:|" * len(largest),
    ]
    columns = [_shares(found) for _, found in largest.values()]
    lines += [f"| {part} | " + " | ".join(column[part] for column in columns) + " |" for part in columns[0]]
    return lines


def _images(result: tuple[Mapping[str, Any], Mapping[str, Any]]) -> int:
    return int(result[0]["images"])


def _shares(found: Mapping[str, Any]) -> dict[str, str]:
    images = found["fit"][0]["fit_images"] + found["fit"][0]["validate_images"]
    bare = statistics.median(found["bare"]) / found["images"]
    epoch = statistics.median(fit["epoch"] for fit in found["fit"]) / images

    def cell(seconds: float) -> str:
        return f"{1e5 * seconds:.1f} ({seconds / epoch:.1%})"

    lines = {"bare forward, for comparison": cell(bare), "**the epoch**": cell(epoch)}
    for part in found["fit"][0]["parts"]:
        lines[part] = cell(statistics.median(fit["parts"][part] for fit in found["fit"]) / images)
    seen = [fit["epochs"] * images for fit in found["fit"]]
    workers = statistics.median(fit["workers"] / count for fit, count in zip(found["fit"], seen, strict=True))
    lines["processor time of the workers, at the same time"] = cell(workers)
    before = statistics.median(fit["before"] for fit in found["fit"])
    return lines | {"once, before the first step: seconds": f"{before:.1f} s"}


def _cuts(results: Section) -> list[str]:
    batch = results[0][0]["batch"]
    lines = [
        "## A tap at `conv1` of IResNet-100",
        "",
        f"`AuditedNetwork` asked for `conv1` (channel maxima) on uint8 images in memory, batches of {batch},",
        "against the same module cut after `layer1`, without reduction, and against its whole forward; preparation",
        "counts in all three.",
        "",
        "| images | tap, ms/image | tap / cut network | target | tap / whole forward | multiply-adds, tap / whole |",
        "|---:|---:|---:|---|---:|---:|",
    ]
    for _, found in results:
        ratio = ratios(found["tap"], found["cut"])
        lines.append(
            f"| {found['images']} | {spread([1000 * seconds / found['images'] for seconds in found['tap']], 1)} "
            f"| {spread(ratio, 3)} | {CUT}: {verdict(statistics.median(ratio), CUT, at_least=False)} "
            f"| {spread(ratios(found['tap'], found['whole']), 3)} | {found['share']:.3f} |"
        )
    return lines


def _decoding(results: Section) -> list[str]:
    lines = [
        "## Reading and decoding alone",
        "",
        "`EvalLoader` in one process with one thread, all images of a shard set, 112x112 JPEG 95, from the page cache.",
        "",
        "| images | images/s of processor time | images/s of wall time | target |",
        "|---:|---:|---:|---|",
    ]
    for _, found in results:
        rates = [found["images"] / seconds for seconds in found["processor"]]
        lines.append(
            f"| {found['images']:,} | {spread(rates, 0)} "
            f"| {spread([found['images'] / seconds for seconds in found['wall']], 0)} "
            f"| {DECODING:,}: {verdict(statistics.median(rates), DECODING, at_least=True)} |"
        )
    return lines


def _memory(results: Section) -> list[str]:
    sizes = sorted((found for _, found in results), key=lambda found: int(found["images"]))
    lines = [
        "## Peak memory",
        "",
        "A process of its own for each size: `mint-lightning fit`, one epoch, `iresnet_small` with stem_stride 4",
        "(faster, and with less memory of its own, so that growth shows more), one worker. The largest sum over the",
        "process and its workers, sampled ten times a second: each page of theirs once (what no file backs, and of",
        "each file what is in memory of it); resident (counted in each process); proportional (shared out among all",
        "who have it, this measuring process too, so it depends on what else runs). The target is held against the",
        "first two.",
        "",
        "| fit images | once, MiB | of the smallest | resident, MiB | of the smallest | proportional, MiB | target |",
        "|---:|---:|---:|---:|---:|---:|---|",
    ]
    for found in sizes:
        once, rss = (found[kind] / sizes[0][kind] for kind in ("once_kib", "rss_kib"))
        target = "-" if found is sizes[0] else f"{MEMORY:.2f}: {verdict(max(once, rss), MEMORY, at_least=False)}"
        lines.append(
            f"| {found['images']:,} | {found['once_kib'] / 1024:,.0f} | {once:.3f} "
            f"| {found['rss_kib'] / 1024:,.0f} | {rss:.3f} | {found['pss_kib'] / 1024:,.0f} | {target} |"
        )
    return lines

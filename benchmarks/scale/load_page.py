"""Many images, many tars and many cells, as the page says it."""

from benchmarks.common.figures import verdict
from benchmarks.scale.streaming import window
from benchmarks.scale.words import Section, faces_words

FLAT, PACE = 1.05, 0.90
"""Most memory and handles at the end for those at the start; least rate likewise."""


def soak(results: Section) -> list[str]:
    """The first tenth of the images beside the last."""
    lines = []
    for given, found in results:
        start, end = window(found, 0.01, 0.1), window(found, 0.9, 1.0)
        passes = given["images"] / found["packed"]
        lines = [
            f"## {found['images']:,} images through the stream",
            "",
            f"`TrainLoader` with one worker over a set of {found['packed']:,} 16x16 PNG images, {passes:.0f} epochs.",
            "The first tenth of the images (but for its first tenth) and the last; memory and handles are medians of",
            "both processes together. Once: each page of theirs once; resident: counted in each.",
            "",
            "| | first tenth | last tenth | last / first | target |",
            "|---|---:|---:|---:|---|",
        ]
        for name, word, per in (
            ("once_kib", "once, MiB", 1024),
            ("rss_kib", "resident, MiB", 1024),
            ("files", "open handles", 1),
        ):
            ratio = end[name] / start[name]
            target = f"{FLAT:.2f}: {verdict(ratio, FLAT, at_least=False)}"
            lines.append(f"| {word} | {start[name] / per:,.0f} | {end[name] / per:,.0f} | {ratio:.3f} | {target} |")
        ratio = end["rate"] / start["rate"]
        target = f"{PACE:.2f}: {verdict(ratio, PACE, at_least=True)}"
        lines.append(f"| images/s | {start['rate']:,.0f} | {end['rate']:,.0f} | {ratio:.3f} | {target} |")
        parts = [window(found, part / 10 if part else 0.01, (part + 1) / 10)["rate"] for part in range(10)]
        lines += ["", f"Images/s of each tenth: {', '.join(f'{rate:,.0f}' for rate in parts)}."]
    return lines


def shards(results: Section) -> list[str]:
    """Few tars beside many."""
    sizes = sorted((found for _, found in results), key=lambda found: int(found["tars"]))
    given = results[0][0]
    lines = [
        "## Many tars",
        "",
        f"The same {given['images']:,} 16x16 PNG images in few tars and in many, {given['passes']} passes of",
        "`TrainLoader` with one worker, in a process of its own for each; medians after the first tenth.",
        "",
        "| tars | images/s | of the fewest | most open handles | once, MiB | of the fewest | resident, MiB |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    first = window(sizes[0], 0.1, 1.0)
    for found in sizes:
        here = window(found, 0.1, 1.0)
        lines.append(
            f"| {found['tars']:,} | {here['rate']:,.0f} | {here['rate'] / first['rate']:.3f} | {found['most_open']:,} "
            f"| {here['once_kib'] / 1024:,.0f} | {here['once_kib'] / first['once_kib']:.3f} "
            f"| {here['rss_kib'] / 1024:,.0f} |"
        )
    return lines


def table(results: Section) -> list[str]:
    """Few cells beside many."""
    sizes = sorted((found for _, found in results), key=lambda found: int(found["cells"]))
    given = results[0][0]
    lines = [
        "## Many cells",
        "",
        f"`mint-lightning table` on {faces_words(given)}, a tiny network: Vanilla heads at taps x learning",
        f"rates x {given['seeds']} seeds, {given['epochs']} epochs each, no controls; in a process of its own, whole.",
        "",
        "| cells | seconds | for each cell | heads | evidence | once, MiB | of the fewest | resident, MiB |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for found in sizes:
        laps = " | ".join(f"{found['laps'].get(part, 0.0):.1f}" for part in ("heads", "evidence"))
        lines.append(
            f"| {found['cells']:,} | {found['seconds']:.1f} | {found['seconds'] / found['cells']:.2f} | {laps} "
            f"| {found['once_kib'] / 1024:,.0f} | {found['once_kib'] / sizes[0]['once_kib']:.3f} "
            f"| {found['rss_kib'] / 1024:,.0f} |"
        )
    return lines

"""What became of the runs that were killed, as the page says it."""

from collections import Counter
from collections.abc import Mapping

from benchmarks.scale.words import Section, faces_words


def kills(results: Section) -> list[str]:
    """Counts, and those that did not end in the same bits."""
    lines = []
    for given, found in results:
        done = found["kills"]
        same, killed = Counter[str](), Counter[str]()
        for each in done:
            killed[each["kind"]] += 1
            same[each["kind"]] += not each["different"]
        sent = Counter(each["sent"] for each in done)
        lost = len(done) - sum(same.values())
        lines = [
            "## Random kills",
            "",
            f"Runs on {faces_words(given)}, with one loader worker, got a signal ({_counts(sent)}) at a random batch,",
            "half of them up to 0.2 s behind it, wherever they were by then. The same command went on with each (`fit`",
            "from its resume.ckpt, where there was one); its end is compared with that of a run that nobody stopped:",
            "weights, optimizer and logged figures, of tables all heads and figures. A `fit` keeps a checkpoint every",
            "1 to 4 batches; tables and networks keep what they have after each, not every few seconds or minutes.",
            "",
            "| command | batches | killed | gone on to the same bits |",
            "|---|---:|---:|---:|",
            *(f"| `{kind}` | {found['steps'][kind]} | {killed[kind]} | {same[kind]} |" for kind in killed),
            "",
            f"All {len(done)} ended in the same bits." if not lost else f"**{lost} of {len(done)} did not:**",
        ]
        if lost:
            lines.append("")
        for each in done:
            if each["different"]:
                where = f"{each['sent']} {each['delay']:.3f} s behind batch {each['step']}"
                lines.append(f"- number {each['number']}, `{each['kind']}`, {where}: {', '.join(each['different'])}")
    return lines


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{count} times {name}" for name, count in sorted(counted.items()))

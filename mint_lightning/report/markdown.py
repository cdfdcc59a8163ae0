"""The same table as markdown, for files under benchmarks/ and for the description of an MLflow run."""

import re

from mint_lightning.evidence import TableEvidence
from mint_lightning.report import wording
from mint_lightning.report.cells import cells, columns
from mint_lightning.report.context import Context


def render_markdown(evidence: TableEvidence, context: Context | None = None) -> str:
    """The claim, the table and its notes; with a context also how it was made. Ends with a newline."""
    outcome, _, reason = wording.claim_sentence(evidence).partition(". ")
    lines = [f"**{escape(outcome)}.** {escape(reason)}"]
    lines += ["", *_table(evidence), "", f"{wording.level_note(evidence)} n: {escape(wording.sizes(evidence))}."]
    if context is not None:
        lines += ["", *_made(context)]
    return "\n".join(lines) + "\n"


def _table(evidence: TableEvidence) -> list[str]:
    shown = columns(evidence)
    heading = [f"{column.title} ({column.detail})" if column.detail else column.title for column in shown]
    lines = [_line(heading), _line(["---" if column.key == "row" else "---:" for column in shown])]
    for row in evidence.rows:
        found = cells(row, evidence)
        entries = []
        for column in shown:
            cell = found[column.key]
            text = escape(f"{cell.text} ({cell.detail})" if _loose(cell.detail) else f"{cell.text} {cell.detail}")
            entries.append(f"**{text.strip()}**" if row.finds and column.key in ("row", "finds") else text.strip())
        lines.append(_line(entries))
    return lines


def _loose(detail: str) -> bool:
    return bool(detail) and not detail.startswith("[")


def _line(entries: list[str]) -> str:
    return f"| {' | '.join(entries)} |"


def _made(context: Context) -> list[str]:
    lines = [f"Command: `{_code(context.command)}`", f"Network: `{_code(context.network_name)}`"]
    if context.fingerprint:
        lines[-1] += f", fingerprint `{_code(context.fingerprint)[:16]}`"
    lines += [f"Shards: `{_code(name)}`, manifest `{_code(value)[:16]}`" for name, value in context.manifests.items()]
    lines.append(f"Seed: {context.seed}")
    if context.seconds:
        parts = (f"{escape(part)} {wording.seconds(value)}" for part, value in context.seconds.items())
        lines.append(f"Time: {', '.join(parts)}")
    if context.date:
        lines.append(f"Date: {escape(context.date)}")
    return [f"- {line}" for line in lines]


def escape(text: str) -> str:
    """Plain text as markdown: nothing in a name can open a tag, a link, an emphasis or a table cell."""
    text = " ".join(text.split())
    text = re.sub(r"&(?=[#\w]+;)", "&amp;", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    return re.sub(r"([\\`*_|~]|\[(?=[^\]]*\]\()|!(?=\[))", r"\\\1", text)


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")

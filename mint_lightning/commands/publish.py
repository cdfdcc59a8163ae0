"""A finished table becomes files, a run of the tracking store, a page and a printed table."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mint_lightning import __version__
from mint_lightning.auditor import NETWORK
from mint_lightning.commands.auditor_cards import add_network, write_auditors
from mint_lightning.commands.card_words import figure_lines
from mint_lightning.commands.track import track
from mint_lightning.errors import UserError
from mint_lightning.evidence import TableEvidence
from mint_lightning.files import atomic_path, read_json, sha256_json, write_json
from mint_lightning.report import Context
from mint_lightning.report.console import print_table
from mint_lightning.report.html import write_html
from mint_lightning.report.latex import render_latex
from mint_lightning.report.markdown import render_markdown
from mint_lightning.report.scores import ATTRIBUTES, HEADS, SCORES, write_columns, write_heads, write_scores
from mint_lightning.report.subjects import subject_of
from mint_lightning.report.tidy import heads_csv, table_csv
from mint_lightning.report.tidy_parts import reliability_csv, slices_csv

SCHEMA_VERSION = 1
TABLE = "table.json"
TEXTS = {
    "table.md": render_markdown,
    "table.csv": table_csv,
    "heads.csv": heads_csv,
    "slices.csv": slices_csv,
    "reliability.csv": reliability_csv,
    "table.tex": render_latex,
}


@dataclass(frozen=True)
class Request:
    """What was asked for; two requests of one hash give the same table."""

    name: str
    folder: Path
    asked: Mapping[str, Any]
    experiment: str
    register: bool = True
    with_network: bool = False

    @cached_property
    def hash(self) -> str:
        """Hash of what decides the figures, files that the data names by path included by their content.

        Taken once, before the work: what is replaced meanwhile must not be taken for what the figures are of.
        """
        try:
            return sha256_json({"asked": self.asked, "files": _hashes(self.asked), "version": __version__})
        except ValueError as error:
            raise UserError(f"Every number of a table's request must be finite: {error}.") from error


def _hashes(value: Any) -> list[str]:
    """Manifest and card hashes behind the paths of a request, so that packing or training anew is noticed."""
    from mint_lightning.files import sha256_file

    if isinstance(value, Mapping):
        return [digest for item in value.values() for digest in _hashes(item)]
    if isinstance(value, list | tuple):
        return [digest for item in value for digest in _hashes(item)]
    if isinstance(value, str):
        path = Path(value)
        marks = [path / "manifest.json", path / "card.json"] if path.is_dir() else [path]
        return [sha256_file(mark) for mark in marks if mark.is_file()]
    return []


def finished(request: Request) -> bool:
    """Whether the folder holds this very table."""
    path = request.folder / TABLE
    if not path.is_file() or (request.with_network and not (request.folder / NETWORK).is_dir()):
        return False
    try:
        document = read_json(path, "table")
        TableEvidence.from_json(document["evidence"])
    except (UserError, KeyError, TypeError):
        return False  # damaged: made anew
    return bool(document.get("request_hash") == request.hash and not document.get("broken"))


def show(request: Request) -> TableEvidence:
    """Print the table that stands in the folder."""
    document = read_json(request.folder / TABLE, "table")
    evidence = TableEvidence.from_json(document["evidence"])
    context = Context.from_json(document["context"])
    print_table(evidence, context)
    track(evidence, context, request.folder, request.experiment, request.asked, register=request.register)
    print(f"Reused: {request.folder} holds this table already (--reuse false makes it anew).")
    return evidence


def publish(run: Any, data: Any, request: Request) -> None:
    """Write the folder (evidence, scores, auditors, page), log the run and print the table.

    The evidence is on disk before the tracking store is asked, so a store that fails costs no figures.
    """
    context = Context.now(
        request.name,
        "mint-lightning " + " ".join(sys.argv[1:]),
        network_summary(data),
        {data.set_name: data.manifest.hash},
        seed=int(request.asked["seed"]),
        seconds=run.seconds,
        declared=declared(data, request),
        published=request.asked.get("published"),
    )
    with atomic_path(request.folder) as folder:
        folder.mkdir(parents=True)
        scored = [*run.rows, *run.pixel_rows()]
        write_scores(folder / SCORES, scored)
        write_heads(folder / HEADS, scored)
        if run.attributes:
            largest = max(run.rows, key=lambda row: len(row.audited))
            write_columns(folder / ATTRIBUTES, run.attributes, largest.audited.key.tolist())
        write_html(folder / "report.html", run.evidence, context)
        for name, render in TEXTS.items():
            (folder / name).write_text(render(run.evidence, context), encoding="utf-8")
        write_auditors(folder / "auditors", run, data)
        if request.with_network:
            add_network(folder, data)
        write_json(
            folder / TABLE,
            {
                "schema_version": SCHEMA_VERSION,
                "request": dict(request.asked),
                "request_hash": request.hash,
                "broken": run.broken,
                "context": context.to_json(),
                "evidence": run.evidence.to_json(),
            },
        )
    print_table(run.evidence, context)
    for key in run.broken[:5]:
        print(f"An image could not be decoded and counts nowhere: {key}")
    track(run.evidence, context, request.folder, request.experiment, request.asked, register=request.register)
    print(f"Written: {request.folder / 'report.html'} (page), {', '.join(TEXTS)}, scores and heads, auditors/.")


def network_summary(data: Any) -> dict[str, Any]:
    """Name, fingerprint and what the card tells, for reports."""
    card = data.card
    summary: dict[str, Any] = {"name": data.network.name, "fingerprint": data.network.fingerprint()}
    if card is not None:
        summary["architecture"] = card.architecture
        if card.members:
            many = subject_of(data.subject).many
            summary["trained on"] = f"{card.members['images']} photos of {card.members['identities']} {many}"
        for name, value in card.accuracy.items():
            if isinstance(value, Mapping) and "pairs" not in value:  # a classifier's, by part
                lines = (line.partition(": ") for line in figure_lines(name, value))
                summary |= {head.lower(): said for head, _, said in lines}
            else:
                summary[f"accuracy, {name}"] = value
    summary["members known by"] = data.groups.how
    summary |= {name: str(value) for name, value in data.network.facts.items()}
    return summary


def declared(data: Any, request: Request) -> tuple[str, ...]:
    """Sentences of what was told and not measured."""
    found = [f"The members are those of {data.groups.how}."]
    if data.network.access == "outcome":
        found.append("The auditor was given the network's outcome alone, and none of its inner activations.")
    if request.asked["references"]:
        found.append("The references were declared to be trained on neither members nor externals.")
    return tuple(found)

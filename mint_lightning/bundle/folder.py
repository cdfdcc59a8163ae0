"""The folder of a bundle: written so that a lawyer can read it and an engineer compute it again."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from mint_lightning import __version__
from mint_lightning.bundle.forms import write_forms
from mint_lightning.bundle.rescored import differences, weighed_again
from mint_lightning.bundle.signing import SIGNATURE, sign
from mint_lightning.bundle.source import Source
from mint_lightning.errors import UserError
from mint_lightning.files import atomic_path, refuse_foreign_folder, sha256_file, write_json
from mint_lightning.learning.rows import slug
from mint_lightning.report import figures
from mint_lightning.report.html import render_html
from mint_lightning.report.scores import ATTRIBUTES, HEADS, SCORES, read_audited, write_heads, write_scores
from mint_lightning.report.tidy import table_csv

SCHEMA_VERSION: Final = 1
BUNDLE: Final = "bundle.json"
EVIDENCE: Final = "evidence.json"
PAGE: Final = "report.html"
SUMS: Final = "SHA256SUMS"
PDF: Final = "report.pdf"


def write_bundle(
    out: Path, source: Source, *, names: bool = False, pdf: bool = False, forms: bool = False, key: Path | None = None
) -> Path:
    """Write the bundle of `source` to the folder `out`, atomically, and return it.

    Args:
        out: a folder to be made; a bundle that stands there is replaced.
        source: what it is of.
        names: whether people keep their names; else they are numbers, which no figure depends on.
        pdf: whether the page is written as report.pdf too.
        forms: whether the scores of each row are written as other tools take them (see `forms`).
        key: PEM file of a private Ed25519 key to sign with.

    Raises:
        UserError: the scores do not give the figures of the evidence again, or a part cannot be made.
    """
    refuse_foreign_folder(out, BUNDLE, "bundle")
    with atomic_path(out) as folder:
        folder.mkdir(parents=True)
        _scores(folder, source, names)
        again = weighed_again(folder, source.evidence)
        if found := next(differences(source.evidence.to_json(), again.to_json()), None):
            raise UserError(f"The scores of {source.folder} do not give its figures again ({found}): it was changed.")
        write_json(folder / EVIDENCE, source.evidence.to_json())
        page = render_html(source.evidence, source.context, bundled=True, limits=source.limits)
        (folder / PAGE).write_text(page, encoding="utf-8")
        (folder / "table.csv").write_text(table_csv(source.evidence, source.context), encoding="utf-8")
        (folder / "pictures").mkdir()
        for picture in figures.pictures(source.evidence):
            (folder / "pictures" / f"{picture.name}.png").write_bytes(picture.png())
        if forms:
            for row in source.evidence.rows:
                write_forms(folder / "forms", slug(row.name), read_audited(folder / SCORES, row.name))
        if pdf:
            from mint_lightning.bundle.pdf import write_pdf

            write_pdf(folder / PDF, page)
        write_json(folder / BUNDLE, document(folder, source, names))
        if key is not None:
            (folder / SIGNATURE).write_bytes(sign((folder / BUNDLE).read_bytes(), key))
        (folder / SUMS).write_text(sums(folder), encoding="utf-8")
    return out


def document(folder: Path, source: Source, names: bool) -> dict[str, Any]:
    """bundle.json: what was asked, by which versions, and the hash of every file (docs/bundle.schema.json)."""
    evidence, context = source.evidence, source.context
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "mint-lightning", "version": __version__},
        "kind": source.kind,
        "outcome": evidence.claim.outcome.value,
        "reason": evidence.claim.reason,
        "may_claim": evidence.claim.may_claim,
        "context": context.to_json(),
        "config": dict(source.config),
        "seeds": _seeds(source),
        "hashes": {
            "network": context.fingerprint,
            "manifests": dict(context.manifests),
            "scores": sha256_file(folder / SCORES),
            "evidence": sha256_file(folder / EVIDENCE),
        },
        "people": "named" if names else "numbered",
        "stated": source.stated.to_json() if source.stated else None,
        "limits": list(source.limits),
        "files": {name: sha256_file(folder / name) for name in contents(folder)},
    }


def contents(folder: Path) -> list[str]:
    """Names of all files of a bundle but those that hold its hashes, in order."""
    every = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    names = sorted(path.relative_to(folder).as_posix() for path in every)
    return [name for name in names if name not in (BUNDLE, SUMS, SIGNATURE)]


def sums(folder: Path) -> str:
    """SHA256SUMS: a line for each file, as `sha256sum -c` takes it."""
    signed = [SIGNATURE] if (folder / SIGNATURE).is_file() else []
    return "".join(f"{sha256_file(folder / name)}  {name}\n" for name in [*contents(folder), BUNDLE, *signed])


def _seeds(source: Source) -> dict[str, Any]:
    heads = {row.name: sorted({head.seed for head in row.heads}) for row in source.evidence.rows if row.heads}
    return {"run": source.context.seed, "heads": heads}


def _scores(folder: Path, source: Source, names: bool) -> None:
    if source.rows:
        write_scores(folder / SCORES, source.rows)
        write_heads(folder / HEADS, source.rows)
    for name in () if source.rows else (SCORES, HEADS, ATTRIBUTES):
        if (source.folder / name).is_file():
            shutil.copyfile(source.folder / name, folder / name)
    if not (folder / SCORES).is_file():
        raise UserError(f"{source.folder} holds no {SCORES}: its figures cannot be recomputed. Make it again.")
    if not names:
        _number_people(folder / SCORES)


def _number_people(path: Path) -> None:
    """People of a scores file as numbers, the same in every row: clustering, and so every figure, stays."""
    table = pq.read_table(path)
    known: dict[str, str] = {}
    numbers = pa.array([_number(known, name) for name in table["identity"].to_pylist()], pa.string())
    place = table.column_names.index("identity")
    pq.write_table(table.set_column(place, "identity", numbers), path, compression="zstd")


def _number(known: dict[str, str], identity: str) -> str:
    if identity not in known:
        known[identity] = f"{identity.partition('/')[0]}/{len(known) + 1}"
    return known[identity]


def checked_document(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The content of a bundle.json of this version.

    Raises:
        UserError: it is of another version, or lacks a part.
    """
    found = value.get("schema_version") if isinstance(value, Mapping) else None
    if found != SCHEMA_VERSION:
        raise UserError(f"This bundle has schema version {found}; this tool reads version {SCHEMA_VERSION}.")
    missing = [name for name in ("files", "context", "hashes", "tool", "kind") if name not in value]
    if missing or not isinstance(value["files"], Mapping):
        raise UserError(f"This bundle is not whole: bundle.json lacks {', '.join(missing) or 'its files'}.")
    return value

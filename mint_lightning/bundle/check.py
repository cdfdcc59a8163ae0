"""A bundle checked: every hash, every figure from the scores, the page, and the signature."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mint_lightning import __version__
from mint_lightning.bundle.folder import BUNDLE, EVIDENCE, PAGE, SCORES, SUMS, checked_document, contents, sums
from mint_lightning.bundle.rescored import differences, weighed_again
from mint_lightning.bundle.signing import signer
from mint_lightning.errors import UserError
from mint_lightning.evidence import TableEvidence
from mint_lightning.files import read_json, sha256_file
from mint_lightning.report import Context
from mint_lightning.report.html import render_html

SHOWN = 5


def check_bundle(folder: Path, trusted: Path | None = None) -> Iterator[str]:
    """Check a bundle part by part, yielding a sentence for each part that holds.

    Args:
        folder: of the bundle.
        trusted: PEM file of the public key that must have signed it; without one a signature need not be there, but
            one that is must be right.

    Raises:
        UserError: something was changed, is missing or too much; the sentence says what.
    """
    if not (folder / BUNDLE).is_file():
        raise UserError(f"{folder} is no bundle: it holds no {BUNDLE}.")
    document = checked_document(read_json(folder / BUNDLE, "bundle"))
    yield _files(folder, document)
    key = signer((folder / BUNDLE).read_bytes(), folder, trusted)
    if key is None:
        yield "Not signed: the hashes show that nothing changed since it was made, not who made it."
    else:
        whose = f"by the key of {trusted}" if trusted else "; whose key that is, --key FILE would tell"
        yield f"Signed by the Ed25519 key {key[:16]}... {whose}."
    evidence = TableEvidence.from_json(read_json(folder / EVIDENCE, "evidence"))
    yield _figures(folder, evidence)
    yield _said(folder, document, evidence)


def _files(folder: Path, document: Mapping[str, Any]) -> str:
    files, found = document["files"], contents(folder)
    if link := next((name for name in found if (folder / name).is_symlink()), None):
        raise UserError(f"{folder / link} is a link: a bundle holds plain files alone.")
    if missing := sorted(set(files) - set(found)):
        raise UserError(f"{folder} lacks {missing[0]}.")
    if extra := sorted(set(found) - set(files)):
        raise UserError(f"{folder} holds {extra[0]}, which its {BUNDLE} does not name.")
    changed = [name for name in found if sha256_file(folder / name) != files[name]]
    hashes = document["hashes"]
    for part, name in (("scores", SCORES), ("evidence", EVIDENCE)):
        if not isinstance(hashes, Mapping) or hashes.get(part) != files.get(name):
            changed.append(BUNDLE)
    if not (folder / SUMS).is_file() or (folder / SUMS).read_bytes() != sums(folder).encode():
        changed.append(f"{SUMS} or {BUNDLE}")
    if changed:
        raise UserError(f"{folder} was changed: {', '.join(dict.fromkeys(changed[:SHOWN]))}.")
    return f"All {len(files)} files are as they were written, by their SHA-256."


def _figures(folder: Path, evidence: TableEvidence) -> str:
    again = weighed_again(folder, evidence)
    found = list(differences(evidence.to_json(), again.to_json()))
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise UserError(f"The scores of {folder} do not give its figures: {found[0]}{more}.")
    heads = sum(len(row.heads) for row in evidence.rows)
    return f"All figures of {len(evidence.rows)} rows and {heads} heads come out of the scores again."


def _said(folder: Path, document: Mapping[str, Any], evidence: TableEvidence) -> str:
    """Whether bundle.json and the page say what the evidence says."""
    claim = evidence.claim
    said = document.get("outcome"), document.get("reason"), document.get("may_claim")
    if said != (claim.outcome.value, claim.reason, claim.may_claim):
        raise UserError(f"{folder / BUNDLE} claims something else than the evidence.")
    made_by = document["tool"].get("version") if isinstance(document["tool"], Mapping) else None
    if made_by != __version__:
        return f"The page was made by version {made_by} and not drawn again by {__version__}; its hash holds."
    context = Context.from_json(document["context"])
    page = render_html(evidence, context, bundled=True, limits=tuple(document.get("limits") or ()))
    if _words(page) != _words((folder / PAGE).read_text(encoding="utf-8")):
        raise UserError(f"{folder / PAGE} says something else than the evidence.")
    return "The page says what the evidence says."


def _words(page: str) -> str:
    """A page without its drawings, whose paths another matplotlib draws otherwise."""
    parts = page.split("<svg")
    return parts[0] + "".join(part.partition("</svg>")[2] for part in parts[1:])

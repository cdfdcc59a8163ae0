"""Auditors of a table or of one head: a folder for each row, a card that says what it is."""

from pathlib import Path
from typing import Any

from mint_lightning.auditor import NETWORK, AuditorCard, WeightsMissing, copy_network, save_auditor
from mint_lightning.auditor.kinds import KINDS
from mint_lightning.auditor.novelty import NoveltyCheck
from mint_lightning.errors import UserError
from mint_lightning.heads import HEADS, of_one
from mint_lightning.learning.labels import CLASS
from mint_lightning.learning.limits import limits_of
from mint_lightning.learning.rows import FLIP, slug


def write_auditors(folder: Path, run: Any, data: Any) -> None:
    """One auditor per row; not of a cross-fitted head, which is several heads whose scores are on no one scale, nor of
    what needs the photos' classes, or reference networks, which nobody has of a photo that is asked about."""
    folder.mkdir()
    for spec, scores in zip(run.specs, run.rows, strict=True):
        heads = run.heads.get(spec.title)
        needs_classes = spec.relative or CLASS in spec.taps or (spec.head in KINDS and KINDS[spec.head].labels)
        if (heads and len(heads) > 1) or needs_classes:
            continue
        row = run.evidence.row(spec.title)
        count = max(1, len(row.seed_aucs))
        card = auditor_card(
            data,
            spec.title,
            spec.head,
            spec.card_arguments,
            spec.taps,
            row,
            heads=count,
            view=spec.view or FLIP,
            novelty=run.novelty,
        )
        save_auditor(folder / slug(spec.title), card, heads[0] if heads else None, scores.audited, run.novelty)


def _views(kind: str, taps: list[str], arguments: dict[str, Any], view: str) -> list[str]:
    """Of the photo, that an auditor reads."""
    if kind in HEADS:
        return list(dict.fromkeys(seen for seen, _ in of_one(HEADS[kind].reads(taps, arguments)))) or ["original"]
    return ["original", view] if kind == "agreement" else ["original"]


def add_network(folder: Path, data: Any) -> None:
    """Copy the audited network beside the auditors, so that the folder audits by itself."""
    try:
        copy_network(auditor_card(data, "", "norm", {}, [], None), folder / NETWORK)
    except WeightsMissing as why:
        raise UserError(f"--with_network: the network cannot be copied, for {why}.") from why


def auditor_card(
    data: Any,
    name: str,
    kind: str,
    arguments: Any,
    taps: list[str],
    evidence: Any,
    *,
    heads: int = 1,
    view: str = FLIP,
    novelty: NoveltyCheck | None = None,
) -> AuditorCard:
    """The card of an auditor made on this data; `evidence` is its row of a table with controls, or None."""
    shapes = data.network.aad_shapes(taps) if taps else {}
    return AuditorCard(
        name=name,
        kind=kind,
        arguments=dict(arguments),
        shapes=[list(shape) for shape in shapes.values()],
        taps=list(taps),
        views=_views(kind, list(taps), dict(arguments), view),
        embedding=data.network.tap_names[-1],
        network={
            "name": data.network.name,
            "fingerprint": data.network.fingerprint(),
            "card": data.card.to_dict() if data.card is not None else None,
            "run": data.network.facts,
        },
        pixels={name: getattr(data.manifest, name) for name in ("image_size", "alignment", "border", "encoder")},
        membership={
            "how": data.groups.how,
            "random_partition": data.groups.random_partition,
            "shards": data.manifest.hash,
            "partition_hash": data.manifest.partition_hash,
        },
        evidence=evidence,
        limits=limits_of(
            data.groups,
            with_controls=evidence is not None,
            novelty=novelty,
            subject=data.subject,
            classes=data.only,
        ),
        heads=heads,
        subject=data.subject,
    )

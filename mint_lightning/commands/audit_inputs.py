"""What an audit needs, from the words of its command: auditors with their networks, and photos."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mint_lightning.audited import AuditedNetwork, NetworkSource
from mint_lightning.auditor import Auditor, PhotoFiles, Photos, ShardPhotos, load_auditor, photo_files
from mint_lightning.errors import UserError
from mint_lightning.evidence.words import OBJECTS
from mint_lightning.files import write_json
from mint_lightning.shards.align import CenterFace, CutSettings, FaceCut, Which
from mint_lightning.shards.remote import local_set
from mint_lightning.shards.transfer import is_address
from mint_lightning.tracking.fetch import Found


def load_all(
    found: Sequence[Found], weights: Mapping[str, str], scratch: Path
) -> tuple[dict[str, Auditor], dict[str, AuditedNetwork]]:
    """(auditors by name, audited networks by fingerprint); a name that comes twice is told apart by its network's.

    weights: files by the name of the network; scratch: an empty folder.

    Raises:
        UserError: a name in `weights` is that of no network, or weights are missing or not the card's.
    """
    loaded = [load_auditor(each.auditor) for each in found]
    known = {str(auditor.card.network["name"]) for auditor in loaded}
    if unknown := sorted(set(weights) - known):
        raise UserError(
            f"weights names {unknown[0]!r}, which no auditor audits; they audit {', '.join(sorted(known))}."
        )
    auditors: dict[str, Auditor] = {}
    networks: dict[str, AuditedNetwork] = {}
    for number, (each, auditor) in enumerate(zip(found, loaded, strict=True)):
        name = str(auditor.card.network["name"])
        title = auditor.card.name if auditor.card.name not in auditors else f"{auditor.card.name} on {name}"
        if title in auditors:
            raise UserError(f"The auditor {each.auditor} is given twice: leave one out.")
        if twice := next((n for n, other in auditors.items() if other.card == auditor.card), None):
            raise UserError(f"The auditor {each.auditor} is {twice!r}, which is given already: leave one out.")
        auditors[title] = auditor
        if auditor.card.fingerprint in networks and _rounding(auditor) != networks[auditor.card.fingerprint].uses_bf16:
            raise UserError(
                f"The auditor {title!r} was made in another number format than the first: ask it by itself."
            )
        if auditor.card.fingerprint not in networks:
            source = _source(auditor, each.network, weights.get(name), scratch / f"{number}.json")
            networks[auditor.card.fingerprint] = replace(source, bf16=_rounding(auditor)).load()
        auditor.check(networks[auditor.card.fingerprint])
    return auditors, networks


def _rounding(auditor: Auditor) -> bool:
    """Whether the auditor read its network in bfloat16, which rounds what it is asked about alike."""
    return (auditor.card.network.get("run") or {}).get("precision") == "bfloat16"


def _source(auditor: Auditor, folder: Path | None, weights: str | None, card: Path) -> NetworkSource:
    """Where the audited network comes from: the folder that came with the auditor, else the card in the auditor's."""
    if folder is not None and weights is None:
        return NetworkSource(card=str(folder))
    known = auditor.card.network["card"]
    if known is None:
        raise UserError(
            f"The auditor {auditor.card.name!r} names no card of its network {auditor.card.network['name']!r}: make it "
            "from a network with a card.json."
        )
    file = weights or (known["weights"] or {}).get("file")
    if file is None or not Path(file).is_file():
        name = auditor.card.network["name"]
        raise UserError(
            f"The weights of {name!r} are not at {file}: give --weights {name}=FILE (sha256 "
            f"{str((known['weights'] or {}).get('sha256'))[:12]}...)."
        )
    write_json(card, known)
    return NetworkSource(card=str(card), weights=str(Path(file).absolute()))


def open_photos(
    given: Sequence[str],
    auditors: Mapping[str, Auditor],
    *,
    aligned: bool,
    detector: str,
    faces: str,
    workers: int,
) -> Photos:
    """The photos that the command names, to be brought to the pixels that every auditor was calibrated on.

    Raises:
        UserError: nothing is given, a path is not there, auditors differ in their pixels or in what their photos show,
            or a detector is named for photos that none will see.
    """
    if not given:
        raise UserError("Name the photos: image files, folders of images, or one shard set.")
    pixels: Mapping[str, Any] = next(iter(auditors.values())).card.pixels
    for name, auditor in auditors.items():
        if dict(auditor.card.pixels) != dict(pixels):
            raise UserError(
                f"The auditor {name!r} was made of photos of other pixels than the first: ask it by itself."
            )
        if auditor.card.subject != next(iter(auditors.values())).card.subject:
            raise UserError(f"The auditor {name!r} was made of photos of {auditor.card.subject}: ask it by itself.")
    objects = next(iter(auditors.values())).card.subject == OBJECTS
    if objects and (detector != CenterFace.name or faces != "largest"):
        raise UserError("These auditors are of objects, in which no faces are found: leave out --detector and --faces.")
    sets = [path for path in given if is_address(path) or (Path(path) / "manifest.json").is_file()]
    if sets:
        if len(given) > 1:
            raise UserError(f"{sets[0]} is a shard set: ask about it by itself.")
        if detector != CenterFace.name or faces != "largest":
            raise UserError(f"{sets[0]} is a shard set, whose faces are cut already: leave out --detector and --faces.")
        return ShardPhotos(local_set(sets[0]), pixels, workers=workers)
    files = photo_files(given)
    if aligned:
        if detector != CenterFace.name or faces != "largest":
            raise UserError("--aligned true says that faces are cut already: leave out --detector and --faces.")
        return PhotoFiles(files, pixels)
    if objects:  # nothing says how objects were cut out of their photos, so that these were is for the user to declare
        return PhotoFiles(files, pixels, barred="other_pixels")
    cut, own = _cut(pixels, detector, faces)
    return PhotoFiles(files, pixels, cut, None if own else "other_pixels", detector=cut.settings.words)


def _cut(pixels: Mapping[str, Any], detector: str, faces: str) -> tuple[FaceCut, bool]:
    """How faces are cut, and whether so were the auditor's own: as those, where these were cut by this program."""
    size = int(pixels["image_size"])
    own = CutSettings.of_words(str(pixels["alignment"]), size=size, border=str(pixels["border"]), detector=detector)
    which: Which = "all" if faces == "all" else "largest"
    if own is not None and detector not in (CenterFace.name, own.detector):
        raise UserError(f"The auditor's own photos were cut by {own.detector}: leave out --detector {detector}.")
    settings = CutSettings(detector, size) if own is None else replace(own, realign=False)
    return FaceCut(settings.with_faces(which)), own is not None

"""What one answer is about: a face (or the object on a photo), or all photos of a person (or of an object)."""

from collections.abc import Sequence
from dataclasses import dataclass

from mint_lightning.auditor.scoring import Scored
from mint_lightning.errors import UserError
from mint_lightning.evidence.words import FACES

ALL = "all photos"


@dataclass(frozen=True)
class Unit:
    """Faces (indices into the scored ones) of one photo or of one person.

    family: what its answers are adjusted with: the photo, whose faces are asked about together, or the person. Units of
    one family follow one another. merged: faces left out because they show the same picture as another.
    """

    name: str
    family: str
    faces: tuple[int, ...]
    merged: int = 0


def units(scored: Scored, group_by: str, subject: str = FACES) -> list[Unit]:
    """The units of a request, in the order in which they were given. subject: what the photos show.

    Raises:
        UserError: people or objects are asked for, but it is not said which is on a photo.
    """
    if group_by == "none":
        pairs = zip(scored.names, scored.photos, strict=True)
        return [Unit(name, photo, (place,)) for place, (name, photo) in enumerate(pairs)]
    if group_by == "all":
        return [_person(scored, ALL, range(len(scored.names)))]
    if nobody := [name for name, identity in zip(scored.names, scored.identities, strict=True) if not identity]:
        which, one = ("Who", "person") if subject == FACES else ("Which object", "object")
        raise UserError(
            f"{which} is on {nobody[0]!r} is not said: put the photos of each {one} into a folder of their own and "
            f"give the folder above, or use --group-by all where all show one {one}."
        )
    found: dict[str, list[int]] = {}
    for place, identity in enumerate(scored.identities):
        found.setdefault(identity, []).append(place)
    return [_person(scored, name, places) for name, places in found.items()]


def _person(scored: Scored, name: str, faces: Sequence[int]) -> Unit:
    distinct = scored.looks.distinct(faces) if scored.looks is not None else tuple(faces)
    return Unit(name, name, distinct, len(faces) - len(distinct))

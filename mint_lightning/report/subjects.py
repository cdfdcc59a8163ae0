"""What the photos of a table show, in the nouns and phrases that its reports are made of: one place for all of them."""

from dataclasses import dataclass
from typing import Final

from mint_lightning.evidence.words import FACES, OBJECTS, checked_subject


@dataclass(frozen=True)
class Subject:
    """An identity in words.

    one, many: of it; same: many of them, in headings of what compares photos of the same ones; strangers: what
    outsiders are; none_of, which_was: "saw nobody of its fold", "cannot know who was in the training set"; note: what
    has to be said of identities, or "".
    """

    one: str
    many: str
    same: str
    strangers: str
    none_of: str
    which_was: str
    note: str

    def count(self, number: int) -> str:
        """person or people"""
        return self.one if number == 1 else self.many

    @property
    def title(self) -> str:
        """The heading of a column that counts them."""
        return self.many.capitalize()


_ALL: Final = {
    FACES: Subject(
        one="person",
        many="people",
        same="people",
        strangers="people it never saw",
        none_of="nobody",
        which_was="who was",
        note="",
    ),
    OBJECTS: Subject(
        one="object",
        many="objects",
        same="objects (tracks)",
        strangers="objects it never saw",
        none_of="nothing",
        which_was="what was",
        note="An object is one photo or, where photos come from videos, one track: its photos show one object.",
    ),
}

PEOPLE: Final = _ALL[FACES]


def subject_of(name: str) -> Subject:
    """The words of the subject of that name; `UserError` if it is not known."""
    return _ALL[checked_subject(name)]

"""What an audit may say, and why: outcomes and claims, in words that can be said in any language."""

from dataclasses import dataclass
from enum import StrEnum

from mint_lightning.evidence.document import Document
from mint_lightning.evidence.words import FACES, words


class Outcome(StrEnum):
    """The four things an audit may say. The values are fixed: translations are keyed by them."""

    SCORES_LIKE_TRAINING_PHOTOS = "scores like training photos"
    NOT_DISTINGUISHABLE = "not distinguishable"
    CANNOT_TELL = "cannot tell: membership or database"
    OUTSIDE = "outside the audit"


@dataclass(frozen=True)
class Phrase(Document):
    """A sentence by its name in `words`, and what fills its blanks: so that it can be said in any language."""

    name: str
    blanks: dict[str, str]

    def say(self, language: str = "en", subject: str = FACES) -> str:
        """The sentence, of photos of that subject."""
        return words(language, subject)(self.name, **self.blanks)


@dataclass(frozen=True)
class Claim(Document):
    """What may be said of a row or of the table, and why, in plain English; said: the same, for other languages.

    route: "random partition", "declared partition", "references", or None; row: the row that carries it; about: "this
    photo", "this person", "this photo and this person" ("this object" where the photos show objects), or None where no
    unseen photos tell the two apart.
    """

    outcome: Outcome
    may_claim: bool
    reason: str
    route: str | None = None
    row: str | None = None
    about: str | None = None
    said: tuple[Phrase, ...] = ()

    def why(self, language: str = "en", subject: str = FACES) -> str:
        """The reason in that language, of photos of that subject."""
        return " ".join(phrase.say(language, subject) for phrase in self.said) or self.reason

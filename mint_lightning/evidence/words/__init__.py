"""What verdicts and claims say, in one place, by language and subject: the same names and the same blanks in each.

A language is one file of `SENTENCES`, with blanks, and `TERMS`, whole texts by their English; `OBJECTS` and
`OBJECT_TERMS` are those of them that read otherwise where the photos show objects and not faces.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mint_lightning.errors import UserError
from mint_lightning.evidence.words import en, es

FACES, OBJECTS = "faces", "objects"
SUBJECTS: Final = (FACES, OBJECTS)
SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {"en": en.SENTENCES, "es": es.SENTENCES}
TERMS: Final[Mapping[str, Mapping[str, str]]] = {"en": {}, "es": es.TERMS}
LANGUAGES: Final = tuple(SENTENCES)
_SENTENCES_OF: Final = {
    FACES: SENTENCES,
    OBJECTS: {"en": {**en.SENTENCES, **en.OBJECTS}, "es": {**es.SENTENCES, **es.OBJECTS}},
}
_TERMS_OF: Final = {FACES: TERMS, OBJECTS: {"en": {}, "es": {**es.TERMS, **es.OBJECT_TERMS}}}


def words(language: str, subject: str = FACES) -> Callable[..., str]:
    """What fills a sentence of that language by name; `UserError` for a language or a subject that is not there."""
    if language not in SENTENCES:
        raise UserError(f"There is no language {language!r}; there are {', '.join(SENTENCES)}.")
    checked_subject(subject)
    sentences, terms = _SENTENCES_OF[subject][language], _TERMS_OF[subject][language]
    return lambda name, **values: sentences[name].format(**{key: terms.get(v, v) for key, v in values.items()})


def term(text: str, language: str, subject: str = FACES) -> str:
    """A whole text that is known by its English, such as an outcome; as it is where no translation is known."""
    words(language, subject)
    return _TERMS_OF[subject][language].get(text, text)


def checked_subject(subject: str) -> str:
    """The subject itself; `UserError` if photos of it are not known."""
    if subject not in SUBJECTS:
        raise UserError(f"There is no subject {subject!r}; photos show {' or '.join(SUBJECTS)}.")
    return subject

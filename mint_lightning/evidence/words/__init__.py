"""What verdicts and claims say, in one place, by language: the same names and the same blanks in each.

A language is one file of `SENTENCES`, with blanks, and `TERMS`, whole texts by their English.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mint_lightning.errors import UserError
from mint_lightning.evidence.words import en, es

SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {"en": en.SENTENCES, "es": es.SENTENCES}
TERMS: Final[Mapping[str, Mapping[str, str]]] = {"en": {}, "es": es.TERMS}
LANGUAGES: Final = tuple(SENTENCES)


def words(language: str) -> Callable[..., str]:
    """What fills a sentence of that language by name; `UserError` for a language that is not there."""
    if language not in SENTENCES:
        raise UserError(f"There is no language {language!r}; there are {', '.join(SENTENCES)}.")
    sentences, terms = SENTENCES[language], TERMS[language]
    return lambda name, **values: sentences[name].format(**{key: terms.get(v, v) for key, v in values.items()})


def term(text: str, language: str) -> str:
    """A whole text that is known by its English, such as an outcome; as it is where no translation is known."""
    words(language)
    return TERMS[language].get(text, text)

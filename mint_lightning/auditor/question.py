"""What is asked of auditors."""

from dataclasses import dataclass

from mint_lightning.errors import UserError
from mint_lightning.evidence.document import Document
from mint_lightning.evidence.words import words


@dataclass(frozen=True)
class Question(Document):
    """What is asked: group_by photos or people ("none", "identity", "all"); alpha of one answer; fdr of a list; prior
    of the asker; language of the sentences.

    Raises:
        UserError: alpha is above one half, fdr or prior are no shares, or the language is not there.
    """

    group_by: str = "none"
    alpha: float = 0.01
    fdr: float = 0.05
    prior: float = 0.01
    language: str = "en"

    def __post_init__(self) -> None:
        for name, most in (("alpha", 0.5), ("fdr", 1.0), ("prior", 1.0)):
            value = getattr(self, name)
            if not 0.0 < value < 1.0 or value > most:
                raise UserError(f"{name} is {value}; it must lie between 0 and {most:g}.")
        words(self.language)

    @property
    def grouped(self) -> bool:
        """Whether several photos may be judged together."""
        return self.group_by != "none"

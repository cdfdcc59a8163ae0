"""UTKFace (Zhang, Song and Qi, 2017), whose file names say age, gender and race."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.tree import Entry, TreeSource

_FILE: Final = re.compile(r"(\d{1,3})_([01])_(?:([0-4])_)?(\d{8,20})\.jpg(?:\.chip\.jpg)?", re.IGNORECASE)
_GENDERS: Final = ("male", "female")
_RACES: Final = ("White", "Black", "Asian", "Indian", "Others")


class UtkFaceSource(TreeSource):
    """AGE_GENDER_RACE_DATE.jpg, in the wild, or .jpg.chip.jpg, aligned and cropped. See `TreeSource`.

    Nobody is named: each photo is an identity of its own. Age, gender and race are attributes, in the words of the
    database; a few files lack the race. Files of any other form are skipped.
    """

    kind = "utkface"

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """Photos with such names."""
        found: list[Photo] = []
        used: list[str] = []
        for entry in photos:
            match = _FILE.fullmatch(entry.file)
            if not match:
                continue
            age, gender, race, _ = match.groups()
            known = {"age": age, "gender": _GENDERS[int(gender)]} | ({"race": _RACES[int(race)]} if race else {})
            found.append(Photo(self.name, entry.path, entry.path, entry.reader, attributes=known))
            used.append(entry.path)
        return found, used

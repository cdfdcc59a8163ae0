"""IJB-C (Maze et al., 2018): images and frames, with the faces that its protocols name."""

from collections.abc import Collection, Sequence
from typing import Final

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.lines import numbers, rows_of, text_of
from mint_lightning.shards.sources.names import inside
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken
from mint_lightning.shards.sources.tree import Entry, TreeSource

_BOX: Final = ("face_x", "face_y", "face_width", "face_height")
_NEEDED: Final = ("subject_id", "filename", *_BOX)


class IjbcSource(TreeSource):
    """A photo for each face that the CSV files name: SUBJECT_ID, FILENAME and its box. See `TreeSource`.

    protocols/ijbc_metadata.csv where it is there, else all protocols with these columns, a face in several counted
    once. FILENAME, such as img/1.jpg or frames/1.jpg, lies in any folder of `path`. A face whose image is missing or
    whose box is none is broken; images that no line names are skipped. Boxes are used where faces are detected.

    Raises:
        UserError: on listing, if no CSV file has these columns.
    """

    kind = "ijbc"

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """A photo for each face."""
        tables = [entry for entry in others if entry.path.lower().endswith(".csv") and _fits(entry)]
        tables = [entry for entry in tables if "metadata" in entry.file] or tables
        if not tables:
            raise UserError(
                f"{self.path} has no CSV file with the columns {', '.join(_NEEDED).upper()}, such as "
                "protocols/ijbc_metadata.csv: put the protocols beside the images."
            )
        places = {"/".join(entry.path.split("/")[-2:]): entry for entry in photos}
        used = {entry.path for entry in tables}
        found: dict[tuple[str, ...], Photo] = {}
        times: dict[tuple[str, str], int] = {}
        for table in tables:
            for _, row in rows_of(table, _NEEDED):
                who, file = row["subject_id"], row["filename"]
                face = (who, file, *(row[side] for side in _BOX))
                if face in found:
                    continue
                time = times[who, file] = times.get((who, file), 0) + 1
                origin = inside(file)[0] if time == 1 else f"{inside(file)[0]}#{time}"
                entry, box = places.get("/".join(file.split("/")[-2:])), numbers(face[2:])
                if entry is None or box is None:
                    reason = "its image is not there" if entry is None else "its line has no box"
                    found[face] = Photo(self.name, who, origin, Broken(reason))
                else:
                    corners = (box[0], box[1], box[0] + box[2], box[1] + box[3])
                    found[face] = Photo(self.name, who, origin, entry.reader, corners)
                if entry is not None:
                    used.add(entry.path)
        return list(found.values()), used


def _fits(entry: Entry) -> bool:
    first = text_of(entry).partition("\n")[0].lower()
    return set(_NEEDED) <= {name.strip() for name in first.split(",")}

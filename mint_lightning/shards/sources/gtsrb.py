"""GTSRB, the German Traffic Sign Recognition Benchmark (Stallkamp, Schlipsing, Salmen and Igel, 2012)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mint_lightning.errors import UserError
from mint_lightning.shards.sources.lines import rows_of, text_of
from mint_lightning.shards.sources.photo import Photo
from mint_lightning.shards.sources.pieces import Broken
from mint_lightning.shards.sources.tree import Entry, TreeSource, entries_of

# As published, 00007/00012_00003.ppm; in Kaggle's copy Train/7/00007_00012_00003.png.
_FRAME: Final = re.compile(r"((?:.*/)?)0*(\d{1,2})/(?:(\d{5})_)?(\d{5})_(\d{5})\.(?:ppm|png)", re.IGNORECASE | re.ASCII)
_TEST: Final = re.compile(
    r"((?:.*/)?Final_Test/Images/|Images/|(?:.*/)?Test/|)(\d{5})\.(?:ppm|png)", re.IGNORECASE | re.ASCII
)
_LIST: Final = re.compile(r"((?:.*/)?)(\d{5})/GT-\2\.csv", re.IGNORECASE | re.ASCII)
_ORIGIN: Final = re.compile(r"\d{5}/\d{5}_\d{5}", re.ASCII)
_ARCHIVES: Final = ("gtsrb_final_training_images.zip", "gtsrb_final_test_images.zip", "gtsrb_final_test_gt.zip")
_ANSWERS: Final = ("gt-final_test.csv", "test.csv")
_CLASSES: Final = tuple(f"{number:02d}" for number in range(43))


class GtsrbSource(TreeSource):
    """Frames of NAME_train by their track, and NAME_test, of which each image is an identity. See `TreeSource`.

    A track is some thirty frames of one sign, nearly alike: it is the identity, so that it never crosses splits. Its
    number is told apart by its class, since tracks are counted anew in each. Classes are "00" to "42", an attribute.
    The whole image is taken, with the margin round the sign.

    Final_Training/Images/000CC/TTTTT_FFFFF.ppm, with GT-000CC.csv where it is there (a frame in it that is missing is
    broken), and Final_Test/Images/NNNNN.ppm, with GT-final_test.csv, the download of its own that says the classes;
    it may lie anywhere below. Test images whose class is not known are skipped. Kaggle's copy, Train/C/*.png,
    Test/*.png and Test.csv, is read alike.

    A photo's `origin` is 000CC/TTTTT_FFFFF, or the test image's number.

    Args:
        path: the folder; or one with the three archives GTSRB_Final_Training_Images.zip, GTSRB_Final_Test_Images.zip
            and GTSRB_Final_Test_GT.zip, as they are.
        name: name of the database; gtsrb by default.

    Raises:
        UserError: on listing, if there is none of it, or a table contradicts the folders.
    """

    kind = "gtsrb"
    classes: Sequence[str] = _CLASSES

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        super().__init__(path, name or self.kind)
        self._untold: Collection[str] = ()

    def describe(self) -> dict[str, Any]:
        """As `TreeSource`, and the classes."""
        return {**super().describe(), "classes": list(self.classes)}

    @property
    def skipped(self) -> Sequence[str]:
        """What is no photo, and test images of which nothing says the class."""
        listed = self._scan[1]
        return [f"{path} (no GT-final_test.csv says its class)" if path in self._untold else path for path in listed]

    def entries(self) -> Sequence[Entry]:
        """All files of the folder, and of the database's archives in it."""
        found = list(entries_of(self.path))
        if self.path.is_dir():
            for archive in sorted(self.path.iterdir()):
                if archive.name.lower() in _ARCHIVES:
                    found = [entry for entry in found if entry.path != archive.name] + entries_of(archive)
        return sorted(found, key=lambda entry: entry.path)

    def found(self, photos: Sequence[Entry], others: Sequence[Entry]) -> tuple[Sequence[Photo], Collection[str]]:
        """Training frames by track, test images one by one."""
        used: set[str] = set()
        frames = dict(self._training(photos, others, used))
        answers = self._answers(others, used)
        tests: dict[str, Photo] = {}
        places = [(match[1], match[2], entry) for entry in photos if (match := _TEST.fullmatch(entry.path))]
        places = [each for each in places if each[0] == places[0][0]]
        for _, number, entry in places:
            if number in answers and number not in tests:
                known = {"class": answers[number]}
                tests[number] = Photo(f"{self.name}_test", f"image {number}", number, entry.reader, attributes=known)
                used.add(entry.path)
        self._untold = {entry.path for _, number, entry in places if number not in answers}
        if not frames and not tests:
            raise UserError(
                f"{self.path} has {len(self._untold):,} test images and no GT-final_test.csv that says their classes: "
                "put GTSRB_Final_Test_GT.zip, or what is in it, beside them."
                if self._untold
                else f"{self.path} is not GTSRB: it must have Final_Training/Images/000CC/TTTTT_FFFFF.ppm, or the "
                f"archives GTSRB_Final_Training_Images.zip and so on (it has "
                f"{', '.join(entry.path for entry in [*photos, *others][:3]) or 'nothing'})."
            )
        return [*frames.values(), *tests.values()], used

    def _training(
        self, photos: Sequence[Entry], others: Sequence[Entry], used: set[str]
    ) -> Iterator[tuple[str, Photo]]:
        places = [(match, entry) for entry in photos if (match := _FRAME.fullmatch(entry.path))]
        # Of two copies below one folder, or of the competition's first stage beside the final one, the first is taken.
        root = places[0][0][1] if places else None
        there: set[str] = set()
        for match, entry in places:
            kind, again = int(match[2]), match[3]
            origin = f"{kind:05d}/{match[4]}_{match[5]}"
            if match[1] == root and kind < len(_CLASSES) and int(again or kind) == kind and origin not in there:
                there.add(origin)
                used.add(entry.path)
                yield origin, self._frame(origin, entry.reader)
        for entry in others:
            match = _LIST.fullmatch(entry.path)
            if match is None or (root is not None and match[1] != root):
                continue
            used.add(entry.path)
            for line, row in rows_of(entry, ("filename", "classid"), ";"):
                origin = f"{match[2]}/{row['filename'].rpartition('.')[0]}"
                if _class(row["classid"]) != f"{int(match[2]):02d}" or not _ORIGIN.fullmatch(origin):
                    raise UserError(
                        f"Line {line} of {entry.path} must name a frame such as 00012_00003.ppm and the class "
                        f"{int(match[2])}, not {row['filename'][:30]!r} and {row['classid'][:20]!r}."
                    )
                if origin not in there:
                    there.add(origin)
                    yield origin, self._frame(origin, Broken("its image is not there"))

    def _frame(self, origin: str, reader: Any) -> Photo:
        kind, track = origin[3:5], origin[6:11]
        who = f"class {kind} track {track}"
        return Photo(f"{self.name}_train", who, origin, reader, attributes={"class": kind})

    def _answers(self, others: Sequence[Entry], used: set[str]) -> Mapping[str, str]:
        """Test image -> class, of the tables that say it."""
        found: dict[str, str] = {}
        for entry in others:
            if entry.file.lower() not in _ANSWERS:
                continue
            first = text_of(entry).partition("\n")[0].lower()
            column = next((name for name in ("filename", "path") if name in first), None)
            if column is None or "classid" not in first:
                continue
            used.add(entry.path)
            for line, row in rows_of(entry, (column, "classid"), ";" if ";" in first else ","):
                image, kind = row[column].rpartition("/")[2].rpartition(".")[0], _class(row["classid"])
                if kind is None or found.setdefault(image, kind) != kind:
                    raise UserError(
                        f"Line {line} of {entry.path} must give {image[:20]} one class from 0 to 42, not "
                        f"{row['classid'][:20]!r}."
                    )
        return found


def _class(text: str) -> str | None:
    """The class's name, where the text is its number."""
    return f"{int(text):02d}" if re.fullmatch(r"[0-9]{1,5}", text) and int(text) < len(_CLASSES) else None

"""How faces are cut out of photos: settings that can be written down, compared, and sent to other processes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_file
from mint_lightning.shards.align.centerface import CenterFace, installed
from mint_lightning.shards.align.similarity import BORDER, BORDERS, LEAST_FACE, TEMPLATE_SIZE

Which = Literal["largest", "all"]
OPTIONS: Final = {"padding": "--padding", "least_face": "--min-face", "least_score": "--min-score"}
PADDING: Final = 0.5
"""Of a photo's sides, laid round crops that are aligned once more: a detector needs room around a face."""


@dataclass(frozen=True)
class CutSettings:
    """How faces are found and brought to the five points of ArcFace.

    Args:
        detector: "centerface", or the file of an SCRFD network (.onnx).
        size: side of the faces in pixels.
        faces: "largest": of a photo with several the one that is large and central; "all": each.
        border: what lies outside the photo, the same for all: "replicated", "reflected" or "black".
        least_face: side in the photo's pixels of the smallest face that is taken.
        least_score: of the detector, between 0 and 1.
        padding: share of the photo's longer side that is laid round it, in the border's way, where faces are looked
            for.
        realign: the photos are aligned crops, to be aligned once more; where no face is found the template's own points
            are taken.
    """

    detector: str = CenterFace.name
    size: int = TEMPLATE_SIZE
    faces: Which = "largest"
    border: str = BORDER
    least_face: float = LEAST_FACE
    least_score: float = 0.5
    padding: float = 0.0
    realign: bool = False

    def __post_init__(self) -> None:
        if self.detector != CenterFace.name and not self.detector.lower().endswith(".onnx"):
            raise UserError(
                f"There is no detector {self.detector!r}: take centerface, or the file of an SCRFD network (.onnx)."
            )
        if self.faces not in get_args(Which):
            raise UserError(f"faces is {self.faces!r}: take largest or all.")
        if self.border not in BORDERS:
            raise UserError(f"border is {self.border!r}: take {', '.join(BORDERS)}.")
        for name, low, high in (("least_face", 1.0, 10_000.0), ("least_score", 0.01, 0.999), ("padding", 0.0, 2.0)):
            if not low <= getattr(self, name) <= high:
                raise UserError(f"{OPTIONS[name]} {getattr(self, name)} cannot be used: take {low:g} to {high:g}.")
        if self.realign and self.faces == "all":
            raise UserError("An aligned crop has one face: realign takes the largest, not all.")
        if self.realign and self.padding == 0.0:
            object.__setattr__(self, "padding", PADDING)

    @property
    def file(self) -> Path:
        """The detector's network. Raises `UserError` where it is not there."""
        path = installed() if self.detector == CenterFace.name else Path(self.detector)
        if not path.is_file():
            raise UserError(f"There is no detector at {path}.")
        return path

    def to_dict(self) -> dict[str, Any]:
        """As JSON, the detector named by its kind and its file's hash, so that it means the same elsewhere."""
        kind = CenterFace.name if self.detector == CenterFace.name else "scrfd"
        return {**asdict(self), "detector": kind, "sha256": sha256_file(self.file), "template": "arcface five points"}

    @property
    def words(self) -> str:
        """All that decides how faces look, but size and border, in one line: of a manifest, and for `of_words`."""
        found = self.to_dict()
        found["sha256"] = found["sha256"][:16]
        return " ".join(f"{name}={found[name]}" for name in _WORDS)

    @classmethod
    def of_words(cls, words: str, *, size: int, border: str, detector: str | None = None) -> "CutSettings | None":
        """The settings whose `words` these are, None where they are of no detection.

        detector: the file where the words name an SCRFD network.

        Raises:
            UserError: the detector is not there, or not the one.
        """
        parts = alignment_settings(words)
        if not parts:
            return None
        if parts["detector"] == "scrfd" and (detector is None or detector == CenterFace.name):
            raise UserError(f"Faces were found by an SCRFD network ({parts['sha256']}...): give --detector its file.")
        found = cls(
            detector=parts["detector"] if parts["detector"] == CenterFace.name else str(detector),
            size=size,
            faces=parts["faces"],  # type: ignore[arg-type]  # checked by the class
            border=border,
            least_face=_number(parts, "least_face"),
            least_score=_number(parts, "least_score"),
            padding=_number(parts, "padding"),
            realign=parts["realign"] == "True",
        )
        if sha256_file(found.file)[:16] != parts["sha256"]:
            raise UserError(
                f"The detector {found.file} is not the one that was used: its sha256 begins with "
                f"{sha256_file(found.file)[:16]}, the other's with {parts['sha256']}."
            )
        return found

    def with_faces(self, faces: Which) -> "CutSettings":
        """The same for the largest face, or for all."""
        return replace(self, faces=faces)


def alignment_settings(words: str) -> dict[str, str]:
    """The settings in `words`, name -> value; none where they tell of no detection."""
    parts = dict(part.partition("=")[::2] for part in words.split())
    return parts if set(parts) == set(_WORDS) else {}


_WORDS: Final = ("detector", "sha256", "faces", "least_face", "least_score", "padding", "realign")


def _number(parts: Mapping[str, str], name: str) -> float:
    try:
        return float(parts[name])
    except ValueError as error:
        raise UserError(f"{name} is {parts[name]!r} in the words of an alignment: it must be a number.") from error

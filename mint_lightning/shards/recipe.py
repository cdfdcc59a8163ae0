"""The arguments of packing that shape its result, checked together, and their hash."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mint_lightning import __version__
from mint_lightning.errors import UserError
from mint_lightning.shards.align import CutSettings
from mint_lightning.shards.image import Encoder, encoder_named
from mint_lightning.shards.manifest import SCHEMA_VERSION
from mint_lightning.shards.plan import HoldOut
from mint_lightning.shards.sources.photo import PhotoSource
from mint_lightning.shards.splits import check_partitions

_LARGEST_SIDE = 2048
_MOST_LANES = 100


@dataclass(frozen=True)
class Recipe:
    """How photos become a shard set; the arguments are those of `pack`.

    Raises:
        UserError: an argument cannot be used.
    """

    image_size: int
    encoder: str
    partitions: Mapping[str, float]
    hold_out: HoldOut | None
    seed: int
    lanes: int
    shard_bytes: int
    by_database: bool | Collection[str] = False
    cut: CutSettings | None = None
    aligned: bool = False
    shard_images: int = 0
    copies: str = "refuse"

    def __post_init__(self) -> None:
        encoder_named(self.encoder)
        if self.by_database is True and (set(self.partitions) != {"all"} or self.hold_out is not None):
            raise UserError(
                "With by_database each database is a partition of its own: give no other partitions and hold out none."
            )
        if self.copies not in ("refuse", "leave_out"):
            raise UserError(f"copies is {self.copies!r}: take refuse or leave_out.")
        if self.aligned and self.cut is not None and not self.cut.realign:
            raise UserError("Photos that are declared as aligned need no detector: leave one out, or ask to realign.")
        if self.cut is not None and self.cut.size != self.image_size:
            raise UserError(f"Faces of {self.cut.size} pixels are no images of {self.image_size}: give one size.")
        check_partitions(self.partitions)
        if self.hold_out is not None:
            self.hold_out.check(self.partitions)
        for name, smallest, largest in (
            ("image_size", 8, _LARGEST_SIDE),
            ("lanes", 1, _MOST_LANES),
            ("shard_bytes", 1, 2**40),
            ("shard_images", 0, 2**31),
        ):
            value = getattr(self, name)
            if not smallest <= value <= largest:
                raise UserError(f"{name} = {value} cannot be used: take {smallest} to {largest}.")

    def alignment(self, source: Mapping[str, Any]) -> str:
        """How the photos of a source (its `describe()`) come to be aligned, as the manifest says it."""
        if self.cut is not None:
            return self.cut.words
        return "declared aligned" if self.aligned else str(source.get("alignment", "as given"))

    def border(self, source: Mapping[str, Any]) -> str:
        """What fills the area outside a photo."""
        return self.cut.border if self.cut is not None else str(source.get("border", "as given"))

    @property
    def codec(self) -> Encoder:
        """The encoder itself."""
        return encoder_named(self.encoder)

    def partition_rules(self, sources: Collection[str]) -> dict[str, Any]:
        """Name of each partition -> its fraction, or the rule by which photos are held out for it or its database."""
        every = self.by_database is True
        own = sorted(sources) if every else self._own
        drawn = {} if every else dict(sorted(self.partitions.items()))
        held_out = self.hold_out.rules() if self.hold_out else {}
        return {**drawn, **{name: {"database": name} for name in own}, **held_out}

    @property
    def _own(self) -> list[str]:
        return [] if isinstance(self.by_database, bool) else sorted(set(self.by_database))

    def request(self, source: PhotoSource) -> dict[str, Any]:
        """What is asked for, as JSON values: equal requests give equal shard sets with one version of this program."""
        arguments = asdict(self)
        # Requests from before there was such a thing keep their hash.
        if self.cut is None:
            del arguments["cut"]
        else:
            arguments["cut"] = self.cut.to_dict()
        for name in ("aligned", "shard_images"):
            if not arguments[name]:
                del arguments[name]
        if self.copies == "refuse":
            del arguments["copies"]
        arguments["partitions"] = dict(sorted(self.partitions.items()))
        if self.hold_out is not None:
            arguments["hold_out"]["partitions"] = sorted(set(self.hold_out.partitions))
        if not self.by_database:
            del arguments["by_database"]
        elif self.by_database is not True:
            arguments["by_database"] = self._own
        versions = {"schema_version": SCHEMA_VERSION, "tool_version": __version__}
        return {"source": dict(source.describe()), **arguments, **versions}

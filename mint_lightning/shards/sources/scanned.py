"""A source that is looked through once, when it is first asked for anything."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mint_lightning.shards.sources.photo import Photo

Scan = tuple[Sequence[Photo], Sequence[str], str]


class Scanned(ABC):
    """Lists what its `_scan` found: photos, what is no photo, and a hash of both."""

    @property
    @abstractmethod
    def _scan(self) -> Scan:
        """A cached property."""

    def list(self) -> Sequence[Photo]:
        """All photos; the source says what their `origin` is."""
        return self._scan[0]

    @property
    def skipped(self) -> Sequence[str]:
        """What lies beside them and is no photo."""
        return self._scan[1]

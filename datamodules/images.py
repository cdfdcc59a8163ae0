"""Photos of a shard set, turned into AAD by the audited network on the device."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from torch import Tensor

from datamodules.audit import AuditData
from mint_lightning.learning.objective import AAD
from mint_lightning.shards import TrainLoader


class ImageData(AuditData):
    """What `Faces` and `Objects` share: each batch goes through the network when it has reached the device."""

    @cached_property
    def _standardised(self) -> dict[bytes, AAD]:
        """AAD of batches that the first epoch will ask for again."""
        return {}

    def fit_images(self) -> TrainLoader:
        """The fit split's images in the order of epoch 0, in this process, whatever the rank."""
        return TrainLoader(self.root, self.order())

    def first_fit_aad(self, images: int) -> Iterator[AAD]:
        """AAD of the first `images` of epoch 0, whichever process asks: every rank standardises alike.

        What the epoch itself will ask for again, the same batches, is kept for it where one process reads them whole;
        of maps nothing, they are large.
        """
        self._standardised.clear()  # what a fit that was interrupted left
        kept = all(len(shape) == 1 for shape in self.shapes) and self._place()[1] == 1
        loader = self.fit_images()
        device = self._device()
        left = min(images, len(loader) * self.batch_size)
        for batch in loader:
            aad = self._aad(batch["images"][:left].to(device))
            if kept and len(batch["row"]) <= left:
                self._standardised[_name(batch)] = aad
            yield self.with_class(aad, batch["row"][:left].to(device))
            left -= len(batch["row"])
            if left <= 0:
                return

    def aad_of(self, batch: dict[str, Any]) -> AAD:
        """Of a batch of images, under no_grad; the network's own precision, float32 out."""
        known = self._standardised.pop(_name(batch), None)
        return self._aad(batch["images"]) if known is None else known

    def teardown(self, stage: str) -> None:
        """Keep nothing for an epoch that does not come."""
        self._standardised.clear()

    def _aad(self, images: Tensor) -> AAD:
        return {
            name: net.to(images.device)(images, self.network_taps, self.views) for name, net in self.networks.items()
        }


def _name(batch: Mapping[str, Any]) -> bytes:
    """Of a batch: which photos, in which order."""
    return bytes(batch["row"].cpu().numpy().tobytes())

"""Images to auxiliary auditable data: the network under audit, its controls, and where networks come from."""

from mint_lightning.audited.aad import REDUCTIONS, Layout, Reduction, Rounding, kept_dtype, parse_tap, reduce
from mint_lightning.audited.architectures import Built, build
from mint_lightning.audited.card import NetworkCard
from mint_lightning.audited.describe import TapInfo
from mint_lightning.audited.iresnet import (
    IRESNET_TAPS,
    IResNet,
    iresnet18,
    iresnet34,
    iresnet50,
    iresnet100,
    iresnet200,
    iresnet_small,
)
from mint_lightning.audited.network import AuditedNetwork
from mint_lightning.audited.pixels import STATISTICS, PixelNetwork
from mint_lightning.audited.precision import BF16, autocast, bf16_is_faster
from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.audited.store import Entry, EntryKey, known_entries
from mint_lightning.audited.twin import adapt_batchnorm, untrained_twin
from mint_lightning.audited.views import VIEWS, view
from mint_lightning.audited.weights import fingerprint, load_into, load_state
from mint_lightning.audited.zoo import NetworkSource

__all__ = [
    "BF16",
    "IRESNET_TAPS",
    "REDUCTIONS",
    "STATISTICS",
    "VIEWS",
    "AuditedNetwork",
    "Built",
    "Entry",
    "EntryKey",
    "IResNet",
    "Layout",
    "NetworkCard",
    "NetworkSource",
    "PixelNetwork",
    "Preprocessing",
    "Reduction",
    "Rounding",
    "TapInfo",
    "adapt_batchnorm",
    "autocast",
    "bf16_is_faster",
    "build",
    "fingerprint",
    "iresnet18",
    "iresnet34",
    "iresnet50",
    "iresnet100",
    "iresnet200",
    "iresnet_small",
    "kept_dtype",
    "known_entries",
    "load_into",
    "load_state",
    "parse_tap",
    "reduce",
    "untrained_twin",
    "view",
]

"""How heads learn."""

from dataclasses import dataclass

from mint_lightning.errors import UserError
from mint_lightning.learning.objective import check_rate


@dataclass(frozen=True)
class Recipe:
    """How a head learns.

    Args:
        epochs: at most this many; each head stops by itself when validate no longer gains.
        patience: epochs without a better AUC on validate after which a head stops.
        rate: learning rate of Adam.
        weight_decay: decoupled weight decay.
    """

    epochs: int = 40
    patience: int = 8
    rate: float = 1e-3
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.patience < 1:
            raise UserError(f"epochs ({self.epochs}) and patience ({self.patience}) must be at least 1.")
        check_rate(self.rate, self.weight_decay)

"""The heads that `fit` knows: Vanilla MINT, CNN MINT, a head on invariants, and one on several photos of a person."""

from mint_lightning.heads import (
    DEFAULT_VIEWS,
    FIGURES,
    PHOTOS,
    CNNHead,
    InvariantHead,
    L1Reading,
    PersonHead,
    VanillaHead,
)
from mint_lightning.learning.initial import seeded, warm_start
from mint_lightning.learning.mint import MINT


class VanillaMINT(MINT):
    """Vanilla MINT (arXiv 2402.09225): a fully connected network on channel maxima.

    Args:
        shapes: shape of one sample's AAD at each tap; linked from the DataModule, do not set it.
        taps: taps whose channel maxima are concatenated, for example [outcome] or [conv1, conv2, conv3, conv4].
        widths: hidden layers; null reads the paper's "(input size, 64, 1)" as d -> d -> 64 -> 1, [64] as d -> 64 -> 1.
        dropout: rate after each hidden layer, 0.3 in the paper.
        l1: weight of the L1 term, 0.1 in the paper.
        l1_on: what the L1 term sums; the mean over activations is the reading that trains (docs/method.md).
        rate: learning rate of Adam; the papers name none, 0.001 is Adam's own.
        weight_decay: decoupled weight decay; the papers name none.
        seed: decides the head's initialisation and dropout masks; the order of images has its own (data.seed).
        init_from: a checkpoint or an auditor folder whose head to start from, for another audited network.
    """

    def __init__(
        self,
        shapes: list[list[int]],
        taps: list[str],
        widths: list[int] | None = None,
        dropout: float = 0.3,
        l1: float = 0.1,
        l1_on: L1Reading = "activations_mean",
        rate: float = 1e-3,
        weight_decay: float = 0.0,
        seed: int = 0,
        init_from: str | None = None,
    ) -> None:
        with seeded(seed):
            head = VanillaHead(shapes, widths, dropout, l1, l1_on)
        warm_start(head, init_from)
        super().__init__(head, taps, rate, weight_decay, seed)
        self.save_hyperparameters(logger=False)


class CNNMINT(MINT):
    """CNN MINT (arXiv 2402.09225): two convolutions and two fully connected layers on whole activation maps.

    Args:
        shapes: shape of one sample's AAD at each tap; linked from the DataModule, do not set it.
        taps: maps to read, for example ["conv4:map"]; several get a branch each.
        filters: of the two convolutions, [64, 128] in the papers.
        kernel: side of the kernels; the papers are silent, 3 is usual.
        pool: max-pooling after each convolution; the papers are silent, 2 is usual.
        width: of the first fully connected layer; the papers are silent.
        dropout: before each fully connected layer; the papers name none.
        rate: learning rate of Adam.
        weight_decay: decoupled weight decay; the papers name none.
        seed: decides the head's initialisation and dropout masks; the order of images has its own (data.seed).
        init_from: a checkpoint or an auditor folder whose head to start from, for another audited network.
    """

    def __init__(
        self,
        shapes: list[list[int]],
        taps: list[str],
        filters: tuple[int, int] = (64, 128),
        kernel: int = 3,
        pool: int = 2,
        width: int = 128,
        dropout: float = 0.0,
        rate: float = 1e-3,
        weight_decay: float = 0.0,
        seed: int = 0,
        init_from: str | None = None,
    ) -> None:
        with seeded(seed):
            head = CNNHead(shapes, filters, kernel, pool, width, dropout)
        warm_start(head, init_from)
        super().__init__(head, taps, rate, weight_decay, seed)
        self.save_hyperparameters(logger=False)


class InvariantMINT(MINT):
    """A head on figures that no order of channels changes (docs/heads.md).

    Args:
        shapes: shape of one sample's AAD at each tap; linked from the DataModule, do not set it.
        taps: taps that are read, the outcome last; "batchnorm" beside them is the distance from BatchNorm's statistics,
            "class" the photo's class.
        views: label-free variants of each photo that are read too, each for one more forward.
        figures: which are read of the taps: length, agreement, shape, magnitudes.
        widths: hidden layers; none is a logistic regression.
        dropout: rate after each hidden layer.
        published: whether Vanilla MINT on the same taps has its say too: the logits are added.
        rate: learning rate of Adam.
        weight_decay: decoupled weight decay.
        seed: decides the head's initialisation and dropout masks; the order of images has its own (data.seed).
        init_from: a checkpoint or an auditor folder whose head to start from, for another audited network.
    """

    def __init__(
        self,
        shapes: list[list[int]],
        taps: list[str],
        views: list[str] = list(DEFAULT_VIEWS),  # noqa: B006 -- read only, and what --help shows
        figures: list[str] = list(FIGURES),  # noqa: B006
        widths: list[int] = [],  # noqa: B006
        dropout: float = 0.0,
        published: bool = False,
        rate: float = 1e-3,
        weight_decay: float = 0.0,
        seed: int = 0,
        init_from: str | None = None,
    ) -> None:
        with seeded(seed):
            head = InvariantHead(shapes, taps, views, figures, widths, dropout, published)
        warm_start(head, init_from)
        super().__init__(head, taps, rate, weight_decay, seed, InvariantHead.reads(taps, {"views": views}))
        self.save_hyperparameters(logger=False)


class PersonMINT(MINT):
    """A head on several photos of one person at once (docs/heads.md); its data is the store of a table,
    `datamodules.Activations`, where any photo can be had at any time.

    Args:
        shapes: shape of one sample's AAD at each tap; linked from the DataModule, do not set it.
        taps: taps whose channel maxima are compared, for example [outcome].
        photos: how many photos of a person are read at once; linked to the data. Who has fewer is left aside.
        views: label-free variants of each photo that are compared too.
        new: whether the first photo is a new one, to be set against the others.
        widths: hidden layers; none is a logistic regression.
        dropout: rate after each hidden layer.
        rate: learning rate of Adam.
        weight_decay: decoupled weight decay.
        seed: decides the head's initialisation and dropout masks; the order of images has its own (data.seed).
        init_from: a checkpoint or an auditor folder whose head to start from, for another audited network.
    """

    def __init__(
        self,
        shapes: list[list[int]],
        taps: list[str],
        photos: int = PHOTOS,
        views: list[str] = [],  # noqa: B006 -- read only, and what --help shows
        new: bool = False,
        widths: list[int] = [],  # noqa: B006
        dropout: float = 0.0,
        rate: float = 1e-3,
        weight_decay: float = 0.0,
        seed: int = 0,
        init_from: str | None = None,
    ) -> None:
        with seeded(seed):
            head = PersonHead(shapes, photos, views, new, widths, dropout)
        warm_start(head, init_from)
        super().__init__(
            head, taps, rate, weight_decay, seed, PersonHead.reads(taps, {"photos": photos, "views": views})
        )
        self.save_hyperparameters(logger=False)

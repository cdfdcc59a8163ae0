"""The networks that are known by name: what builds them, what they expect, where they come from and on which terms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from torch import Tensor, nn

from mint_lightning.audited import adaface, iresnet, mobilefacenet
from mint_lightning.audited.cifar_resnet import CIFAR_PREPROCESSING, CIFAR_TAPS, DEPTHS, cifar_resnet
from mint_lightning.audited.preprocessing import Preprocessing
from mint_lightning.audited.six_conv import SIX_CONV_PREPROCESSING, SIX_CONV_TAPS, six_conv

Task = Literal["faces", "objects"]
KeyChange = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]

_INSIGHTFACE: Final = (
    "github.com/deepinsight/insightface, recognition/arcface_torch: backbone.pth, such as that of "
    "glint360k_cosface_r100_fp16_0.1"
)
_INSIGHTFACE_TERMS: Final = "code MIT; weights for non-commercial research only"
_ADAFACE: Final = "github.com/mk-minchul/AdaFace: adaface_ir*.ckpt"


@dataclass(frozen=True)
class Architecture:
    """One network by name.

    Args:
        build: Makes it, its arguments by name.
        taps: Name of each tap to its module's path, in order of depth, the outcome last.
        preprocessing: What it expects of its input.
        task: What it is for.
        source: Where weights are to be had.
        licence: On which terms, as their publishers state them.
        about: What it is, in a few words.
        keys: Of a published checkpoint the network's own state dict, where the names differ.
    """

    build: Callable[..., nn.Module]
    taps: Mapping[str, str]
    preprocessing: Preprocessing
    task: Task
    about: str
    source: str = ""
    licence: str = ""
    keys: KeyChange | None = None

    def sized(self, arguments: Mapping[str, Any]) -> Preprocessing:
        """The preprocessing where an argument says another size."""
        size = arguments.get("image_size")
        if size is None:
            return self.preprocessing
        values = self.preprocessing.to_dict() | {"size": (size, size)}
        return Preprocessing.from_dict(values, "image_size")


def _iresnets() -> dict[str, Architecture]:
    built = (iresnet.iresnet100, iresnet.iresnet18, iresnet.iresnet34, iresnet.iresnet50, iresnet.iresnet200)
    found = {
        each.__name__: Architecture(
            each,
            iresnet.IRESNET_TAPS,
            Preprocessing(),
            "faces",
            "IResNet, the body of ArcFace and CosFace" + ("; the MINT-Demo's" if each is iresnet.iresnet100 else ""),
            _INSIGHTFACE,
            _INSIGHTFACE_TERMS,
        )
        for each in built
    }
    small = Architecture(
        iresnet.iresnet_small,
        iresnet.IRESNET_TAPS,
        Preprocessing(),
        "faces",
        "IResNet small enough to be trained here (train-audited)",
    )
    return found | {"iresnet_small": small}


def _adafaces() -> dict[str, Architecture]:
    return {
        name: Architecture(
            getattr(adaface, name),
            adaface.adaface_taps(blocks),
            adaface.ADAFACE_PREPROCESSING,
            "faces",
            "AdaFace: InsightFace's body, on BGR",
            _ADAFACE,
            "MIT; the training sets' own terms",
            adaface.adaface_keys,
        )
        for name, blocks in adaface.ADAFACE_BLOCKS.items()
    }


OWN: Final[dict[str, Architecture]] = {
    **_iresnets(),
    **_adafaces(),
    "mobilefacenet": Architecture(
        mobilefacenet.mobilefacenet,
        mobilefacenet.MS1M_TAPS,
        mobilefacenet.MS1M_PREPROCESSING,
        "faces",
        "MobileFaceNet with ReLU, MS-Celeb-1M",
        "github.com/foamliu/MobileFaceNet: weights/mobilefacenet.pt",
        "Apache 2.0 (repository); MS-Celeb-1M was withdrawn by its publisher",
    ),
    "mobilefacenet_casia": Architecture(
        mobilefacenet.mobilefacenet_casia,
        mobilefacenet.CASIA_TAPS,
        mobilefacenet.CASIA_PREPROCESSING,
        "faces",
        "MobileFaceNet with PReLU on 112x96, CASIA-WebFace",
        "github.com/Xiaoccer/MobileFaceNet_Pytorch: model/best/068.ckpt",
        "none stated",
    ),
    **{
        f"cifar_resnet{depth}": Architecture(
            cifar_resnet(depth),
            CIFAR_TAPS,
            CIFAR_PREPROCESSING,
            "objects",
            f"ResNet-{depth} of CIFAR, shortcuts without parameters",
            f"github.com/akamaster/pytorch_resnet_cifar10: pretrained_models/resnet{depth}-*.th",
            "BSD-style",
        )
        for depth in DEPTHS
    },
    "six_conv": Architecture(
        six_conv,
        SIX_CONV_TAPS,
        SIX_CONV_PREPROCESSING,
        "objects",
        "six convolutions and two dense layers: the object-classification paper's",
        "unpublished; train it yourself",
    ),
}
"""By name; the first is the MINT-Demo's."""

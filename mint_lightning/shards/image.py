"""The one pipeline from any photo to an encoded image: decode, turn, RGB, square, size, encode."""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mint_lightning.errors import UserError

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 80_000_000

# Raster formats alone: among the others Pillow would hand some, such as EPS, to outside programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_ORIENTATION_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BrokenImage(Exception):
    """A photo that cannot be used; the message says why in a few words."""


@dataclass(frozen=True)
class Encoder:
    """How every image of a shard set is written: file suffix, Pillow's format and its options."""

    suffix: str
    format: str
    options: Mapping[str, Any]


ENCODERS: Mapping[str, Encoder] = {
    # 4:2:0 is what the public face databases and cv2.imencode use.
    "jpeg95": Encoder("jpg", "JPEG", {"quality": 95, "subsampling": "4:2:0"}),
    "png": Encoder("png", "PNG", {"compress_level": 6}),
    "webp-lossless": Encoder("webp", "WEBP", {"lossless": True, "quality": 60, "method": 4, "exact": True}),
}


def encoder_named(name: str) -> Encoder:
    """The encoder of that name; `UserError` lists those there are."""
    if name not in ENCODERS:
        raise UserError(f"There is no encoder {name!r}: take {', '.join(ENCODERS)}.")
    return ENCODERS[name]


def standardise(content: bytes | NDArray[np.uint8], image_size: int, encoder: Encoder) -> bytes:
    """Bring one photo into the form all photos of a shard set have.

    Args:
        content: bytes of an image file, or pixels, uint8 (H, W, 3) RGB or (H, W) grey.
        image_size: side of the result in pixels. A photo of another shape is cut to its largest centred square, one
            of another size is resized (bicubic, antialiased); one of the right size keeps its pixels.
        encoder: applied to all photos, also to those that came in this very format: sources must not differ in it.

    Returns:
        The encoded RGB image, without metadata. The same input gives the same bytes.

    Raises:
        BrokenImage: it is empty, no image, cut short, too large, or of a kind with no plain meaning as RGB.
    """
    image = opened(content)
    if image.size != (image_size, image_size):
        image = _square(image, image_size)
    buffer = io.BytesIO()
    image.save(buffer, encoder.format, **encoder.options)
    return buffer.getvalue()


def opened(content: bytes | NDArray[np.uint8]) -> Image.Image:
    """A photo's RGB image, upright, from its file or its pixels. Raises `BrokenImage` as `standardise`."""
    return decode(content) if isinstance(content, bytes) else _from_pixels(content)


def decode(content: bytes) -> Image.Image:
    """Decode an image file to RGB, 8 bits, turned upright.

    EXIF orientation is applied. Grey is repeated over the channels, 16-bit is scaled to 8, CMYK is converted without a
    colour profile, anything transparent is laid on black, the first picture of several is taken. Metadata and colour
    profiles are dropped.

    Raises:
        BrokenImage: as `standardise`.
    """
    if not content:
        raise BrokenImage("the file is empty")
    if len(content) > MAX_BYTES:
        raise BrokenImage(f"larger than {MAX_BYTES // 2**20} MiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=_FORMATS)
            if min(image.size) < 1 or image.width * image.height > MAX_PIXELS:
                raise BrokenImage(f"{image.width} x {image.height} pixels, at most {MAX_PIXELS:,} in all are read")
            image.load()
            result = _turned(_rgb(image), image)
            # Pillow would carry comments and colour profiles on into the encoded file.
            result.info.clear()
            return result
    except BrokenImage:
        raise
    except Image.UnidentifiedImageError as error:
        raise BrokenImage("not an image") from error
    except Image.DecompressionBombError as error:
        raise BrokenImage(f"far more than {MAX_PIXELS:,} pixels") from error
    except MemoryError:
        raise
    # Pillow's decoders raise whatever hostile bytes provoke: SyntaxError, struct.error, IndexError and others.
    except Exception as error:
        raise BrokenImage(f"damaged ({str(error).strip().rstrip('.') or type(error).__name__})") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise BrokenImage(f"32-bit pixels (mode {image.mode}); save it with 8 or 16 bits")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise BrokenImage("floating-point pixels; save it with 8 or 16 bits")
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _turned(image: Image.Image, original: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(original.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # damaged metadata round sound pixels: as if there were none
        turn = None
    return image if turn is None else image.transpose(turn)


def _from_pixels(pixels: NDArray[np.uint8]) -> Image.Image:
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise TypeError(f"A photo's pixels must be uint8 (H, W, 3) or (H, W), not {pixels.dtype} {pixels.shape}.")
    if not pixels.size:
        raise BrokenImage("it has no pixels")
    return Image.fromarray(pixels).convert("RGB")


def _square(image: Image.Image, image_size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((image_size, image_size), Image.Resampling.BICUBIC, box=box)

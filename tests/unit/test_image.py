import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mint_lightning.errors import UserError
from mint_lightning.shards import image as image_module
from mint_lightning.shards.image import ENCODERS, BrokenImage, decode, encoder_named, standardise
from tests.images import encoded, face

pytestmark = pytest.mark.unit

PNG = ENCODERS["png"]


def through(content, size=32):
    """Pixels after the pipeline with a lossless encoder."""
    return np.asarray(Image.open(io.BytesIO(standardise(content, size, PNG))))


def test_pixels_of_the_right_size_are_kept():
    pixels = face(1)
    assert np.array_equal(through(encoded(pixels)), pixels)
    assert np.array_equal(through(pixels), pixels)


@pytest.mark.parametrize("name", ENCODERS)
def test_each_encoder_writes_what_it_says(name):
    pixels = face(1, size=64)
    result = Image.open(io.BytesIO(standardise(pixels, 64, ENCODERS[name])))
    assert (result.format, result.mode, result.size) == (ENCODERS[name].format, "RGB", (64, 64))
    error = np.abs(np.asarray(result).astype(int) - pixels).mean()
    assert error < 9 if name == "jpeg95" else error == 0


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP", "TIFF", "PPM", "JPEG", "GIF", "MPO"])
def test_formats_that_are_read(format):
    pixels = face(1, size=64)
    options = {"WEBP": {"lossless": True}, "MPO": {"save_all": True, "append_images": [Image.new("RGB", (64, 64))]}}
    result = through(encoded(pixels, format, **options.get(format, {})), 64)
    assert np.abs(result.astype(int) - pixels).mean() < (15 if format in ("JPEG", "MPO", "GIF") else 0.001)


def test_an_unknown_encoder_lists_the_known():
    with pytest.raises(UserError, match="jpeg95, png, webp-lossless"):
        encoder_named("jpeg")


def test_grey_is_repeated_over_the_channels():
    grey = face(2)[..., 0]
    expected = np.stack([grey] * 3, axis=2)
    assert np.array_equal(through(encoded(grey)), expected)
    assert np.array_equal(through(grey), expected)


def test_transparent_parts_lie_on_black():
    pixels = face(3)
    alpha = np.full((32, 32, 1), 255, np.uint8)
    alpha[:16] = 0
    expected = np.where(alpha > 0, pixels, 0)
    assert np.array_equal(through(encoded(np.concatenate([pixels, alpha], axis=2))), expected)
    half = np.concatenate([pixels, np.full((32, 32, 1), 128, np.uint8)], axis=2)
    assert np.abs(through(encoded(half)).astype(int) - pixels * (128 / 255)).max() <= 1


def test_a_palette_with_a_transparent_colour_lies_on_black():
    palette = Image.fromarray(np.repeat([[0, 1]], 32, axis=0).repeat(16, axis=1).astype(np.uint8), "P")
    palette.putpalette([200, 10, 10, 10, 200, 10])
    result = through(encoded(palette, "PNG", transparency=0))
    assert (result[:, :16] == 0).all()
    assert (result[:, 16:] == [10, 200, 10]).all()


def test_one_bit_becomes_black_and_white():
    bits = Image.fromarray(np.eye(32, dtype=np.uint8) * 255).convert("1")
    assert np.array_equal(through(encoded(bits))[..., 1], np.eye(32, dtype=np.uint8) * 255)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(format):
    grey = np.arange(1024, dtype=np.uint16).reshape(32, 32) * 64
    result = through(encoded(Image.fromarray(grey), format))
    assert np.abs(result[..., 0].astype(float) - grey / 257).max() <= 0.5


def test_sixteen_bit_colour_keeps_its_high_byte():
    import cv2

    wide = face(4).astype(np.uint16) * 257
    content = cv2.imencode(".png", wide[..., ::-1])[1].tobytes()
    assert np.array_equal(through(content), face(4))


def test_cmyk_becomes_rgb():
    pixels = face(5, size=64)
    content = encoded(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(through(content, 64).astype(int) - pixels).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(orientation, format):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:16, :16] = [250, 30, 30]
    pixels[:16, 16:] = [30, 250, 30]
    exif = Image.Exif()
    exif[0x0112] = orientation
    # how a camera held that way would have stored the upright picture
    stored = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels, 1),
        7: pixels[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(pixels, -1),
    }[orientation]
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(format, {})
    result = through(encoded(np.ascontiguousarray(stored), format, exif=exif, **options))
    assert np.abs(result.astype(int) - pixels).mean() < 5


def test_damaged_exif_does_not_break_the_photo():
    content = encoded(face(1), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff garbage")
    assert through(content).shape == (32, 32, 3)


def test_metadata_is_dropped():
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    content = encoded(face(1), "JPEG", exif=exif, icc_profile=b"profile", comment=b"comment")
    for encoder in ENCODERS.values():
        result = standardise(content, 32, encoder)
        assert b"secret" not in result
        assert not {"exif", "icc_profile", "comment"} & set(Image.open(io.BytesIO(result)).info)


def test_another_shape_is_cut_to_its_centre_and_resized():
    wide = np.zeros((32, 96, 3), np.uint8)
    wide[:, 32:64] = face(6)
    assert np.array_equal(through(wide), face(6))
    large = np.repeat(np.repeat(face(6), 4, axis=0), 4, axis=1)
    assert np.abs(through(large).astype(int) - face(6)).mean() < 8
    assert through(face(6, size=16)).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, I am a text", "not an image"),
        (b"\x00" * 1000, "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (encoded(face(1), "JPEG")[:400], "damaged"),
        (encoded(face(1))[:600], "damaged"),
        (encoded(np.zeros((4, 4), np.float32), "TIFF"), "floating-point"),
        (encoded(Image.fromarray(np.full((4, 4), 2**20, np.int32)), "TIFF"), "32-bit"),
        (np.zeros((0, 5, 3), np.uint8), "no pixels"),
    ],
)
def test_broken_photos_say_why(content, reason):
    with pytest.raises(BrokenImage, match=reason):
        standardise(content, 32, PNG)


def test_limits_hold_before_pixels_are_decoded(monkeypatch):
    content = encoded(face(1))
    monkeypatch.setattr(image_module, "MAX_PIXELS", 1000)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(BrokenImage, match="32 x 32 pixels"):
        decode(content)


def test_a_decompression_bomb_is_broken_not_fatal():
    content = encoded(face(1))
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + content[24:29]
    with pytest.raises(BrokenImage, match="pixels"):
        decode(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])


def test_pixels_of_another_type_are_our_own_fault():
    with pytest.raises(TypeError, match="float32"):
        standardise(np.zeros((4, 4, 3), np.float32), 32, PNG)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]), st.data())
def test_no_bytes_raise_anything_but_broken(format, data):
    content = bytearray(encoded(face(1, size=16), format))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BrokenImage):
        result = standardise(bytes(content), 16, PNG)
        assert np.asarray(Image.open(io.BytesIO(result))).shape == (16, 16, 3)

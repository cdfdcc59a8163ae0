"""Decoding: the pixels of Pillow, one format by name, and nothing that is not whole."""

import io
import pickle
import struct
from contextlib import suppress
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mint_lightning.shards.decode import decode_image
from mint_lightning.shards.image import ENCODERS, BrokenImage, standardise
from tests.shard_sets import noise_face

pytestmark = pytest.mark.unit

SUFFIXES = {encoder.suffix: encoder for encoder in ENCODERS.values()}


def encoded(suffix: str) -> bytes:
    return standardise(noise_face(3, 1, 48), 48, SUFFIXES[suffix])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pixels_are_those_pillow_gives_in_rgb(suffix: str) -> None:
    data = encoded(suffix)
    pixels = decode_image(data, suffix)
    assert pixels.shape == (48, 48, 3)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(data))))
    if suffix != "jpg":
        assert np.array_equal(pixels, noise_face(3, 1, 48))


def test_height_and_width_are_not_confused() -> None:
    for suffix, encoder in SUFFIXES.items():
        buffer = io.BytesIO()
        Image.new("RGB", (30, 20), (200, 10, 60)).save(buffer, encoder.format, **encoder.options)
        assert decode_image(buffer.getvalue(), suffix).shape == (20, 30, 3)


def test_a_lossy_webp_is_decoded_too() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), (200, 10, 60)).save(buffer, "WEBP", quality=90)
    assert decode_image(buffer.getvalue(), "webp").shape == (20, 30, 3)


@pytest.mark.parametrize(("suffix", "other"), list(permutations(SUFFIXES, 2)))
def test_bytes_of_another_format_are_refused(suffix: str, other: str) -> None:
    with pytest.raises(BrokenImage):
        decode_image(encoded(other), suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_image_cut_anywhere_is_refused(suffix: str) -> None:
    data = encoded(suffix)
    for length in [0, 1, 2, 8, 11, 12, 16, 25, 30, len(data) // 2, len(data) - 1]:
        with pytest.raises(BrokenImage):
            decode_image(data[:length], suffix)


def test_an_image_that_says_it_is_huge_is_refused_before_decoding() -> None:
    data = bytearray(encoded("png"))
    data[16:24] = struct.pack(">II", 50_000, 50_000)
    with pytest.raises(BrokenImage, match="50000x50000"):
        decode_image(bytes(data), "png")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(SUFFIXES)), st.integers(0, 40))
def test_no_bytes_raise_anything_else(noise: bytes, suffix: str, kept: int) -> None:
    for data in (noise, encoded(suffix)[:kept] + noise + encoded(suffix)[-2:], pickle.dumps(noise)):
        with suppress(BrokenImage):
            assert decode_image(data, suffix).ndim == 3

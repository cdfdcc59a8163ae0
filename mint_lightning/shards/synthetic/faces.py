"""Parametric faces, 112x112, drawn at twice the size and reduced."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from mint_lightning.shards.synthetic.features import Colour, Points, Shape, half_width, shapes
from mint_lightning.shards.synthetic.parameters import (
    Conditions,
    Identity,
    generator,
    parse_difficulty,
    sample_conditions,
    sample_identity,
)

SIZE = 112
_DRAWN = 2 * SIZE
_UNIT = 0.39 * _DRAWN  # pixels per face unit: the head, 2 units high, fills 78 % of the picture
_SHIFT = 4  # cv2 takes fixed-point coordinates with so many binary digits
_GRID = ((np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2) / SIZE)[:, None]

Image = NDArray[np.uint8]


def draw_photo(seed: int, identity: int, photo: int, difficulty: str | float = "hard") -> Image:
    """Photo number `photo` of person number `identity`: uint8 RGB, (112, 112, 3).

    A function of its arguments alone, to the byte for one release of OpenCV and NumPy. `difficulty` is "plain",
    "hard" or a number from 0 (plain) to 1 (hard).
    """
    hardness = parse_difficulty(difficulty)
    rng = generator(seed, "photo", identity, photo)
    return draw(sample_identity(seed, identity, hardness), sample_conditions(rng, hardness), rng)


def draw(person: Identity, photo: Conditions, rng: np.random.Generator) -> Image:
    """Draw a person under the conditions of one photo: uint8 RGB, (112, 112, 3). `rng` gives the sensor's noise."""
    canvas = _background(photo)
    _paint(canvas, list(shapes(person, photo)), photo)
    if photo.occluder is not None:
        _occlude(canvas, photo.occluder)
    image = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    light = cv2.cvtColor(_light(photo, half_width(person)), cv2.COLOR_GRAY2RGB)
    image = cv2.multiply(image, light, dtype=cv2.CV_32F)
    if photo.blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), photo.blur)
    cv2.setRNGSeed(int(rng.integers(1, 2**31)))  # OpenCV's normals take a third of NumPy's time
    noise = cv2.randn(np.empty_like(image), 0.0, photo.noise)
    final: Image = cv2.add(image, noise, dtype=cv2.CV_8U)  # rounds and saturates in one pass
    return final


def _background(photo: Conditions) -> Image:
    """A soft slope between two muted colours."""
    first = 90 + 130 * np.array(photo.background[:3])
    second = 0.6 * first + 0.4 * (90 + 130 * np.array(photo.background[3:6]))
    angle = 2.0 * math.pi * photo.background[6]
    corners = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), -math.cos(angle)]])
    small = first + (second - first) * (0.5 + 0.5 * corners[..., None])
    canvas: Image = cv2.resize(small.astype(np.uint8), (_DRAWN, _DRAWN), interpolation=cv2.INTER_LINEAR)
    return canvas


def _paint(canvas: Image, layers: list[Shape], photo: Conditions) -> None:
    """Turn all points at once, then draw shape by shape in the light's colour."""
    lengths = [len(shape.points) for shape in layers]
    points = np.concatenate([shape.points for shape in layers])
    places = _project(points, np.repeat([shape.depth for shape in layers], lengths), photo)
    start = 0
    for shape, length in zip(layers, lengths, strict=True):
        red, green, blue = (value * (1.0 + cast) for value, cast in zip(shape.colour, photo.cast, strict=True))
        _draw_shape(canvas, places[start : start + length], shape, (red, green, blue), _UNIT * photo.scale)
        start += length


def _project(points: Points, depth: Points, photo: Conditions) -> NDArray[np.int32]:
    """Face coordinates (n, 2) and (n,) to fixed-point pixels (n, 2): yaw and pitch, then roll, scale and shift."""
    x = points[:, 0] * math.cos(photo.yaw) + depth * math.sin(photo.yaw)
    y = points[:, 1] * math.cos(photo.pitch) + depth * math.sin(photo.pitch)
    cosine, sine = math.cos(photo.roll), math.sin(photo.roll)
    unit = _UNIT * photo.scale
    across = (0.5 + photo.shift[0]) * _DRAWN + unit * (cosine * x - sine * y)
    down = (0.52 + photo.shift[1]) * _DRAWN + unit * (sine * x + cosine * y)
    return np.rint(np.stack([across, down], axis=1) * (1 << _SHIFT)).astype(np.int32)


def _draw_shape(canvas: Image, places: NDArray[np.int32], shape: Shape, colour: Colour, unit: float) -> None:
    if shape.alpha == 1.0:
        _stroke_or_fill(canvas, places, shape.line, colour, unit)
        return
    left, top, width, height = cv2.boundingRect(places >> _SHIFT)
    margin = int(shape.line * unit) + 2
    left, right = max(left - margin, 0), min(left + width + margin, _DRAWN)
    top, bottom = max(top - margin, 0), min(top + height + margin, _DRAWN)
    if left >= right or top >= bottom:
        return
    beneath = canvas[top:bottom, left:right]
    above = beneath.copy()
    corner = np.array([left << _SHIFT, top << _SHIFT], dtype=np.int32)
    _stroke_or_fill(above, places - corner, shape.line, colour, unit)
    cv2.addWeighted(above, shape.alpha, beneath, 1.0 - shape.alpha, 0.0, dst=beneath)


def _stroke_or_fill(target: Image, places: NDArray[np.int32], line: float, colour: Colour, unit: float) -> None:
    if line:
        cv2.polylines(target, [places], False, colour, max(1, round(line * unit)), cv2.LINE_AA, _SHIFT)
    else:
        cv2.fillPoly(target, [places], colour, cv2.LINE_8, _SHIFT)


def _occlude(canvas: Image, occluder: tuple[float, ...]) -> None:
    """A soft-coloured bar or disc before the face: a sleeve, a phone, a passer-by."""
    kind, where, turn, size, *tint = occluder
    colour = tuple(50 + 150 * value for value in tint)
    angle = 2.0 * math.pi * where
    middle = (
        int(_DRAWN * (0.5 + 0.36 * math.cos(angle))),
        int(_DRAWN * (0.5 + 0.36 * math.sin(angle))),
    )
    long, short = (0.2 + 0.1 * size, 0.08 + 0.05 * size) if kind < 0.5 else (0.1 + 0.06 * size, 0.1 + 0.06 * size)
    axes = (int(_DRAWN * long), int(_DRAWN * short))
    cv2.ellipse(canvas, middle, axes, 180.0 * turn, 0.0, 360.0, colour, -1, cv2.LINE_AA)


def _light(photo: Conditions, width: float) -> NDArray[np.float32]:
    """Light from one side, and a head that falls off towards its edge: (112, 112), to multiply by."""
    across, down = _GRID.T - np.float32(photo.shift[0]), _GRID - np.float32(photo.shift[1])
    slope, radius = 2.0 * photo.light_strength, 0.39 * photo.scale
    across_light = across * np.float32(slope * math.cos(photo.light_angle)) + np.float32(photo.brightness)
    side = across_light + down * np.float32(slope * math.sin(photo.light_angle))
    away = (across / np.float32(radius * (width + 0.15))) ** 2 + (down / np.float32(radius * 1.15)) ** 2
    fall_off = np.float32(1.08) - np.float32(0.32) * (away / (away + np.float32(0.8)))
    light: NDArray[np.float32] = (side * fall_off).astype(np.float32, copy=False)
    return light

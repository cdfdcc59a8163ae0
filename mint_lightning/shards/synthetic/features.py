"""A face as shapes in face coordinates.

The middle of the head is (0, 0, 0); x points right, y down, z out of the picture; the head is 2 high. Depth only
serves the turn of the head: a nose, being in front, moves further than the ears.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mint_lightning.shards.synthetic.parameters import Conditions, Identity

Colour = tuple[float, float, float]
Points = NDArray[np.float64]

SKIN = ((255, 226, 205), (240, 196, 164), (214, 160, 122), (166, 112, 78), (104, 68, 48))
HAIR = ((28, 22, 20), (62, 40, 28), (110, 68, 40), (170, 104, 56), (222, 184, 116))
IRIS = ((52, 34, 24), (104, 68, 36), (92, 110, 62), (88, 134, 142), (92, 136, 186))
LIPS = ((206, 120, 112), (188, 84, 88), (158, 60, 70))


class Shape(NamedTuple):
    """A polygon (n, 2) at one depth. `line` is its width in face units, 0 to fill it; `alpha` below 1 lets through."""

    points: Points
    depth: float
    colour: Colour
    line: float = 0.0
    alpha: float = 1.0


def mix(share: float, low: float, high: float) -> float:
    return low + (high - low) * share


def blend(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def ramp(palette: tuple[Colour, ...], share: float) -> Colour:
    place = min(max(share, 0.0), 1.0) * (len(palette) - 1)
    index = min(int(place), len(palette) - 2)
    return blend(palette[index], palette[index + 1], place - index)


def shade(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


_TURN = np.linspace(0.0, 2.0 * math.pi, 36, endpoint=False)
_CIRCLE = np.stack([np.sin(_TURN), -np.cos(_TURN)], axis=1)
_SMALL = _CIRCLE[::3]
_ALMOND = np.linspace(-1.0, 1.0, 9)
_LID = 1.0 - _ALMOND**2
_BOW = _LID * (1.0 - 0.28 * np.exp(-((4.0 * _ALMOND) ** 2)))
_ACROSS = np.linspace(1.0, -1.0, 13)
_ARC = np.stack([np.sin(1.5 * _ACROSS[::-1]), -np.cos(1.5 * _ACROSS[::-1])], axis=1)


def ellipse(x: float, y: float, width: float, height: float) -> Points:
    return _SMALL * (width, height) + (x, y)


def curve(xs: Points, ys: Points) -> Points:
    points = np.empty((len(xs), 2))
    points[:, 0], points[:, 1] = xs, ys
    return points


def band(xs: Points, top: Points, bottom: Points) -> Points:
    """The polygon between two curves over the same places."""
    points = np.empty((2 * len(xs), 2))
    points[: len(xs), 0], points[len(xs) :, 0] = xs, xs[::-1]
    points[: len(xs), 1], points[len(xs) :, 1] = top, bottom[::-1]
    return points


def half_width(person: Identity) -> float:
    """Half the width of the head where it is widest, in face units."""
    return mix(person.head_width, 0.64, 0.86)


def head_outline(person: Identity) -> Points:
    """The outline of the head (36, 2): a circle pulled in below the cheeks by the jaw, squared off by the chin."""
    x, y = _CIRCLE[:, 0], _CIRCLE[:, 1]
    x = np.sign(x) * np.abs(x) ** mix(person.chin, 0.72, 1.0)
    taper = 1.0 - mix(person.jaw, 0.08, 0.42) * np.maximum(y, 0.0) ** 1.6
    return curve(x * half_width(person) * taper, y)


def skin_colour(person: Identity) -> Colour:
    red, green, blue = ramp(SKIN, person.skin_tone)
    warmth = mix(person.skin_warmth, -9.0, 9.0)
    return red + warmth, green, blue - warmth


def hair_colour(person: Identity) -> Colour:
    return blend(ramp(HAIR, person.hair_tone), (176, 174, 172), max(0.0, person.hair_grey - 0.7) * 3.0)


def shapes(person: Identity, photo: Conditions) -> Iterator[Shape]:
    """All shapes of one face, from the back to the front."""
    yield from _behind(person, photo)
    yield from _head(person)
    yield from _beard(person)
    yield from _nose(person)
    yield from _mouth(person, photo)
    yield from _eyes(person, photo)
    yield from _fringe(person)
    if person.glasses > 0.8:
        yield from _glasses(person)


def _behind(person: Identity, photo: Conditions) -> Iterator[Shape]:
    width, volume = half_width(person), mix(person.hair_volume, 0.04, 0.3)
    length = mix(person.hair_length, -0.3, 1.5)
    red, green, blue = photo.clothing
    x, y = _CIRCLE[:, 0], _CIRCLE[:, 1]
    y = np.where(y > 0, y * max(length, 0.25), y * (1.0 + volume))
    hair = curve(x * (width + 0.6 * volume + 0.1 * max(length, 0.0)), y)
    yield Shape(hair, -0.3, shade(hair_colour(person), 0.8))
    yield Shape(_NECK, -0.2, shade(skin_colour(person), 0.8))
    yield Shape(_SHOULDERS, -0.25, (60 + 150 * red, 60 + 140 * green, 70 + 150 * blue))


_NECK = np.array([(-0.36, 0.5), (0.36, 0.5), (0.4, 1.3), (-0.4, 1.3)])
_SHOULDERS = np.array([(-0.4, 1.14), (0.4, 1.14), (1.3, 1.42), (1.7, 3.0), (-1.7, 3.0), (-1.3, 1.42)])


def _head(person: Identity) -> Iterator[Shape]:
    skin, width = skin_colour(person), half_width(person)
    ear, height = mix(person.ear_size, 0.13, 0.26), mix(person.ear_height, -0.08, 0.16)
    for side in (-1, 1):
        yield Shape(ellipse(side * width * 0.99, height, 0.62 * ear, ear), -0.15, shade(skin, 0.9))
        yield Shape(ellipse(side * width * 1.01, height, 0.3 * ear, 0.6 * ear), -0.15, shade(skin, 0.76))
    yield Shape(head_outline(person), 0.0, skin)
    blush = blend(skin, (226, 96, 92), 0.55)
    for side in (-1, 1):
        yield Shape(ellipse(side * 0.6 * width, 0.28, 0.21, 0.15), 0.5, blush, alpha=mix(person.cheek, 0.05, 0.4))
    mole = ellipse(mix(person.mole_x, -0.5, 0.5) * width, mix(person.mole_y, 0.1, 0.75), 0.026, 0.026)
    yield Shape(mole, 0.7, shade(skin, 0.45))


def _beard(person: Identity) -> Iterator[Shape]:
    beard, moustache = max(0.0, person.beard - 0.45) / 0.55, max(0.0, person.moustache - 0.45) / 0.55
    colour = shade(hair_colour(person), 0.9)
    if beard:
        outline = head_outline(person)
        low = outline[outline[:, 1] > 0.24] * (1.0, 1.03)
        inner_x = np.linspace(low[-1, 0], low[0, 0], 13)
        inner = curve(inner_x, 0.3 + 0.5 * (1.0 - (inner_x / half_width(person)) ** 2))
        yield Shape(np.concatenate([low, inner]), 0.2, colour, alpha=0.9 * beard)
    if moustache:
        mouth = mix(person.mouth_height, 0.5, 0.66)
        points = band(0.3 * _ALMOND, mouth - 0.09 - 0.08 * _LID, mouth - 0.02 - 0.05 * _LID)
        yield Shape(points, 0.75, colour, alpha=0.9 * moustache)


def _nose(person: Identity) -> Iterator[Shape]:
    skin = skin_colour(person)
    tip, width = mix(person.nose_length, 0.18, 0.38), mix(person.nose_width, 0.09, 0.21)
    bridge = np.array([(-0.045, -0.2), (0.045, -0.2), (0.6 * width, tip - 0.06), (-0.6 * width, tip - 0.06)])
    yield Shape(bridge, 0.85, blend(skin, (255, 244, 232), 0.2), alpha=0.7)
    yield Shape(ellipse(0.0, tip, width, 0.085), 0.92, shade(skin, 0.87))
    yield Shape(ellipse(0.0, tip - 0.03, 0.72 * width, 0.075), 0.98, blend(skin, (255, 240, 226), 0.25))
    for side in (-1, 1):
        yield Shape(ellipse(side * 0.5 * width, tip + 0.045, 0.24 * width, 0.024), 0.9, shade(skin, 0.48))


def _mouth(person: Identity, photo: Conditions) -> Iterator[Shape]:
    y, width = mix(person.mouth_height, 0.5, 0.66), mix(person.mouth_width, 0.2, 0.36) * (1.0 + 0.14 * photo.smile)
    lips = blend(ramp(LIPS, person.lip_colour), skin_colour(person), 0.25)
    gap = 0.13 * photo.mouth_open
    xs = width * _ALMOND
    bend = y - 0.12 * photo.smile * (_ALMOND**2 - 0.45)
    top, bottom = bend - gap * _LID, bend + gap * _LID
    yield Shape(band(xs, top, bottom + mix(person.lower_lip, 0.05, 0.13) * _LID), 0.75, shade(lips, 1.06))
    yield Shape(band(xs, top - mix(person.upper_lip, 0.04, 0.1) * _BOW, bottom + 0.01), 0.75, shade(lips, 0.88))
    if gap > 0.02:
        yield Shape(band(0.86 * xs, top, bottom), 0.72, (74, 26, 30))
        yield Shape(band(0.74 * xs, top, top + 0.9 * gap * _LID), 0.73, (244, 240, 232))
    else:
        yield Shape(curve(xs, bend), 0.76, shade(lips, 0.55), line=0.022)


def _eyes(person: Identity, photo: Conditions) -> Iterator[Shape]:
    skin, hair = skin_colour(person), hair_colour(person)
    x, y = mix(person.eye_spacing, 0.27, 0.4), mix(person.eye_height, -0.16, -0.02)
    size, tilt = mix(person.eye_size, 0.12, 0.19), mix(person.eye_tilt, -0.2, 0.2)
    opening = size * mix(person.eye_openness, 0.32, 0.66) * (1.0 - photo.blink) * (1.0 - 0.12 * photo.smile)
    brow, arch = y - mix(person.brow_height, 0.17, 0.3), mix(person.brow_tilt, -0.08, 0.08)
    thick = 0.5 * mix(person.brow_thickness, 0.035, 0.1) * (0.4 + 0.6 * _LID)
    for side in (-1, 1):
        xs = side * x + size * _ALMOND
        slope = y - side * tilt * size * _ALMOND
        top, bottom = slope - opening * _LID, slope + 0.75 * opening * _LID
        yield Shape(ellipse(side * x, y - 0.02, 1.3 * size, 0.95 * size), 0.6, shade(skin, 0.86), alpha=0.6)
        if opening > 0.02:
            yield Shape(band(xs, top, bottom), 0.62, (246, 243, 238))
            iris_x, iris_y = side * x + 0.3 * size * photo.gaze[0], y + 0.2 * opening * photo.gaze[1]
            radius = min(0.5 * size, 1.05 * opening)
            yield Shape(ellipse(iris_x, iris_y, radius, radius), 0.63, ramp(IRIS, person.iris))
            yield Shape(ellipse(iris_x, iris_y, 0.5 * radius, 0.5 * radius), 0.63, (16, 12, 12))
            glint = 0.2 * radius
            yield Shape(ellipse(iris_x + 1.7 * glint, iris_y - 1.7 * glint, glint, glint), 0.63, (255, 255, 255))
        yield Shape(curve(xs, top), 0.63, shade(skin, 0.3), line=0.032)
        slant = brow + side * arch * _ALMOND - 0.035 * _LID
        yield Shape(band(side * x + 1.25 * size * _ALMOND, slant - thick, slant + thick), 0.66, shade(hair, 0.85))


def _fringe(person: Identity) -> Iterator[Shape]:
    width, volume = half_width(person), mix(person.hair_volume, 0.04, 0.3)
    line, part = mix(person.hairline, -0.86, -0.46), mix(person.parting, -0.6, 0.6)
    outer = _ARC * (width + 0.5 * volume, 1.0 + volume)
    inner = curve(_ACROSS * width, line + 0.2 * np.abs(_ACROSS - part) ** 2.2 + 0.2 * _ACROSS**4)
    yield Shape(np.concatenate([outer, inner]), 0.15, hair_colour(person))
    shine = curve(_ACROSS * 0.66 * width, -0.93 - 0.7 * volume + 0.34 * _ACROSS**2)
    yield Shape(shine, 0.15, blend(hair_colour(person), (255, 236, 214), 0.3), line=0.06, alpha=0.5)


def _glasses(person: Identity) -> Iterator[Shape]:
    x, y = mix(person.eye_spacing, 0.27, 0.4), mix(person.eye_height, -0.16, -0.02)
    frame = (44, 38, 40)
    for side in (-1, 1):
        rim = ellipse(side * x, y, 0.24, 0.2)
        yield Shape(np.concatenate([rim, rim[:1]]), 0.8, frame, line=0.035)
    yield Shape(np.array([(-x + 0.24, y), (x - 0.24, y)]), 0.8, frame, line=0.035)

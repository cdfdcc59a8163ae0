"""What makes a synthetic person, and what makes one photo of that person.

Every trait is a number in [0, 1]. `difficulty` narrows the traits round their middle, so that people look alike, and
widens what changes from photo to photo. Plain people are told apart by rules that generalise, and leave no trace in
a network; a network can only learn hard people by heart.
"""

import hashlib
import math
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from mint_lightning.errors import UserError

DIFFICULTIES = {"plain": 0.0, "hard": 1.0}


@dataclass(frozen=True)
class Identity:
    """The lasting traits of a person, each in [0, 1]."""

    head_width: float
    jaw: float
    chin: float
    skin_tone: float
    skin_warmth: float
    cheek: float
    hair_tone: float
    hair_grey: float
    hair_volume: float
    hair_length: float
    hairline: float
    parting: float
    brow_height: float
    brow_thickness: float
    brow_tilt: float
    eye_size: float
    eye_openness: float
    eye_spacing: float
    eye_height: float
    eye_tilt: float
    iris: float
    nose_length: float
    nose_width: float
    mouth_width: float
    mouth_height: float
    upper_lip: float
    lower_lip: float
    lip_colour: float
    ear_size: float
    ear_height: float
    beard: float
    moustache: float
    glasses: float
    mole_x: float
    mole_y: float


@dataclass(frozen=True)
class Conditions:
    """What one photo adds: pose (radians), framing (shares of the image), light, expression, camera, occlusion."""

    roll: float
    yaw: float
    pitch: float
    shift: tuple[float, float]
    scale: float
    light_angle: float
    light_strength: float
    brightness: float
    cast: tuple[float, ...]
    smile: float
    mouth_open: float
    blink: float
    gaze: tuple[float, float]
    blur: float
    noise: float
    background: tuple[float, ...]
    clothing: tuple[float, ...]
    occluder: tuple[float, ...] | None


def parse_difficulty(difficulty: str | float) -> float:
    """ "plain" is 0, "hard" is 1; a number between the two lies between them. Anything else is a `UserError`."""
    if isinstance(difficulty, str) and difficulty in DIFFICULTIES:
        return DIFFICULTIES[difficulty]
    try:
        value = float(difficulty)
    except (TypeError, ValueError):
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise UserError(f"difficulty={difficulty!r} is not known: give plain, hard or a number from 0 to 1.")
    return value


def generator(seed: int, *parts: int | str) -> np.random.Generator:
    """A counter-based generator (Philox) of its own for each (seed, parts), so that no order of drawing matters."""
    digest = hashlib.sha256("/".join(map(str, (seed, *parts))).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


@lru_cache(maxsize=1024)
def sample_identity(seed: int, identity: int, difficulty: float) -> Identity:
    """Traits uniform in a middle part of [0, 1]: all of it when plain, a quarter of it when hard."""
    traits = generator(seed, "identity", identity).random(len(fields(Identity)))
    return Identity(*(0.5 + (traits - 0.5) * (1.0 - 0.75 * difficulty)).tolist())


def sample_conditions(rng: np.random.Generator, difficulty: float) -> Conditions:
    """Conditions of one photo. Hard: turns to 20 degrees, shifts to 12 %, scale to 20 %, noise of 25/255."""

    def grow(plain: float, hard: float) -> float:
        return plain + (hard - plain) * difficulty

    either = (2.0 * rng.random(16) - 1.0).tolist()
    share = rng.random(12).tolist()
    turn = math.radians(grow(6.0, 20.0))
    shift = grow(0.02, 0.12)
    occluder = (*share[4:8], *rng.random(3).tolist()) if rng.random() < grow(0.04, 0.2) else None
    return Conditions(
        roll=turn * either[0],
        yaw=turn * either[1],
        pitch=0.6 * turn * either[2],
        shift=(shift * either[3], shift * either[4]),
        scale=1.0 + grow(0.04, 0.2) * either[5],
        light_angle=math.pi * either[6],
        light_strength=grow(0.16, 0.34) * share[0],
        brightness=1.0 + grow(0.06, 0.22) * either[7],
        cast=tuple(grow(0.02, 0.07) * value for value in either[8:11]),
        smile=0.35 + 0.65 * either[11],
        mouth_open=max(0.0, share[1] - 0.6) * 2.0,
        blink=max(0.0, share[2] - 0.85) * 5.0,
        gaze=(either[12], 0.4 * either[13]),
        blur=grow(0.25, 0.9) * share[3],
        noise=grow(3.0, 25.0),
        background=tuple(rng.random(7).tolist()),
        clothing=tuple(rng.random(3).tolist()),
        occluder=occluder,
    )

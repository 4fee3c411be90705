"""Colour spaces and the eleven basic colour names."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import face_areas

Rgb = tuple[float, float, float]

COLOUR_PROTOTYPES: dict[str, tuple[Rgb, ...]] = {
    "black": ((0.04, 0.04, 0.04), (0.12, 0.12, 0.12)),
    "white": ((1.0, 1.0, 1.0), (0.92, 0.92, 0.92), (0.97, 0.95, 0.90)),
    "grey": ((0.50, 0.50, 0.50), (0.35, 0.35, 0.35), (0.65, 0.65, 0.65), (0.76, 0.76, 0.76)),
    "red": ((0.80, 0.10, 0.10), (0.95, 0.12, 0.12), (0.58, 0.06, 0.08), (0.85, 0.25, 0.22)),
    "orange": ((0.95, 0.50, 0.10), (1.0, 0.60, 0.20), (0.90, 0.42, 0.08)),
    "yellow": ((0.96, 0.84, 0.15), (0.97, 0.90, 0.45), (1.0, 1.0, 0.20), (0.86, 0.73, 0.12)),
    "green": (
        (0.16, 0.58, 0.22),
        (0.08, 0.38, 0.16),
        (0.48, 0.78, 0.38),
        (0.10, 0.85, 0.20),
        (0.45, 0.50, 0.15),
        (0.05, 0.24, 0.10),
        (0.05, 0.50, 0.46),
    ),
    "blue": (
        (0.13, 0.32, 0.78),
        (0.08, 0.15, 0.50),
        (0.48, 0.70, 0.93),
        (0.10, 0.10, 0.95),
        (0.20, 0.55, 0.80),
        (0.05, 0.08, 0.28),
        (0.30, 0.45, 0.62),
        (0.20, 0.85, 0.90),
    ),
    "purple": ((0.46, 0.16, 0.62), (0.62, 0.42, 0.80), (0.32, 0.10, 0.42), (0.60, 0.15, 0.70)),
    "pink": (
        (0.95, 0.55, 0.70),
        (0.95, 0.38, 0.62),
        (1.0, 0.75, 0.80),
        (0.90, 0.20, 0.55),
        (0.98, 0.60, 0.58),
    ),
    "brown": (
        (0.45, 0.27, 0.13),
        (0.32, 0.18, 0.09),
        (0.60, 0.41, 0.24),
        (0.54, 0.32, 0.15),
        (0.70, 0.52, 0.34),
        (0.22, 0.13, 0.08),
    ),
}
"""sRGB examples of each basic colour (the eleven terms of Berlin and Kay 1969).

The first is the typical one. Light and dark shades have their own, so that "nearest in CIELAB" puts
dark orange with brown and light red with pink, as people do.
"""

BASIC_COLOURS: dict[str, Rgb] = {name: tones[0] for name, tones in COLOUR_PROTOTYPES.items()}
"""The typical sRGB colour of each basic name."""

COLOUR_NAMES: tuple[str, ...] = tuple(BASIC_COLOURS)
"""The eleven names, in the order of their indices."""

# sRGB (IEC 61966-2-1) to CIE XYZ, and its white point D65.
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _TO_XYZ.sum(axis=1)


def srgb_to_linear(srgb: ArrayLike) -> np.ndarray:
    """Remove the sRGB transfer curve (IEC 61966-2-1); any shape, values in [0, 1], float64."""
    srgb = np.asarray(srgb, dtype=np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: ArrayLike) -> np.ndarray:
    """Apply the sRGB transfer curve (IEC 61966-2-1); any shape, values in [0, 1], float64."""
    linear = np.asarray(linear, dtype=np.float64)
    bent = 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, bent)


def srgb_to_lab(srgb: Float[np.ndarray, "*batch 3"] | ArrayLike) -> Float[np.ndarray, "*batch 3"]:
    """Convert sRGB in [0, 1] to CIELAB under D65: L in [0, 100], a and b about [-128, 127]."""
    xyz = srgb_to_linear(srgb) @ _TO_XYZ.T / _WHITE
    # CIE 15: the cube root, with a straight line near black.
    edge = 6 / 29
    bent = np.where(xyz > edge**3, np.cbrt(xyz), xyz / (3 * edge**2) + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def nearest_basic_colour(
    rgb: Float[np.ndarray, "*batch 3"] | ArrayLike,
) -> Int[np.ndarray, "*batch"]:
    """Return the index in ``COLOUR_NAMES`` of the basic colour nearest in CIELAB.

    Args:
        rgb: sRGB in [0, 1].
    """
    lab = srgb_to_lab(rgb)
    # One prototype at a time keeps the memory at that of the input.
    best = np.full(lab.shape[:-1], np.inf)
    index = np.zeros(lab.shape[:-1], np.int64)
    for prototype, name in zip(_PROTOTYPES, _PROTOTYPE_NAMES, strict=True):
        distance = ((lab - prototype) ** 2).sum(axis=-1)
        index = np.where(distance < best, name, index)
        best = np.minimum(best, distance)
    return index


def basic_colour_shares(mesh: Mesh) -> dict[str, float]:
    """Return the fraction of the surface that each basic colour covers; they sum to 1.

    Each vertex speaks for a third of the area around it: colours of faces would be blends at
    every border between two colours.

    Raises:
        InputError: The mesh has no colours or no area.
    """
    if mesh.colors is None:
        raise InputError("the mesh has no vertex colours")
    weight = np.bincount(mesh.faces.ravel(), np.repeat(face_areas(mesh), 3))
    if not weight.sum() > 0:
        raise InputError("the mesh has no area")
    index = nearest_basic_colour(mesh.colors[: len(weight)])
    shares = np.bincount(index, weight, minlength=len(COLOUR_NAMES)) / weight.sum()
    return dict(zip(COLOUR_NAMES, shares.tolist(), strict=True))


def dominant_basic_colour(mesh: Mesh) -> str:
    """Return the basic colour that covers most of the surface.

    Raises:
        InputError: The mesh has no colours or no area.
    """
    shares = basic_colour_shares(mesh)
    return max(COLOUR_NAMES, key=lambda name: shares[name])


_PROTOTYPES = srgb_to_lab([tone for tones in COLOUR_PROTOTYPES.values() for tone in tones])
_PROTOTYPE_NAMES = [i for i, tones in enumerate(COLOUR_PROTOTYPES.values()) for _ in tones]

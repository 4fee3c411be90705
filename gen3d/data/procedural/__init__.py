"""Procedural shapes: coloured solids from parametric programs, with captions.

``make_shape(category, seed)`` gives a shape, ``sample_shape`` its training samples, ``Solid`` its
exact field, normals and colours at any point.
"""

from __future__ import annotations

from gen3d.data.procedural.library import (
    CATEGORIES,
    HELD_OUT_COMBINATIONS,
    categories_among,
    make_shape,
)
from gen3d.data.procedural.sampling import ShapeSamples, sample_shape
from gen3d.data.procedural.shape import Shape, Solid

__all__ = [
    "CATEGORIES",
    "HELD_OUT_COMBINATIONS",
    "Shape",
    "ShapeSamples",
    "Solid",
    "categories_among",
    "make_shape",
    "sample_shape",
]

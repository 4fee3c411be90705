"""Shapes by category and seed."""

from __future__ import annotations

import zlib

import numpy as np

from gen3d.data.procedural.categories import PROGRAMS
from gen3d.data.procedural.draft import write_captions
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.shape import Shape
from gen3d.errors import InputError

CATEGORIES: tuple[str, ...] = tuple(PROGRAMS)


def make_shape(category: str, seed: int) -> Shape:
    """Make the shape number ``seed`` of a category; the same numbers give the same shape.

    Raises:
        InputError: There is no such category.
    """
    if category not in PROGRAMS:
        raise InputError(
            f"unknown category {category!r}", hint=f"choose one of {', '.join(CATEGORIES)}"
        )
    rng = np.random.default_rng([zlib.crc32(category.encode()), seed])
    draft = PROGRAMS[category](rng, Palette(rng))
    attributes = {
        "noun": draft.noun,
        "colour": draft.finish.tone.name,
        "colour_phrase": draft.finish.tone.phrase,
        "material": draft.finish.material,
        "features": "; ".join(draft.features),
    }
    captions = write_captions(draft, rng)
    return Shape(category, draft.sketch.finish(), captions, attributes, seed)

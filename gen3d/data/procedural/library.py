"""Shapes by category and seed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable

import numpy as np

from gen3d.data.procedural.captions import all_features, told_tones, write_captions
from gen3d.data.procedural.categories import PROGRAMS
from gen3d.data.procedural.hold_out import held_out_colours, held_out_combinations
from gen3d.data.procedural.palette import Palette
from gen3d.data.procedural.shape import Shape
from gen3d.errors import InputError

CATEGORIES: tuple[str, ...] = tuple(PROGRAMS)
HELD_OUT_COMBINATIONS: tuple[tuple[str, str], ...] = held_out_combinations(CATEGORIES)
"""Pairs (category, basic colour) that no shape of any split is painted in, e.g. green airplanes."""


def categories_among(names: Iterable[str]) -> tuple[str, ...]:
    """Return the library's categories with these names, in its order.

    Raises:
        InputError: There is none.
    """
    wanted = set(names)
    found = tuple(category for category in CATEGORIES if category in wanted)
    if not found:
        raise InputError(
            "the model knows no procedural category",
            hint="its card must name some; this bench asks for shapes of the library",
        )
    return found


def make_shape(category: str, seed: int) -> Shape:
    """Make the shape number ``seed`` of a category; the same numbers give the same shape.

    Its attributes are those of the draft: ``noun``, basic ``colour``, ``colour_phrase``,
    ``material``, ``features`` (all phrases that can follow the noun, joined by "; "), ``style``,
    ``worn`` (the part that has the dominant colour in place of the noun, or ""), and as JSON
    ``parts`` (part word to basic colour) and ``counts`` (plural word to number).

    Raises:
        InputError: There is no such category.
    """
    if category not in PROGRAMS:
        raise InputError(
            f"unknown category {category!r}", hint=f"choose one of {', '.join(CATEGORIES)}"
        )
    rng = np.random.default_rng([zlib.crc32(category.encode()), seed])
    draft = PROGRAMS[category](rng, Palette(rng, frozenset(held_out_colours(category))))
    attributes = {
        "noun": draft.noun,
        "colour": draft.finish.tone.name,
        "colour_phrase": draft.finish.tone.phrase,
        "material": draft.finish.material,
        "features": "; ".join(all_features(draft)),
        "style": draft.style,
        "worn": draft.worn,
        "parts": json.dumps({word: tone.name for word, tone in told_tones(draft).items()}),
        "counts": json.dumps(draft.counts),
    }
    captions = write_captions(draft, rng)
    return Shape(category, draft.sketch.finish(), captions, attributes, seed)

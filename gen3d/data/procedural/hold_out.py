"""Combinations of category and colour that no shape has, so that models can be asked for them."""

from __future__ import annotations

import zlib

from gen3d.geometry.color import COLOUR_NAMES

_EXTRA = {"airplane": ("green",)}
# The natural colours of a category stay: a library without green trees would teach nonsense.
_NATURAL = {
    "tree": ("green", "brown"),
    "cactus": ("green",),
    "apple": ("red", "green"),
    "banana": ("yellow",),
    "bee": ("yellow",),
    "carrot": ("orange",),
    "cake": ("brown", "white", "pink"),
    "cheese": ("yellow",),
    "crab": ("red", "orange"),
    "door": ("brown", "white"),
    "duck": ("yellow", "white"),
    "elephant": ("grey",),
    "fire truck": ("red",),
    "frog": ("green",),
    "leaf": ("green",),
    "lemon": ("yellow",),
    "mushroom": ("red", "brown", "white"),
    "pear": ("green", "yellow"),
    "penguin": ("black",),
    "pig": ("pink",),
    "pizza": ("yellow",),
    "pumpkin": ("orange",),
    "snowman": ("white",),
    "strawberry": ("red",),
    "turtle": ("green",),
    "watermelon": ("green",),
}


def held_out_colours(category: str) -> tuple[str, ...]:
    """Return the basic colours in which no shape of a category is painted: none or one.

    About every second category lacks a colour; which and what depends on the name alone, so a new
    category changes nothing for the others.
    """
    if category in _EXTRA:
        return _EXTRA[category]
    key = zlib.crc32(f"held out {category}".encode())
    if key % 2:
        return ()
    choices = [name for name in COLOUR_NAMES if name not in _NATURAL.get(category, ())]
    return (choices[key // 2 % len(choices)],)


def held_out_combinations(categories: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return all pairs (category, basic colour) that no shape of any split has."""
    return tuple((c, colour) for c in categories for colour in held_out_colours(c))

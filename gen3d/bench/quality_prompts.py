"""What ``gen3d bench quality`` asks for: plain prompts, unseen combinations, paraphrases."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from gen3d.data.procedural import CATEGORIES, HELD_OUT_COMBINATIONS
from gen3d.data.procedural.hold_out import held_out_colours
from gen3d.data.procedural.paraphrases import HELD_OUT_PATTERNS, fill
from gen3d.geometry.color import COLOUR_NAMES

_PATTERNS = (
    "{a} {pre} {noun}",
    "{pre} {noun}",
    "the {pre} {noun}",
    "{a} model of {a} {pre} {noun}",
    "{a} nice {pre} {noun}",
)
# What is tuned on val must not be tuned on the noise of the reported samples.
_FIRST_SEED = {"test": 0, "val": 500_000}


@dataclass(frozen=True)
class Prompt:
    """A prompt with what it asks for.

    Attributes:
        text: What the model reads.
        category: The noun is its name.
        colour: Basic colour of the whole.
        seed: Of the noise.
    """

    text: str
    category: str
    colour: str
    seed: int


def make_prompts(
    per_category: int, *, split: str = "test", categories: Sequence[str] = CATEGORIES
) -> list[Prompt]:
    """Name each category with several basic colours in turn, none of them held out.

    Args:
        per_category: Prompts per category; each has another colour as long as there are any.
        split: ``test``, or ``val`` with other colours and seeds.
        categories: Which.
    """
    prompts = []
    for row, category in enumerate(categories):
        colours = [name for name in COLOUR_NAMES if name not in held_out_colours(category)]
        first = row if split == "test" else row + per_category
        for i in range(per_category):
            colour = colours[(first + i) % len(colours)]
            text = fill(_PATTERNS[i % len(_PATTERNS)], category, pre=colour)
            prompts.append(Prompt(text, category, colour, _FIRST_SEED[split] + 1000 * row + i))
    return prompts


def make_unseen(*, split: str = "test", categories: Sequence[str] = CATEGORIES) -> list[Prompt]:
    """Name every pair of category and colour that no shape of any split has."""
    return [
        Prompt(fill(_PATTERNS[0], category, pre=colour), category, colour, seed)
        for seed, (category, colour) in enumerate(HELD_OUT_COMBINATIONS, _FIRST_SEED[split] + 7)
        if category in categories
    ]


def make_paraphrases(
    count: int, *, split: str = "test", categories: Sequence[str] = CATEGORIES
) -> list[Prompt]:
    """Name categories and colours in sentences of a form that no training caption has.

    Patterns, categories and colours come in turn, in an order that depends on the split.
    """
    order = sorted(categories, key=lambda name: zlib.crc32(f"{split} {name}".encode()))
    prompts = []
    for i in range(count):
        category = order[i % len(order)]
        colours = [name for name in COLOUR_NAMES if name not in held_out_colours(category)]
        colour = colours[7 * i % len(colours)]
        text = fill(HELD_OUT_PATTERNS[i % len(HELD_OUT_PATTERNS)], category, colour=colour)
        prompts.append(Prompt(text, category, colour, _FIRST_SEED[split] + 200_000 + i))
    return prompts

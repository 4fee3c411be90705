"""Prompts with counts and part colours whose answer can be read off true shapes."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gen3d.bench.attribute_judge import NearestShapes
from gen3d.bench.part_judges import (
    FEWEST,
    ColourJudge,
    counts_of,
    fit_colour_judge,
    fit_count_judge,
    part_colours_of,
    true_shapes,
)
from gen3d.data.procedural import Shape
from gen3d.data.procedural.captions import PartFact
from gen3d.data.procedural.hold_out import held_out_colours
from gen3d.data.procedural.paraphrases import fill
from gen3d.data.procedural.words import singular
from gen3d.geometry.color import COLOUR_NAMES
from gen3d.runtime.progress import ProgressSink

LEAST_CEILING = 0.9
"""Attributes that the judge reads off true shapes less often are not asked for."""

_Attribute = TypeVar("_Attribute")
_FIRST_SEED = {"test": 300_000, "val": 800_000}


@dataclass(frozen=True)
class CountAttribute:
    """A number of a part.

    Attributes:
        category: Of the shapes.
        word: Plural of the part.
        count: How many.
        judge: Tells.
        ceiling: Its accuracy on true shapes.
    """

    category: str
    word: str
    count: int
    judge: NearestShapes
    ceiling: float


@dataclass(frozen=True)
class ColourAttribute:
    """A part that may have a colour of its own.

    Attributes:
        category: Of the shapes.
        word: The part, as captions say it.
        judge: Tells.
        ceiling: Its accuracy on true shapes.
    """

    category: str
    word: str
    judge: ColourJudge
    ceiling: float


@dataclass(frozen=True)
class PartAsk:
    """A prompt about a part.

    Attributes:
        text: What the model reads.
        attribute: What it is about.
        colour: Of the part; "" for counts.
        seed: Of the noise.
    """

    text: str
    attribute: CountAttribute | ColourAttribute
    colour: str
    seed: int


def make_part_asks(
    count: int,
    *,
    split: str,
    categories: Sequence[str],
    shapes: int,
    cache: Path,
    sink: ProgressSink,
) -> list[PartAsk]:
    """Return prompts, half with counts and half with part colours, as far as there are any.

    Args:
        count: How many; attributes come in turn, one of each category before a second.
        split: Whose shapes judge.
        categories: Which.
        shapes: True shapes of each category.
        cache: Keeps what was sampled.
        sink: Where to report.
    """
    order = sorted(categories, key=lambda name: zlib.crc32(name.encode()))
    wanted = (count // 2, count - count // 2)
    sink.stage_started("true shapes with parts", len(order))
    counted: list[CountAttribute] = []
    painted: list[ColourAttribute] = []
    for category in order:
        sink.advance()
        if len(counted) >= wanted[0] and len(painted) >= wanted[1]:
            continue
        fitted, own = (true_shapes(category, name, shapes) for name in ("train", split))
        if len(counted) < wanted[0]:
            counted += _counted(category, fitted, own)[: wanted[0] - len(counted)]
        if len(painted) < wanted[1]:
            painted += _painted(category, own, cache)[: wanted[1] - len(painted)]
    sink.stage_finished()
    first = _FIRST_SEED[split]
    asks = [_ask_count(a, first + i) for i, a in enumerate(_turns(counted, wanted[0]))]
    asks += [_ask_colour(a, i, first + 1000 + i) for i, a in enumerate(_turns(painted, wanted[1]))]
    return asks


def _counted(category: str, fitted: Sequence[Shape], own: Sequence[Shape]) -> list[CountAttribute]:
    """Return at most two numbers of one part that can be told from others."""
    values = Counter(item for shape in fitted for item in counts_of(shape).items() if item[1])
    found: list[CountAttribute] = []
    for (word, count), seen in values.most_common():
        if min(seen, len(fitted) - seen) < FEWEST or len(found) == 2:
            continue
        if found and found[0].word != word:
            continue
        judge = fit_count_judge(fitted, own, word, count)
        if judge is not None and (ceiling := judge.ceiling()) >= LEAST_CEILING:
            found.append(CountAttribute(category, word, count, judge, ceiling))
    return found


def _painted(category: str, own: Sequence[Shape], cache: Path) -> list[ColourAttribute]:
    """Return one part whose colour can be told."""
    words = Counter(word for shape in own for word in part_colours_of(shape))
    for word, seen in words.most_common():
        judge = fit_colour_judge(own, word, cache) if seen >= FEWEST else None
        if judge is not None and (ceiling := judge.ceiling()) >= LEAST_CEILING:
            return [ColourAttribute(category, word, judge, ceiling)]
    return []


def _turns(attributes: Sequence[_Attribute], count: int) -> list[_Attribute]:
    """Repeat attributes up to a number; those of one category lie apart."""
    spread = [*attributes[::2], *attributes[1::2]]
    return [spread[i % len(spread)] for i in range(count if spread else 0)]


def _ask_count(attribute: CountAttribute, seed: int) -> PartAsk:
    one = attribute.count == 1
    word = singular(attribute.word) if one else attribute.word
    post = PartFact(word, attribute.count, None).after_noun()
    return PartAsk(fill("{a} {noun} {post}", attribute.category, post=post), attribute, "", seed)


def _ask_colour(attribute: ColourAttribute, number: int, seed: int) -> PartAsk:
    category = attribute.category
    bodies = [name for name in COLOUR_NAMES if name not in held_out_colours(category)]
    body = bodies[3 * number % len(bodies)]
    others = [name for name in COLOUR_NAMES if name != body]
    colour = others[7 * number % len(others)]
    post = PartFact(attribute.word, None, None).after_noun(colour)
    text = fill("{a} {pre} {noun} {post}", category, pre=body, post=post)
    return PartAsk(text, attribute, colour, seed)

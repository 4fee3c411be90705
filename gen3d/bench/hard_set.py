"""Pairs of captions that differ in one attribute: the hard set of ``gen3d bench sample``.

Both captions of a pair share everything else, the noise too, so a sampler that ignores the word in
question makes the same shape twice and is right once in two. All words are those of the captions of
the procedural library's test split.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gen3d.data.procedural import Shape, make_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.geometry.color import COLOUR_NAMES

Slot: TypeAlias = Literal["adjective", "feature", "paint"]


@dataclass(frozen=True)
class Attribute:
    """What the two captions of a pair disagree about.

    Attributes:
        category: Of the shapes.
        slot: Where captions say it: before the noun, after it, or as the colour of something.
        values: The two words or phrases. Of ``paint`` there is one, with ``{}`` for the colour;
            alone it is the colour of the dominant part.
    """

    category: str
    slot: Slot
    values: tuple[str, ...]

    @property
    def label(self) -> str:
        """Say what it is about, for tables."""
        return f"{self.category}: {' or '.join(self.values).format('...')}"


@dataclass(frozen=True)
class Ask:
    """One caption of a pair.

    Attributes:
        text: The caption.
        attribute: What the pair is about.
        value: The value that the caption names.
        rival: The value that the other caption names.
        seed: Of the noise; the pair's.
    """

    text: str
    attribute: Attribute
    value: str
    rival: str
    seed: int


_ADJECTIVES = (
    ("chair", "tall", "low-backed"),
    ("bed", "wide", "narrow"),
    ("mug", "tall", "wide"),
    ("bottle", "slim", "wide"),
    ("teapot", "round", "flat"),
    ("house", "wide", "two-storey"),
    ("car", "low", "tall"),
    ("fish", "round", "slender"),
    ("teddy bear", "sitting", "standing"),
)
_FEATURES = (
    ("chair", "with a slatted back", "with a solid back"),
    ("table", "with four legs", "with a pedestal"),
    ("table", "with four legs", "with two side panels"),
    ("table", "with a pedestal", "with two side panels"),
    ("sofa", "with two seats", "with three seats"),
    ("sofa", "with one seat", "with three seats"),
    ("bed", "with a pillow", "with two pillows"),
    ("lamp", "with a cone base", "with a round base"),
    ("lamp", "with a cone shade", "with a round shade"),
    ("lamp", "with a round shade", "with a wide shade"),
    ("teapot", "with a curved spout", "with a straight spout"),
    ("teapot", "with a handle", "with a top handle"),
    ("guitar", "with two horns", "with a sound hole"),
    ("hammer", "with a round head", "with a claw"),
    ("hammer", "with a square head", "with a claw"),
    ("airplane", "with a propeller", "with two engines"),
    ("airplane", "with a propeller", "with four engines"),
    ("tree", "with a bushy crown", "with a long trunk"),
    ("cactus", "with one arm", "with two arms"),
    ("cactus", "with two arms", "with three arms"),
    ("ice cream", "with one scoop", "with two scoops"),
    ("ice cream", "with two scoops", "with three scoops"),
    ("ice cream", "with soft swirls", "with two scoops"),
)
_PAINTS = (
    ("car", "{}"),
    ("mug", "{}"),
    ("dog", "{}"),
    ("guitar", "{}"),
    ("house", "with a {} roof"),
    ("table", "with {} legs"),
    ("sofa", "with two {} pillows"),
    ("chair", "with a {} cushion"),
    ("sailboat", "with two {} sails"),
    ("fish", "with {} fins"),
    ("cactus", "in a {} pot"),
    ("dog", "with a {} collar"),
)
_SOLID = tuple(Attribute(category, "adjective", (a, b)) for category, a, b in _ADJECTIVES) + tuple(
    Attribute(category, "feature", (a, b)) for category, a, b in _FEATURES
)
_ALL = (*_SOLID, *(Attribute(category, "paint", (phrase,)) for category, phrase in _PAINTS))
# A stride without a common divisor with their number mixes the kinds.
_STRIDE = 17
ATTRIBUTES: tuple[Attribute, ...] = tuple(_ALL[_STRIDE * i % len(_ALL)] for i in range(len(_ALL)))
"""What pairs are about: all whose value the judge reads off true held-out shapes nearly always."""


def make_hard_set(pairs: int, *, split: str = "test") -> list[Ask]:
    """Return ``pairs`` pairs of captions for each attribute.

    All attributes come in turn, kinds mixed, so any prefix is balanced; the captions of a pair
    follow each other. What a caption says besides is the colour of a shape of the split.

    Args:
        pairs: Pairs for each attribute.
        split: Whose shapes lend the words: samplers are tuned on ``val``.
    """
    numbered = enumerate(itertools.product(range(pairs), ATTRIBUTES))
    return [
        ask
        for number, (turn, attribute) in numbered
        for ask in _pair(attribute, SPLIT_SEEDS[split] + turn, number)
    ]


def shows(shape: Shape, attribute: Attribute, value: str) -> bool:
    """Tell whether a true shape's full description names a value of an attribute."""
    if shape.category != attribute.category:
        return False
    if attribute.slot == "feature":
        return value in features(shape)
    if attribute.slot == "adjective":
        # The second caption says all adjectives that are true, and they come before the noun.
        return value in shape.captions[1].partition(shape.attributes["noun"])[0].split()
    return value == painted(shape, attribute)


def features(shape: Shape) -> list[str]:
    """Return the phrases that follow a true shape's noun."""
    return shape.attributes["features"].split("; ")


def painted(shape: Shape, attribute: Attribute) -> str | None:
    """Return the basic colour of the part that a ``paint`` is about; None without that part."""
    if attribute.values == ("{}",):
        return shape.attributes["colour"]
    before, after = attribute.values[0].split("{}")
    for feature in features(shape):
        if feature.startswith(before) and feature.endswith(after):
            # The last word of a tone is its basic colour, as in "dark red".
            name = feature[len(before) : len(feature) - len(after)].split(" ")[-1]
            if name in COLOUR_NAMES:
                return name
    return None


def _pair(attribute: Attribute, seed: int, number: int) -> Iterator[Ask]:
    shape = make_shape(attribute.category, seed)
    noun, body = shape.attributes["noun"], shape.attributes["colour_phrase"]
    values = attribute.values
    if attribute.slot == "paint":
        others = [name for name in COLOUR_NAMES if name != shape.attributes["colour"]]
        # Strides without a common divisor walk through all pairs of colours.
        first = others[3 * number % len(others)]
        others.remove(first)
        values = (first, others[7 * number % len(others)])
    for value, rival in (values, values[::-1]):
        if attribute.slot == "adjective":
            words = f"{value} {body} {noun}"
        elif attribute.slot == "feature":
            words = f"{body} {noun} {value}"
        elif attribute.values == ("{}",):
            words = f"{value} {noun}"
        else:
            words = f"{body} {noun} {_spelt(attribute.values[0], value)}"
        yield Ask(_with_article(words), attribute, value, rival, number)


def _spelt(phrase: str, colour: str) -> str:
    text = phrase.format(colour)
    return text.replace(f" a {colour}", f" {_with_article(colour)}")


def _with_article(text: str) -> str:
    return ("an " if text[0] in "aeiou" else "a ") + text

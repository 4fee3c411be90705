"""What a shape program returns, and how captions are made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from gen3d.data.procedural.palette import Finish, Tone
from gen3d.data.procedural.sketch import Sketch


@dataclass
class Draft:
    """A drawn shape with the words that are true of it.

    Attributes:
        sketch: The parts.
        noun: The plain word; the first caption uses it.
        finish: Dominant colour and material.
        synonyms: Other nouns for the same thing.
        adjectives: True adjectives, e.g. ``tall``, at most one of a kind.
        features: True phrases that follow the noun, e.g. ``with armrests``.
        part_tones: Colour of named parts that differ from the dominant one, by the part's word as
            a caption says it, e.g. ``handle`` or ``wheels``.
        counts: How many of a part there are where shapes of the category differ in it, by the
            plural word, e.g. ``legs``.
        style: A true word for the manner, e.g. ``rustic``, or "".
    """

    sketch: Sketch
    noun: str
    finish: Finish
    synonyms: list[str] = field(default_factory=list)
    adjectives: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    part_tones: dict[str, Tone] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    style: str = ""


_OPENINGS = ("", "", "", "a 3d model of ", "a model of ", "one ", "an object: ")
_ENDINGS = ("", "", "", "", ", low poly", ", 3d asset", " on its own")


def write_captions(draft: Draft, rng: np.random.Generator, count: int = 8) -> tuple[str, ...]:
    """Write ``count`` captions, from the bare noun to a full description.

    The first names the noun alone, the second adds everything that is true; the others are random
    mixtures in several phrasings, with synonyms. A colour that is true of the dominant part is
    named in most, since users name colours.
    """
    captions = [_article(draft.noun), _phrase(draft, rng, 1.0, 1.0, 1.0, 1.0)]
    captions.append(_phrase(draft, rng, 1.0, 0.0, 0.0, 0.0))
    captions.append(_phrase(draft, rng, 1.0, 1.0, 0.0, 0.0))
    while len(captions) < count:
        keep = rng.uniform(0, 1, 4)
        captions.append(_phrase(draft, rng, max(keep[0], 0.7), keep[1], keep[2], keep[3]))
    return tuple(captions)


def _phrase(
    draft: Draft,
    rng: np.random.Generator,
    colour: float,
    material: float,
    adjective: float,
    feature: float,
) -> str:
    """One caption; the numbers are the probabilities of naming each kind of fact."""
    full = min(colour, material, adjective, feature) == 1.0
    noun = draft.noun
    if not full and draft.synonyms and rng.uniform() < 0.4:
        noun = draft.synonyms[int(rng.integers(len(draft.synonyms)))]
    finish = draft.finish
    words = [a for a in draft.adjectives if rng.uniform() < adjective]
    after: list[str] = []
    if finish.colour_said and rng.uniform() < colour:
        plain = rng.uniform() < 0.4
        tone = finish.tone.name if plain else finish.tone.phrase
        if tone == "grey" and rng.uniform() < 0.3:
            tone = "gray"
        if not full and rng.uniform() < 0.12:
            after.append(f"in {tone}")
        else:
            words.append(tone)
    if finish.material and rng.uniform() < material:
        if finish.material == "wooden" and not full and rng.uniform() < 0.25:
            after.insert(0, "made of wood")
        else:
            words.append(finish.material)
    features = [f for f in draft.features if rng.uniform() < feature]
    body = " ".join([*words, noun, *after])
    if features:
        body += " " + " and ".join(features[:2])
    # Features are written with "a"; their colours may begin with a vowel.
    body = re.sub(r"\ba (?=[aeiou])", "an ", body)
    if full:
        return _article(body)
    opening = _OPENINGS[int(rng.integers(len(_OPENINGS)))]
    ending = _ENDINGS[int(rng.integers(len(_ENDINGS)))]
    text = body if opening == "one " else (body if rng.uniform() < 0.25 else _article(body))
    return opening + text + ending


def _article(text: str) -> str:
    return ("an " if text[0] in "aeiou" else "a ") + text

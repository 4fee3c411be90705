"""A synthetic corpus of object captions, split by word: held-out phrases hold a held-out word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gen3d.conditioning import words

# Words a caption's colour can be named with are never held out: they are what users say.
BASIC_COLOURS = words.COLOURS[:12]
_OPENINGS = ("", "", "", "", "a 3d model of ", "a model of ", "one ", "an object: ", "a photo of ")
_ENDINGS = ("", "", "", "", "", ", low poly", ", 3d asset", " on its own", " in a room")


@dataclass(frozen=True)
class Corpus:
    """Phrases for distillation.

    Attributes:
        training: None of them holds a held-out word.
        shapes: Captions of what the embedded model makes; no held-out word either.
        held_out: Each holds at least one.
        held_out_words: The words.
    """

    training: tuple[str, ...]
    shapes: tuple[str, ...]
    held_out: tuple[str, ...]
    held_out_words: frozenset[str]


def make_corpus(
    vocabulary: Sequence[str],
    *,
    captions: int,
    held_out: int,
    held_out_fraction: float,
    rng: np.random.Generator,
    shapes: int = 0,
) -> Corpus:
    """Write phrases until there are enough of both kinds.

    Two thirds are captions of everyday objects; one third puts arbitrary words of the vocabulary
    into short templates, so that the encoder meets words no caption has.

    Args:
        vocabulary: Whole words of the tokenizer.
        captions: Number of training phrases.
        held_out: Number of held-out phrases.
        held_out_fraction: Share of the words to hold out, in (0, 1).
        rng: Draws everything.
        shapes: Number of captions of the embedded model's shapes.
    """
    hidden = _draw_hidden(vocabulary, held_out_fraction, rng)
    writers = (_caption, _caption, _vocabulary_writer(vocabulary))
    training: dict[str, None] = {}
    tests: dict[str, None] = {}
    while len(training) < captions or len(tests) < held_out:
        used: list[str] = []
        text = writers[int(rng.integers(len(writers)))](rng, used)
        target, wanted = (tests, held_out) if hidden.intersection(used) else (training, captions)
        if len(target) < wanted:
            target[text] = None
    about: dict[str, None] = {}
    while len(about) < shapes:
        used = []
        text = _shape_caption(rng, used)
        if not hidden.intersection(used):
            about[text] = None
    return Corpus(tuple(training), tuple(about), tuple(tests), hidden)


def _draw_hidden(
    vocabulary: Sequence[str], fraction: float, rng: np.random.Generator
) -> frozenset[str]:
    """Draw the words to hold out, from each list its share."""
    hidden: set[str] = set()
    for group in (words.OBJECTS, words.COLOURS[12:], words.MATERIALS, words.STYLES, vocabulary):
        pool = [word for word in group if word not in BASIC_COLOURS]
        chosen = rng.choice(len(pool), max(1, round(fraction * len(pool))), replace=False)
        hidden.update(pool[i] for i in chosen)
    return frozenset(hidden)


def with_article(text: str) -> str:
    """Put ``a`` or ``an`` before a phrase."""
    return ("an " if text[0] in "aeiou" else "a ") + text


def _pick(rng: np.random.Generator, pool: Sequence[str], used: list[str]) -> str:
    """Draw an entry and note it with its words."""
    word = pool[int(rng.integers(len(pool)))]
    used += [word, *word.split()]
    return word


def _colour(rng: np.random.Generator, used: list[str]) -> str:
    """A colour, the basic ones more often, some with a shade."""
    pool = BASIC_COLOURS if rng.uniform() < 0.6 else words.COLOURS
    name = _pick(rng, pool, used)
    return f"{_pick(rng, words.SHADES, used)} {name}" if rng.uniform() < 0.2 else name


def _part(rng: np.random.Generator, used: list[str]) -> str:
    """A phrase such as ``with four red legs``."""
    part = _pick(rng, words.PARTS, used)
    plural = part.endswith("s") and not part.endswith("ss")
    described = [part]
    if rng.uniform() < 0.45:
        described.insert(0, _colour(rng, used))
    if rng.uniform() < 0.35:
        described.insert(0, _pick(rng, words.PART_STYLES, used))
    if plural and rng.uniform() < 0.5:
        described.insert(0, _pick(rng, words.COUNTS, used))
    text = " ".join(described)
    return f"with {text}" if plural else f"with {with_article(text)}"


def _caption(rng: np.random.Generator, used: list[str]) -> str:
    """A caption like those of shapes: style, colour, material, object, parts."""
    before, after = [], []
    if rng.uniform() < 0.35:
        before.append(_pick(rng, words.STYLES, used))
    if rng.uniform() < 0.55:
        colour = _colour(rng, used)
        before.append(colour) if rng.uniform() < 0.88 else after.append(f"in {colour}")
    if rng.uniform() < 0.3:
        material = _pick(rng, words.MATERIALS, used)
        before.append(material) if rng.uniform() < 0.85 else after.append(f"made of {material}")
    thing = _pick(rng, words.OBJECTS, used)
    if rng.uniform() < 0.35:
        after.append(_part(rng, used))
        if rng.uniform() < 0.25:
            after.append(f"and {_part(rng, used)}")
    if rng.uniform() < 0.06:
        after.append(f"next to {with_article(_pick(rng, words.OBJECTS, used))}")
    body = " ".join([*before, thing, *after])
    opening = _OPENINGS[int(rng.integers(len(_OPENINGS)))]
    ending = _ENDINGS[int(rng.integers(len(_ENDINGS)))]
    bare = opening == "one " or rng.uniform() < 0.2
    return opening + (body if bare else with_article(body)) + ending


def _shape_part(rng: np.random.Generator, used: list[str]) -> tuple[str, str, str]:
    """A part with a number, a colour or both; also the colour and the part alone."""
    part = _pick(rng, words.SHAPE_PARTS, used)
    plural = part.endswith("s") and part not in ("dress", "cross", "boss")
    colour = _colour(rng, used) if rng.uniform() < 0.75 else ""
    number = _pick(rng, words.NUMBERS, used) if plural and rng.uniform() < 0.45 else ""
    text = " ".join(word for word in (number, colour, part) if word)
    mass = part in ("icing", "hair", "water", "soup")
    return text if plural or mass else with_article(text), colour, part


def _shape_caption(rng: np.random.Generator, used: list[str]) -> str:
    """A caption in the manner of the procedural library's."""
    thing = _pick(rng, tuple(words.SHAPES), used)
    if rng.uniform() < 0.35:
        thing = _pick(rng, words.SHAPES[thing], used)
    colour = _colour(rng, used) if rng.uniform() < 0.65 else ""
    before = [_pick(rng, words.SHAPE_STYLES, used)] if rng.uniform() < 0.35 else []
    after = []
    form = rng.uniform()
    if colour and form < 0.75:
        before.append(colour)
    elif colour:
        after.append(f"in {colour}" if form < 0.9 else f"that is {colour}")
    if rng.uniform() < 0.25:
        material = _pick(rng, words.MATERIALS, used)
        before.append(material) if rng.uniform() < 0.75 else after.append(f"made of {material}")
    parts = [_shape_part(rng, used) for _ in range(int(rng.choice(4, p=(0.2, 0.4, 0.25, 0.15))))]
    if len(parts) == 1 and parts[0][1] and rng.uniform() < 0.3:
        phrase, shade, part = parts[0]
        verb = "are" if phrase[:2] != "a " and part.endswith("s") else "is"
        after.append(f"whose {part} {verb} {shade}")
    elif parts:
        link = "that has" if len(parts) == 1 and rng.uniform() < 0.2 else "with"
        *most, last = (phrase for phrase, _, _ in parts)
        after.append(f"{link} {', '.join(most)} and {last}" if most else f"{link} {last}")
    body = " ".join([*before, thing, *after])
    opening = _OPENINGS[int(rng.integers(len(_OPENINGS)))]
    bare = opening == "one " or thing.endswith("s") or rng.uniform() < 0.2
    return opening + (body if bare else with_article(body))


def _vocabulary_writer(
    vocabulary: Sequence[str],
) -> Callable[[np.random.Generator, list[str]], str]:
    """Make a writer of short phrases around arbitrary words."""

    def write(rng: np.random.Generator, used: list[str]) -> str:
        word = _pick(rng, vocabulary, used)
        form = int(rng.integers(6))
        if form == 0:
            return with_article(word)
        if form == 1:
            return f"{_pick(rng, words.STYLES, used)} {word}"
        if form == 2:
            return f"{with_article(word)} {_pick(rng, words.OBJECTS, used)}"
        if form == 3:
            return f"{with_article(word)} with {with_article(_pick(rng, vocabulary, used))}"
        if form == 4:
            return with_article(f"{_colour(rng, used)} {word}")
        return f"{word} {_pick(rng, vocabulary, used)}"

    return write

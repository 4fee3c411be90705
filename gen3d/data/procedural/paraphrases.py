"""Sentences around captions: those that training sees, and those kept for the bench.

A pattern has the slots ``{a}`` (article of the noun, or nothing), ``{pre}`` (words before the
noun), ``{noun}``, ``{colour}``, ``{stuff}`` (a material as a noun, e.g. ``wood``) and ``{post}``
(what follows the noun, e.g. ``with three legs``). Slots may be empty, except ``{noun}``,
``{colour}`` and ``{stuff}`` where a pattern has them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gen3d.data.procedural.words import is_plural, with_articles

TRAIN_PATTERNS: tuple[str, ...] = (
    "{a} {pre} {noun} {post}",
    "{a} {pre} {noun} {post}",
    "{a} {pre} {noun} {post}",
    "{a} {pre} {noun} {post}",
    "{a} {pre} {noun} {post}",
    "{pre} {noun} {post}",
    "{pre} {noun} {post}",
    "{pre} {noun} {post}",
    "one {pre} {noun} {post}",
    "the {pre} {noun} {post}",
    "this is {a} {pre} {noun} {post}",
    "{a} model of {a} {pre} {noun} {post}",
    "{a} 3d model of {a} {pre} {noun} {post}",
    "3d model of {a} {pre} {noun} {post}",
    "an object: {a} {pre} {noun} {post}",
    "{a} {pre} {noun} {post}, low poly",
    "{a} {pre} {noun} {post}, 3d asset",
    "{a} {pre} {noun} {post} on its own",
    "make {a} {pre} {noun} {post}",
    "show me {a} {pre} {noun} {post}",
    "{a} nice {pre} {noun} {post}",
    "{a} simple {pre} {noun} {post}",
    # The colour elsewhere than before the noun.
    "{a} {pre} {noun} in {colour} {post}",
    "{pre} {noun} in {colour} {post}",
    "{a} {colour}-coloured {pre} {noun} {post}",
    "{a} {colour} coloured {pre} {noun} {post}",
    "{a} {pre} {noun} {post}, mostly {colour}",
    "{a} {pre} {noun} that is {colour} {post}",
    "{a} {pre} {noun} which is {colour}, {post}",
    "{a} {pre} {noun}, {colour}, {post}",
    "{noun}, {colour}, {pre}, {post}",
    "{colour} {pre} {noun}, {post}",
    "the {pre} {noun} is {colour}, {post}",
    "{a} {pre} {noun} of {colour} colour {post}",
    # The material after the noun.
    "{a} {pre} {noun} made of {stuff} {post}",
    "{pre} {noun} made of {stuff} {post}",
    "{a} {pre} {noun} made from {stuff} {post}",
    "{a} {pre} {noun} made out of {stuff} {post}",
    "{a} {pre} {noun} {post}, made of {stuff}",
    "{a} {pre} {stuff} {noun} {post}",
    "{noun}, {stuff}, {pre}, {post}",
    "{a} {pre} {noun} in {colour} {stuff} {post}",
    "{a} {pre} {noun} made of {colour} {stuff} {post}",
)
"""What training captions are written with; a repeated pattern is likelier."""

HELD_OUT_PATTERNS: tuple[str, ...] = (
    "please design {a} {noun} whose colour is {colour}",
    "i would like {a} {noun} painted {colour}",
    "could you create {a} {colour} {noun} for my game",
    "something that looks like {a} {noun}, but {colour}",
    "imagine {a} {noun} with {a} {colour} finish",
    "{colour} is the colour of this {noun}",
    "my {noun} should be {colour}",
    "we need some {colour} {noun} here",
    "draw {a} typical {noun} and paint it {colour}",
    "picture {a} {noun} that has been dyed {colour}",
    "{noun} ({colour})",
    "a single {noun} rendered in {colour} tones",
)
"""Sentences for the bench; no training caption has their form."""


def fill(
    pattern: str,
    noun: str,
    *,
    pre: str = "",
    colour: str = "",
    stuff: str = "",
    post: str = "",
) -> str:
    """Fill a pattern's slots and repair articles, spaces and commas."""
    article = "" if is_plural(noun) else "a"
    text = pattern.format(a=article, pre=pre, noun=noun, colour=colour, stuff=stuff, post=post)
    text = re.sub(r"\s+", " ", text).replace(" ,", ",")
    text = re.sub(r"(, ?)+", ", ", text).strip(" ,")
    # A synonym may hold the material: "glass glass bottle".
    text = re.sub(r"\b(\w+)(?: \1\b)+", r"\1", text)
    return with_articles(text)


def is_held_out(caption: str) -> bool:
    """Tell whether a held-out pattern could have produced a caption."""
    return any(form.fullmatch(caption) for form in _held_out_forms())


@lru_cache(maxsize=1)
def _held_out_forms() -> tuple[re.Pattern[str], ...]:
    forms = []
    for pattern in HELD_OUT_PATTERNS:
        text = re.escape(pattern).replace(r"\ ", " ")
        text = text.replace(r"\{a\} ", "(?:an? )?")
        forms.append(re.compile(re.sub(r"\\\{(?:noun|colour)\\\}", ".+", text)))
    return tuple(forms)

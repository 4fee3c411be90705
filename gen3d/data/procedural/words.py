"""English for captions: articles, plurals and numbers."""

from __future__ import annotations

import re

# Words that follow something else than "with": a plant stands in its pot.
_LEADS = {"pot": "in"}
# They take no article: "with red sauce".
_MASS = frozenset(
    (
        "sauce",
        "icing",
        "frosting",
        "foam",
        "cream",
        "cheese",
        "lettuce",
        "water",
        "snow",
        "sand",
        "grass",
        "hay",
        "soil",
        "smoke",
        "hair",
        "fur",
        "fruit",
        "trim",
        "soup",
        "foliage",
        "wax",
    )
)
_IRREGULAR = {
    "shelves": "shelf",
    "leaves": "leaf",
    "knives": "knife",
    "loaves": "loaf",
    "halves": "half",
    "teeth": "tooth",
    "feet": "foot",
    "hooves": "hoof",
}
_SINGULAR_ENDS = ("ss", "us", "is", "lens")
_SINGULAR_WORDS = frozenset(("gas", "canvas", "atlas"))
# fmt: off
_NUMBERS = (
    "no", "one", "two", "three", "four", "five", "six",
    "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)
# fmt: on
# Adjectives such as "three-legged" exist for these only.
_COMPOUNDS = {
    "legs": "legged",
    "wheels": "wheeled",
    "arms": "armed",
    "masts": "masted",
    "points": "pointed",
    "doors": "door",
    "drawers": "drawer",
    "seats": "seat",
    "engines": "engine",
    "floors": "storey",
    "scoops": "scoop",
    "tiers": "tier",
}
# Vowel letters that sound like a consonant, and the numbers that begin with a vowel sound.
_A_TO_AN = re.compile(
    r"\b(a|A) (?=(?!one\b|one-|once|uni(?!n)|uku|use|usual|ute|euro|ewe)[aeiou]|hour|honest|"
    r"8\b|11\b|18\b)"
)


def with_articles(text: str) -> str:
    """Turn each "a" before a vowel sound into "an": "a orange lamp" becomes "an orange lamp"."""
    return _A_TO_AN.sub(r"\1n ", text)


def is_plural(noun: str) -> bool:
    """Tell whether the last word of a noun is a plural, such as ``wheels`` or ``teeth``."""
    last = noun.split(" ")[-1]
    if last in _IRREGULAR:
        return True
    return last.endswith("s") and not last.endswith(_SINGULAR_ENDS) and last not in _SINGULAR_WORDS


def is_mass(noun: str) -> bool:
    """Tell whether a noun takes no article, such as ``sauce``."""
    return noun.split(" ")[-1] in _MASS


def singular(plural: str) -> str:
    """Return the singular of a plural noun; a singular stays as it is."""
    *before, last = plural.split(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif is_plural(last):
        last = re.sub(r"(?<=[^aeiou])ies$", "y", last)
        last = re.sub(r"(?<=ch|sh|ss)es$|(?<=[xz])es$|(?<=bus)es$|s$", "", last)
    return " ".join([*before, last])


def number(count: int, *, digits: bool = False) -> str:
    """Write a number as a word ("no" for zero) or, above twenty or on request, in digits."""
    if digits or count >= len(_NUMBERS):
        return str(count)
    return _NUMBERS[count]


def compound(count: int, plural: str, *, digits: bool = False) -> str | None:
    """Return "three-legged" for 3 legs, or None where English has no such word."""
    stem = _COMPOUNDS.get(plural)
    if stem is None or count < 1:
        return None
    return f"{number(count, digits=digits)}-{stem}"


def lead(part: str) -> str:
    """Return the preposition between a thing and its part: nearly always "with"."""
    return _LEADS.get(part, "with")

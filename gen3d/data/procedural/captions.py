"""Captions of shapes: the facts of a draft in many phrasings.

Attributes that captions name: the category (with synonyms), dominant colour, shade, material,
colour of parts, number of parts, style, size and proportion, outline (round, square), parts that
are there or not, kinds of parts (``a spindle back``), surface pattern, and posture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import MATERIALS, Tone
from gen3d.data.procedural.paraphrases import TRAIN_PATTERNS, fill
from gen3d.data.procedural.words import compound, is_mass, is_plural, lead, number, singular

CAPTIONS = 8
_Item = TypeVar("_Item")

# Words for the same shade; "dark blue" is what the palette calls it.
_SHADES = {
    "bright red": ("scarlet",),
    "dark red": ("deep red", "maroon"),
    "light yellow": ("pale yellow",),
    "dark green": ("deep green",),
    "light green": ("pale green",),
    "dark blue": ("navy blue", "deep blue", "navy"),
    "light blue": ("pale blue", "sky blue"),
    "light purple": ("lilac", "pale purple"),
    "hot pink": ("bright pink",),
    "light brown": ("pale brown",),
    "dark grey": ("charcoal grey",),
    "light grey": ("pale grey",),
}


@dataclass(frozen=True)
class PartFact:
    """What is said of one kind of part.

    Attributes:
        word: Singular or plural, as it is true.
        count: How many, or None where that is not said.
        tone: Its colour, or None where it is the dominant one.
    """

    word: str
    count: int | None
    tone: Tone | None

    def phrase(self, colour: str = "", *, counted: bool = True, digits: bool = False) -> str:
        """Say it as a noun phrase: "three blue legs", "blue legs", "a blue handle"."""
        opening = "" if is_plural(self.word) or is_mass(self.word) else "a"
        if counted and self.count is not None:
            opening = number(self.count, digits=digits)
        return _spaced((opening, colour, self.word))

    def after_noun(self, colour: str = "", *, counted: bool = True, digits: bool = False) -> str:
        """Say it as what follows the noun: "with three blue legs", "in a blue pot"."""
        return f"{lead(self.word)} {self.phrase(colour, counted=counted, digits=digits)}"


def told_tones(draft: Draft) -> dict[str, Tone]:
    """Return the colours of parts: those unlike the dominant basic colour, and what is worn."""
    body = draft.finish.tone.name
    told = {word: tone for word, tone in draft.part_tones.items() if tone.name != body}
    return {draft.worn: draft.finish.tone, **told} if draft.worn else told


def part_facts(draft: Draft) -> list[PartFact]:
    """Join a draft's counts and told part colours, by part."""
    tones = told_tones(draft)
    facts = []
    for plural, count in draft.counts.items():
        one = singular(plural)
        tone = tones.pop(plural, None) or tones.pop(one, None)
        # The plural where there is none: "no arms".
        facts.append(PartFact(one if count == 1 else plural, count, tone))
    return facts + [PartFact(word, None, tone) for word, tone in tones.items()]


def all_features(draft: Draft) -> list[str]:
    """Return every true phrase that can follow the noun, part colours and counts included.

    A part with both is there three times: "with three legs", "with blue legs" and "with three
    blue legs".
    """
    found = list(draft.features)
    for fact in part_facts(draft):
        if fact.count is not None:
            found.append(fact.after_noun())
            if fact.count == 1:
                found.append(fact.after_noun(counted=False))
        if fact.tone is not None:
            if fact.count is not None:
                found.append(fact.after_noun(fact.tone.phrase))
            found.append(fact.after_noun(fact.tone.phrase, counted=False))
    return [fill("{noun}", feature) for feature in dict.fromkeys(found)]


def write_captions(
    draft: Draft, rng: np.random.Generator, count: int = CAPTIONS
) -> tuple[str, ...]:
    """Write ``count`` captions, from the bare noun to a full description.

    The first names the noun alone, the second everything that is true, the third and the fourth
    colour and material, the fifth and the sixth parts with their numbers and colours. The others
    are random mixtures with synonyms.
    """
    writer = _Writer(draft, rng)
    captions = [fill("{a} {noun}", draft.noun), writer.full(), writer.plain(material=False)]
    captions.append(writer.plain(material=True))
    while len(captions) < count:
        captions.append(writer.mixture(parts_only=len(captions) < 6 and writer.has_parts))
    return tuple(captions[:count])


class _Writer:
    def __init__(self, draft: Draft, rng: np.random.Generator) -> None:
        self.draft, self.rng = draft, rng
        self.parts = part_facts(draft)
        self.has_parts = bool(self.parts)
        self.noun_coloured = draft.finish.colour_said and not draft.worn

    def chance(self, probability: float) -> bool:
        return bool(self.rng.uniform() < probability)

    def pick(self, options: Sequence[_Item]) -> _Item:
        return options[int(self.rng.integers(len(options)))]

    def full(self) -> str:
        """Everything in plain order: what benches and people read."""
        draft, finish = self.draft, self.draft.finish
        words = [*draft.adjectives, draft.style]
        words += [finish.tone.phrase if self.noun_coloured else "", finish.material]
        listed, features = [], list(draft.features)
        for fact in self.parts:
            colour = fact.tone.phrase if fact.tone else ""
            known = [i for i, feature in enumerate(features) if feature.endswith(f" {fact.word}")]
            if known and fact.count is None:
                # "with a rounded headboard" and its colour: "with a black rounded headboard".
                features[known[0]] = _coloured(features[known[0]], colour)
            else:
                listed.append(fact.after_noun(colour))
        post = _joined([*features, *listed])
        return fill("{a} {pre} {noun} {post}", draft.noun, pre=_spaced(words), post=post)

    def plain(self, *, material: bool) -> str:
        """Colour, maybe material, and the noun."""
        finish, worn = self.draft.finish, self.draft.worn
        said = material or not finish.colour_said
        words = [self.tone(finish.tone)] if self.noun_coloured else []
        pattern = self.pick(TRAIN_PATTERNS[:8])
        pre = _spaced([*words, finish.material if said else ""])
        post = ""
        if worn:
            fact = PartFact(worn, None, finish.tone)
            post = self.dressed([fact]) if self.chance(0.6) else fact.after_noun(finish.tone.phrase)
        return self.varied(fill(pattern, self.draft.noun, pre=pre, post=post))

    def mixture(self, *, parts_only: bool) -> str:
        """A random choice of facts in a random pattern."""
        draft, finish, keep = self.draft, self.draft.finish, self.rng.uniform(0, 1, 3)
        noun = draft.noun
        if draft.synonyms and self.chance(0.25 if parts_only else 0.4):
            noun = self.pick(draft.synonyms)
        colour = self.tone(finish.tone) if self.noun_coloured and self.chance(0.85) else ""
        material = finish.material if self.chance(keep[0]) else ""
        before = [word for word in draft.adjectives if not parts_only and self.chance(keep[1])]
        if draft.style and self.chance(keep[1]):
            before.append(draft.style)
        facts = self.spoken(parts_only, keep[2])
        after = []
        if not parts_only:
            words = tuple(f" {fact.word}" for fact in facts)
            after = [f for f in draft.features if self.chance(keep[2]) and not f.endswith(words)]
        # Relative clauses in a row, or after another part, would be said of the wrong thing.
        alone = len(facts) + len(after) == 1
        garments = [fact for fact in facts if fact.word in _GARMENTS and fact.count is None]
        if garments and self.chance(0.5):
            after.append(self.dressed(garments))
            facts = [fact for fact in facts if fact not in garments]
        after += [self.about(fact, before, noun, alone=alone) for fact in facts]
        self.rng.shuffle(after)
        if len(before) > 1 and self.chance(0.2):
            before.reverse()
        after = [phrase for phrase in after if phrase][:3]
        clause = any(not phrase.startswith("with") for phrase in after)
        pattern = self.pattern(colour, material, noun, clause=clause)
        stuff = MATERIALS[material].stuff if material else ""
        if "{stuff}" in pattern:
            material = ""
        if "{colour}" in pattern:
            shown, said = "", colour
        else:
            shown, said = colour, ""
        # Most people put the colour before the material, some after.
        ends = [material, shown] if self.chance(0.1) else [shown, material]
        post, pre = _joined(after, self), _spaced([*before, *ends])
        return self.varied(fill(pattern, noun, pre=pre, colour=said, stuff=stuff, post=post))

    def spoken(self, parts_only: bool, keep: float) -> list[PartFact]:
        """Choose the parts that a caption speaks of."""
        if not parts_only:
            worn = self.draft.worn
            return [fact for fact in self.parts if self.chance(0.85 if fact.word == worn else keep)]
        most = min(len(self.parts), 1 if self.chance(0.6) else 2)
        chosen = self.rng.choice(len(self.parts), most, replace=False)
        return [self.parts[int(i)] for i in chosen]

    def dressed(self, facts: Sequence[PartFact]) -> str:
        """Say garments: "wearing a red shirt and blue trousers"."""
        listed = [fact.phrase(self.tone(fact.tone) if fact.tone else "") for fact in facts[:3]]
        return f"{self.pick(_WEARING)} {_listed(listed)}"

    def about(self, fact: PartFact, before: list[str], noun: str, *, alone: bool) -> str:
        """Say a part: after the noun, or as an adjective added to ``before``.

        Args:
            fact: What to say.
            before: Words before the noun.
            noun: Of the shape.
            alone: Whether nothing else follows the noun, so that any clause may.
        """
        digits = self.chance(0.35)
        tone = self.tone(fact.tone) if fact.tone is not None else ""
        if fact.count is not None and (not tone or self.chance(0.25)):
            hyphened = compound(fact.count, _plural_of(fact, self.draft), digits=digits)
            if hyphened and self.chance(0.3):
                before.insert(0, hyphened)
                if not tone:
                    return ""
                return fact.after_noun(tone, counted=False)
        # "A chimney" is one chimney, but "wheels" are any number of them.
        known = 0.5 if fact.count == 1 else 0.7 if tone else 1.0
        counted = fact.count is not None and self.chance(known)
        phrase = fact.phrase(tone, counted=counted, digits=digits)
        if not alone or lead(fact.word) != "with":
            return f"{lead(fact.word)} {phrase}"
        return self.clause(fact, phrase, tone, noun)

    def clause(self, fact: PartFact, phrase: str, tone: str, noun: str) -> str:
        """Say a part after the noun in any of many ways."""
        they = is_plural(noun)
        forms = [f"with {phrase}"] * 5
        forms += [f"{which} {'have' if they else 'has'} {phrase}" for which in ("that", "which")]
        forms += [f"having {phrase}", f", {phrase}"]
        forms.append(f", they have {phrase}" if they else f", it has {phrase}")
        if tone:
            verb = "are" if is_plural(fact.word) else "is"
            forms += [f"{link} {fact.word} {verb} {tone}" for link in ("whose", "whose", ", the")]
        if fact.count == 0:
            forms += [f"without {fact.word}"] * 3
        elif fact.word in _STANDS_ON and not tone:
            forms.append(f"on {phrase}")
        return self.pick(forms)

    def pattern(self, colour: str, material: str, noun: str, *, clause: bool) -> str:
        """Choose a pattern whose slots can be filled; after a clause nothing may follow."""
        while True:
            pattern = self.pick(TRAIN_PATTERNS)
            if clause and (not pattern.endswith("{post}") or ", {post}" in pattern):
                continue
            if "{colour}" in pattern and not colour:
                continue
            if "{stuff}" in pattern and not material:
                continue
            if is_plural(noun) and ("one " in pattern or " is " in pattern or "own" in pattern):
                continue
            return pattern

    def tone(self, tone: Tone) -> str:
        """Name a tone: the basic colour, the palette's phrase or another word for that."""
        if self.chance(0.4):
            return tone.name
        if tone.phrase in _SHADES and self.chance(0.25):
            return self.pick(_SHADES[tone.phrase])
        return tone.phrase

    def varied(self, text: str) -> str:
        """Spell as Americans do, at times; a one-armed cactus is not "one one-armed cactus"."""
        if self.chance(0.3):
            text = text.replace("grey", "gray")
        if self.chance(0.4):
            text = re.sub(r"\bcolour", "color", text)
        return text.replace("one one-", "a one-")


_WEARING = ("wearing", "wearing", "in")
_GARMENTS = frozenset(
    ("shirt", "trousers", "shorts", "skirt", "dress", "suit", "hat", "cap", "shoes", "tie", "scarf")
)
_STANDS_ON = ("legs", "wheels", "feet", "casters", "stilts")


def _plural_of(fact: PartFact, draft: Draft) -> str:
    return next(p for p in draft.counts if fact.word in (p, singular(p)))


def _spaced(words: Sequence[str]) -> str:
    return " ".join(word for word in words if word)


def _coloured(feature: str, colour: str) -> str:
    """Add a colour to a phrase such as "with a rounded headboard"."""
    for opening in ("with an ", "with a ", "with "):
        if feature.startswith(opening):
            start = opening.replace(" an ", " a ")
            return f"{start}{colour} {feature.removeprefix(opening)}"
    return feature


def _joined(phrases: Sequence[str], writer: _Writer | None = None) -> str:
    """Join what follows the noun: "with a handle, three legs and a lid on wheels"."""
    listed = [phrase[5:] for phrase in phrases if phrase.startswith("with ")]
    others = [phrase for phrase in phrases if not phrase.startswith("with ")]
    if not listed:
        return " ".join(others)
    if writer is not None and writer.chance(0.2):
        text = " ".join(f"with {phrase}" for phrase in listed)
    else:
        text = "with " + _listed(listed)
    return " ".join([text, *others])


def _listed(phrases: Sequence[str]) -> str:
    """Join noun phrases: "a handle, three legs and a lid"."""
    *most, last = phrases
    return f"{', '.join(most)} and {last}" if most else last

"""Named colours and materials that shape programs paint with.

Every tone belongs to one of the eleven basic colour names; a test checks that each, jitter
included, is nearest to its own name in CIELAB (gen3d.geometry.color).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Tone:
    """A colour with its words: the basic name, and a phrase such as ``dark red``."""

    name: str
    phrase: str
    rgb: Rgb


@dataclass(frozen=True)
class Material:
    """A material and the tones it has when nothing is said of its colour.

    Attributes:
        word: As it stands before a noun, e.g. ``wooden``.
        tones: Its own colours.
        stuff: As it stands after "made of", e.g. ``wood``.
        coloured: Whether the word names a colour too, so that captions say no other and the
            material is never painted, e.g. ``golden``.
    """

    word: str
    tones: tuple[Tone, ...]
    stuff: str
    coloured: bool = False


TONES: tuple[Tone, ...] = (
    Tone("red", "red", (0.78, 0.10, 0.10)),
    Tone("red", "bright red", (0.90, 0.13, 0.11)),
    Tone("red", "dark red", (0.58, 0.06, 0.08)),
    Tone("orange", "orange", (0.95, 0.50, 0.10)),
    Tone("orange", "bright orange", (0.98, 0.56, 0.14)),
    Tone("yellow", "yellow", (0.95, 0.82, 0.15)),
    Tone("yellow", "light yellow", (0.97, 0.88, 0.42)),
    Tone("green", "green", (0.16, 0.58, 0.22)),
    Tone("green", "dark green", (0.08, 0.38, 0.16)),
    Tone("green", "light green", (0.48, 0.78, 0.38)),
    Tone("blue", "blue", (0.13, 0.32, 0.78)),
    Tone("blue", "dark blue", (0.08, 0.15, 0.50)),
    Tone("blue", "light blue", (0.48, 0.70, 0.93)),
    Tone("purple", "purple", (0.46, 0.16, 0.62)),
    Tone("purple", "light purple", (0.62, 0.42, 0.80)),
    Tone("pink", "pink", (0.95, 0.55, 0.70)),
    Tone("pink", "hot pink", (0.95, 0.38, 0.62)),
    Tone("brown", "brown", (0.45, 0.27, 0.13)),
    Tone("brown", "dark brown", (0.32, 0.18, 0.09)),
    Tone("brown", "light brown", (0.60, 0.41, 0.24)),
    Tone("black", "black", (0.07, 0.07, 0.08)),
    Tone("white", "white", (0.94, 0.94, 0.92)),
    Tone("grey", "grey", (0.50, 0.50, 0.52)),
    Tone("grey", "dark grey", (0.33, 0.33, 0.35)),
    Tone("grey", "light grey", (0.70, 0.70, 0.72)),
)


def tone(phrase: str) -> Tone:
    """Return the tone with this phrase.

    Raises:
        KeyError: There is none.
    """
    return _BY_PHRASE[phrase]


_BY_PHRASE = {entry.phrase: entry for entry in TONES}
_WOOD = (tone("brown"), tone("light brown"), tone("dark brown"))
_METAL = (tone("grey"), tone("dark grey"), tone("light grey"))
_GOLD = (Tone("yellow", "gold", (0.85, 0.70, 0.17)), Tone("yellow", "gold", (0.88, 0.74, 0.24)))
_BRONZE = (Tone("brown", "bronze", (0.55, 0.36, 0.18)),)
_COPPER = (Tone("brown", "copper", (0.64, 0.38, 0.22)),)
_STRAW = (tone("light brown"), Tone("brown", "light brown", (0.68, 0.50, 0.31)))
MATERIALS: dict[str, Material] = {
    entry.word: entry
    for entry in (
        Material("wooden", _WOOD, "wood"),
        Material("metal", _METAL, "metal"),
        Material("steel", _METAL[::2], "steel"),
        Material("iron", (tone("dark grey"), tone("black")), "iron"),
        Material("chrome", (tone("light grey"),), "chrome"),
        Material("silver", (tone("light grey"),), "silver", coloured=True),
        Material("golden", _GOLD, "gold", coloured=True),
        Material("gold", _GOLD, "gold", coloured=True),
        Material("bronze", _BRONZE, "bronze", coloured=True),
        Material("copper", _COPPER, "copper", coloured=True),
        Material("stone", _METAL[::2], "stone"),
        Material("concrete", (tone("grey"), tone("light grey")), "concrete"),
        Material("marble", (tone("white"), tone("light grey"), tone("black")), "marble"),
        Material("brick", (tone("dark red"),), "brick"),
        Material("leather", (tone("brown"), tone("dark brown"), tone("black")), "leather"),
        Material("velvet", tuple(t for t in TONES if t.name != "white"), "velvet"),
        Material("fabric", TONES, "fabric"),
        Material("wool", TONES, "wool"),
        Material("plastic", TONES, "plastic"),
        Material("rubber", (tone("black"), tone("dark grey")), "rubber"),
        Material("paper", (tone("white"), tone("light brown")), "paper"),
        Material("cardboard", _STRAW, "cardboard"),
        Material("wicker", _STRAW, "wicker"),
        Material("straw", _STRAW, "straw"),
        Material(
            "ceramic",
            (tone("white"), tone("light blue"), tone("brown"), tone("green")),
            "ceramic",
        ),
        Material("clay", (tone("brown"), tone("light brown")), "clay"),
        Material("porcelain", (tone("white"),), "porcelain"),
        Material("glass", (tone("light blue"), tone("green"), tone("brown")), "glass"),
        Material("ice", (tone("light blue"), tone("white")), "ice"),
    )
}


_OWN_COLOUR_SAID = 0.4


@dataclass(frozen=True)
class Finish:
    """What a shape is made of, in paint and in words.

    Attributes:
        tone: Colour of the dominant parts.
        material: Material word, or "" when none is said.
        colour_said: Whether captions may say the colour; a material alone ("wooden") implies it.
    """

    tone: Tone
    material: str
    colour_said: bool


class Palette:
    """Draws colours; tones are jittered a little so that models see more than 25 colours.

    Args:
        rng: Random numbers.
        forbidden: Basic colours that the dominant finish never has.
    """

    def __init__(self, rng: np.random.Generator, forbidden: frozenset[str] = frozenset()) -> None:
        self.rng = rng
        self.forbidden = forbidden

    def jitter(self, rgb: Rgb, amount: float = 0.02) -> Rgb:
        """Return the colour with a common and a per-channel shift of about ``amount``."""
        shift = self.rng.normal(0, amount) + self.rng.normal(0, amount / 3, 3)
        r, g, b = (float(np.clip(c + s, 0.02, 0.98)) for c, s in zip(rgb, shift, strict=True))
        return (r, g, b)

    def paint(self, phrase: str) -> Rgb:
        """Return the jittered colour of a phrase such as ``dark red``."""
        return self.jitter(tone(phrase).rgb)

    def any(self, *phrases: str, other_than: str = "") -> Tone:
        """Draw a tone by basic name first (each name equally likely), jittered.

        Args:
            *phrases: Tones to choose from; all when none is given.
            other_than: Basic name to leave out, for contrast.
        """
        tones = [tone(p) for p in phrases] if phrases else list(TONES)
        tones = [t for t in tones if t.name != other_than] or tones
        return self._draw(tones)

    def second(self, finish: Finish, share: float, *phrases: str) -> Tone:
        """Draw a part's tone: with probability ``share`` another than the dominant one.

        Args:
            finish: The dominant tone, returned otherwise.
            share: In [0, 1].
            *phrases: Tones to choose from; all when none is given.
        """
        if self.rng.uniform() >= share:
            return finish.tone
        return self.any(*phrases, other_than=finish.tone.name)

    def natural(self, *phrases: str, natural: float = 0.5) -> Finish:
        """Draw one of an object's natural tones with probability ``natural``, else any colour.

        Users also ask for what nature lacks, a blue dog for instance, so every colour must occur.
        """
        allowed = [p for p in phrases if tone(p).name not in self.forbidden]
        if allowed and self.rng.uniform() < natural:
            return Finish(self.any(*allowed), "", True)
        return Finish(self._dominant(TONES), "", True)

    def finish(self, *materials: str, plain: float = 0.5, painted: float = 0.3) -> Finish:
        """Draw the dominant colour and material.

        Args:
            *materials: Material words that suit the object.
            plain: Probability that no material is named and any colour is used.
            painted: Probability that a named material is painted in any colour.
        """
        chosen = [MATERIALS[word] for word in materials]
        suitable = [m for m in chosen if any(t.name not in self.forbidden for t in m.tones)]
        if not suitable or self.rng.uniform() < plain:
            return Finish(self._dominant(TONES), "", True)
        material = suitable[int(self.rng.integers(len(suitable)))]
        if not material.coloured and self.rng.uniform() < painted:
            return Finish(self._dominant(TONES), material.word, True)
        # People say "wooden chair" as well as "brown wooden chair".
        said = not material.coloured and bool(self.rng.uniform() < _OWN_COLOUR_SAID)
        return Finish(self._dominant(material.tones), material.word, said)

    def _dominant(self, tones: tuple[Tone, ...]) -> Tone:
        return self._draw([t for t in tones if t.name not in self.forbidden])

    def _draw(self, tones: list[Tone]) -> Tone:
        names = sorted({t.name for t in tones})
        name = names[int(self.rng.integers(len(names)))]
        choice = [t for t in tones if t.name == name]
        drawn = choice[int(self.rng.integers(len(choice)))]
        return Tone(drawn.name, drawn.phrase, self.jitter(drawn.rgb))

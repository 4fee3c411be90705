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
    """A material's word and the tones it has when nothing is said of its colour."""

    word: str
    tones: tuple[Tone, ...]


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
MATERIALS: dict[str, Material] = {
    entry.word: entry
    for entry in (
        Material("wooden", _WOOD),
        Material("metal", (tone("grey"), tone("dark grey"), tone("light grey"))),
        Material("steel", (tone("grey"), tone("light grey"))),
        Material("stone", (tone("grey"), tone("light grey"))),
        Material("leather", (tone("brown"), tone("dark brown"), tone("black"))),
        Material("plastic", TONES),
        Material("ceramic", (tone("white"), tone("light blue"), tone("brown"), tone("green"))),
        Material("porcelain", (tone("white"),)),
        Material("glass", (tone("light blue"), tone("green"), tone("brown"))),
        Material("fabric", TONES),
        Material("brick", (tone("dark red"),)),
    )
}


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
    """Draws colours; tones are jittered a little so that models see more than 25 colours."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

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
        names = sorted({t.name for t in tones})
        name = names[int(self.rng.integers(len(names)))]
        choice = [t for t in tones if t.name == name]
        drawn = choice[int(self.rng.integers(len(choice)))]
        return Tone(drawn.name, drawn.phrase, self.jitter(drawn.rgb))

    def finish(self, *materials: str, plain: float = 0.5, painted: float = 0.3) -> Finish:
        """Draw the dominant colour and material.

        Args:
            *materials: Material words that suit the object.
            plain: Probability that no material is named and any colour is used.
            painted: Probability that a named material is painted in any colour.
        """
        if not materials or self.rng.uniform() < plain:
            return Finish(self.any(), "", True)
        material = MATERIALS[materials[int(self.rng.integers(len(materials)))]]
        if self.rng.uniform() < painted:
            return Finish(self.any(), material.word, True)
        drawn = self.any(*(t.phrase for t in material.tones))
        return Finish(drawn, material.word, False)

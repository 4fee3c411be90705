"""What a shape program returns: a drawn shape and the words that are true of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gen3d.data.procedural.palette import Finish, Rgb, Tone
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
        worn: The part that carries the dominant colour where the noun does not, or "": captions
            say "a person with a red ``shirt``", not "a red person".
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
    worn: str = ""

    def tint(self, word: str, tone: Tone) -> Rgb:
        """Return a part's colour, and note it for captions if it is not the dominant one."""
        if tone.name != self.finish.tone.name:
            self.part_tones[word] = tone
        return tone.rgb

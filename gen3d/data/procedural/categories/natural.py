"""Finishes of things that have a natural colour, such as green trees and brown dogs."""

from __future__ import annotations

from gen3d.data.procedural.palette import Finish, Palette


def natural_finish(palette: Palette, *phrases: str, natural: float = 0.5) -> Finish:
    """Draw one of the natural tones with probability ``natural``, else any colour.

    Users also ask for what nature lacks, a blue dog for instance, so every colour must occur.
    """
    return palette.natural(*phrases, natural=natural)

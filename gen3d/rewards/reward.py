"""What a reward of a mesh is, by name and in sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.rewards.printability import compact, printable, stable, support_free
from gen3d.rewards.scan import read_scan
from gen3d.rewards.silhouette import read_silhouette
from gen3d.rewards.structure import single_piece, watertight
from gen3d.rewards.symmetry import symmetric

# From a mesh in the public frame to a number from 0 (worst) to 1 (best).
MeshReward: TypeAlias = Callable[[Mesh], float]

REWARDS: Mapping[str, MeshReward] = {
    "watertight": watertight,
    "single": single_piece,
    "symmetric": symmetric,
    "printable": printable,
    "support-free": support_free,
    "stable": stable,
    "compact": compact,
}
"""Rewards that need the mesh alone."""

FILE_REWARDS: Mapping[str, Callable[[Path], MeshReward]] = {
    "silhouette": read_silhouette,
    "scan": read_scan,
}
"""Rewards that compare with a file: written ``name=FILE``."""


@dataclass(frozen=True)
class RewardTerm:
    """One term of a sum.

    Attributes:
        name: A name of the registries.
        weight: Positive.
        file: What to compare with, for those that need it.
        title: What records call the file; its own name where empty.
    """

    name: str
    weight: float = 1.0
    file: Path | None = None
    title: str = ""

    def load(self) -> MeshReward:
        """Return the function.

        Raises:
            UserError: The file cannot be read or used.
        """
        if self.file is None:
            return REWARDS[self.name]
        return FILE_REWARDS[self.name](self.file)


@dataclass(frozen=True)
class WeightedReward:
    """The weighted mean of some rewards: again between 0 and 1.

    Attributes:
        parts: Functions and their positive weights.
    """

    parts: Sequence[tuple[MeshReward, float]]

    def __call__(self, mesh: Mesh) -> float:
        """Evaluate all of them."""
        total = sum(weight for _, weight in self.parts)
        return sum(weight * reward(mesh) for reward, weight in self.parts) / total


def parse_rewards(text: str) -> tuple[RewardTerm, ...]:
    """Read a list of rewards such as ``watertight,symmetric:2,silhouette=mask.png``.

    Args:
        text: Names with commas between; a weight follows a colon, a file an equals sign.

    Raises:
        InputError: A name is unknown or comes twice, a weight is no positive number, or a file is
            missing or not wanted.
    """
    terms = tuple(_parse_term(part.strip()) for part in text.split(","))
    for index, term in enumerate(terms):
        if any(term.name == other.name for other in terms[:index]):
            raise InputError(f"the reward {term.name!r} comes twice")
    return terms


def load_rewards(terms: Sequence[RewardTerm]) -> MeshReward:
    """Return the weighted mean that the terms describe.

    Raises:
        UserError: A file cannot be read or used.
    """
    return WeightedReward(tuple((term.load(), term.weight) for term in terms))


def _parse_term(text: str) -> RewardTerm:
    rest, colon, tail = text.rpartition(":")
    weight = _number(tail) if colon else None
    if weight is None:
        # No weight: the colon, if any, belongs to a file.
        rest, weight = text, 1.0
    if not (weight > 0 and math.isfinite(weight)):
        raise InputError(f"the weight of a reward must be positive, got {text!r}")
    name, equals, file = rest.partition("=")
    if name in FILE_REWARDS:
        if not file:
            raise InputError(f"the reward {name!r} needs a file", hint=f"write {name}=FILE")
        return RewardTerm(name, weight, Path(file))
    if name not in REWARDS or (colon and rest == text):
        names = ", ".join((*REWARDS, *(f"{name}=FILE" for name in FILE_REWARDS)))
        raise InputError(f"unknown reward {rest!r}", hint=f"rewards: {names}; weights: NAME:2")
    if equals:
        raise InputError(f"the reward {name!r} takes no file, got {rest!r}")
    return RewardTerm(name, weight)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

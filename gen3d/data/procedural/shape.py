"""A coloured solid made of parts: field, normals and colours at any point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.data.procedural.parts import BATCHED, OUTLINED, Part


@dataclass(frozen=True)
class Shape:
    """A procedural shape in the network frame (longest side ``LONGEST_SIDE``, centred, Y up).

    Attributes:
        category: Name of the program that made it.
        parts: In order of construction.
        captions: Sentences that describe it, the plainest first.
        attributes: What the captions were made from.
        seed: Of the program's random numbers.
    """

    category: str
    parts: tuple[Part, ...]
    captions: tuple[str, ...]
    attributes: dict[str, str]
    seed: int


# Where a cut meets what it cuts both are at distance zero; this decides for the cut.
_CUT_WINS = 2e-3


class Solid:
    """Evaluates a shape's parts with torch.

    The field is positive inside. Its magnitude is a distance bound: exact for sharp unions of
    exact primitives outside, smaller elsewhere.

    Args:
        parts: In order; ``add`` and ``cut`` form the solid, ``paint`` changes colours only.
    """

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self.solid = [i for i, part in enumerate(parts) if part.op != "paint"]
        self._groups: list[tuple[str, list[int], Tensor, Tensor, Tensor]] = []
        kinds = sorted({part.kind for part in parts})
        for kind in kinds:
            members = [i for i, part in enumerate(parts) if part.kind == kind]
            # Outlined kinds differ in their number of corners and are evaluated one by one.
            for chunk in [members] if kind in BATCHED else [[i] for i in members]:
                self._groups.append(
                    (
                        kind,
                        chunk,
                        _tensor([parts[i].params for i in chunk]),
                        _tensor([parts[i].centre for i in chunk]),
                        _tensor([parts[i].rotation for i in chunk]),
                    )
                )
        self._colours = _tensor([part.colour for part in parts])

    def part_distances(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, "parts n"]:
        """Signed distance (negative inside) of every part on its own."""
        rows: list[Tensor] = [points] * len(self.parts)
        for kind, members, params, centres, rotations in self._groups:
            local = torch.einsum("kni,kij->knj", points[None] - centres[:, None], rotations)
            if kind in BATCHED:
                distances = BATCHED[kind](local, params)
            else:
                outline = _tensor(self.parts[members[0]].outline)
                distances = OUTLINED[kind](local[0], params[0], outline)[None]
            for row, index in enumerate(members):
                rows[index] = distances[row]
        return torch.stack(rows)

    def combine(self, distances: Float[Tensor, "parts n"]) -> Float[Tensor, " n"]:
        """Fold the parts' distances into the solid's signed distance (negative inside)."""
        total = distances[self.solid[0]]
        for index in self.solid[1:]:
            part = self.parts[index]
            if part.op == "add":
                total = _smooth_min(total, distances[index], part.blend)
            else:
                total = -_smooth_min(-total, distances[index], part.blend)
        return total

    def field(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """Field value, positive inside."""
        return -self.combine(self.part_distances(points))

    def field_and_normal(
        self, points: Float[Tensor, "n 3"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
        """Field and the unit outward normal, the negative gradient's direction."""
        with torch.enable_grad():
            leaf = points.detach().requires_grad_(True)
            value = self.field(leaf)
            (gradient,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach(), -torch.nn.functional.normalize(gradient, dim=-1)

    def colour(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
        """SRGB colour: the nearest solid part's, unless a paint part covers the point.

        The surface that a cut leaves has the cut's colour.
        """
        distances = self.part_distances(points)
        rows = []
        for position, index in enumerate(self.solid):
            if self.parts[index].op == "cut":
                rows.append(distances[index].abs() - _CUT_WINS)
                continue
            row = distances[index]
            for later in self.solid[position + 1 :]:
                if self.parts[later].op == "cut":
                    row = torch.maximum(row, -distances[later])
            rows.append(row)
        colours = self._colours[torch.tensor(self.solid)][torch.stack(rows).argmin(0)]
        for index, part in enumerate(self.parts):
            if part.op == "paint":
                colours = torch.where(
                    (distances[index] < 0)[:, None], self._colours[index], colours
                )
        return colours


def _tensor(values: object) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def _smooth_min(a: Tensor, b: Tensor, radius: float) -> Tensor:
    # Quadratic smooth minimum (Quilez): touches min(a, b) where |a - b| >= radius.
    if radius <= 0:
        return torch.minimum(a, b)
    h = (radius - (a - b).abs()).clamp(min=0) / radius
    return torch.minimum(a, b) - h.square() * (radius / 4)

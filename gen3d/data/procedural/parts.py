"""Solid primitives and their signed distances, vectorised over the parts of one kind.

Distances are negative inside (the field that a shape shows is their negative). All formulas are the
exact ones of I. Quilez ("distance functions", 3D) except the ellipsoid's, which is a bound with the
exact sign. Local frames: cones, capsules and lathes stand along +Y; tori and prisms lie in XY.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

Kind = Literal["box", "cone", "ellipsoid", "torus", "capsule", "prism", "lathe"]
Op = Literal["add", "cut", "paint"]

# Keeps the derivative of a norm finite at zero; far below float32 noise of unit-sized shapes.
_TINY = 1e-12


@dataclass(frozen=True)
class Part:
    """One primitive of a shape.

    Attributes:
        kind: Which primitive.
        params: Its sizes; box (hx, hy, hz, rounding), cone (r_bottom, r_top, half height,
            rounding), ellipsoid (3 radii), torus (ring radius, tube radius, half arc in radians),
            capsule (r_bottom, r_top, length from the origin along +Y), prism and lathe (half
            thickness, rounding; the thickness of a lathe is unused).
        centre: Position of the local origin.
        rotation: Local to shape axes, (3, 3).
        colour: sRGB in [0, 1].
        op: Add to the solid, cut from it, or paint the surface inside the primitive.
        blend: Radius of the smooth union or cut with what came before; 0 is sharp.
        outline: Closed polygon (m, 2) of prisms (x, y) and lathes (radius, y).
        name: What it belongs to, as captions say it (``handle``, ``legs``), or "".
    """

    kind: Kind
    params: tuple[float, ...]
    centre: tuple[float, float, float]
    rotation: NDArray[np.float64]
    colour: tuple[float, float, float]
    op: Op = "add"
    blend: float = 0.0
    outline: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    name: str = ""

    def scaled(self, factor: float, shift: NDArray[np.float64]) -> Part:
        """Return the part moved by ``shift`` and then scaled about the origin."""
        sizes = [value * factor for value in self.params]
        if self.kind == "torus":
            sizes[2] = self.params[2]
        centre = (np.asarray(self.centre) + shift) * factor
        return Part(
            self.kind,
            tuple(sizes),
            (float(centre[0]), float(centre[1]), float(centre[2])),
            self.rotation,
            self.colour,
            self.op,
            self.blend * factor,
            self.outline * factor,
            self.name,
        )


def _norm(x: Tensor) -> Tensor:
    return (x.square().sum(-1) + _TINY).sqrt()


def box_distance(p: Float[Tensor, "k n 3"], params: Float[Tensor, "k 4"]) -> Float[Tensor, "k n"]:
    """Rounded box of half sizes params[:, :3] and rounding params[:, 3]."""
    rounding = params[:, None, 3]
    q = p.abs() - params[:, None, :3] + rounding[..., None]
    return _norm(q.clamp(min=0)) + q.amax(-1).clamp(max=0) - rounding


def cone_distance(p: Float[Tensor, "k n 3"], params: Float[Tensor, "k 4"]) -> Float[Tensor, "k n"]:
    """Capped cone from y = -h to y = h, edges rounded."""
    rounding = params[:, None, 3]
    bottom, top, half = (params[:, None, i] - rounding for i in range(3))
    radius, y = (p[..., 0].square() + p[..., 2].square() + _TINY).sqrt(), p[..., 1]
    cap_x = radius - torch.minimum(radius, torch.where(y < 0, bottom, top))
    cap_y = y.abs() - half
    slope = top - bottom
    along = ((top - radius) * slope + (half - y) * 2 * half) / (slope.square() + 4 * half.square())
    along = along.clamp(0, 1)
    side_x, side_y = radius - top + slope * along, y - half + 2 * half * along
    squared = torch.minimum(cap_x.square() + cap_y.square(), side_x.square() + side_y.square())
    distance = (squared + _TINY).sqrt()
    return torch.where((side_x < 0) & (cap_y < 0), -distance, distance) - rounding


def ellipsoid_distance(
    p: Float[Tensor, "k n 3"], params: Float[Tensor, "k 3"]
) -> Float[Tensor, "k n"]:
    """Ellipsoid; a bound that is exact on the surface to first order."""
    radii = params[:, None]
    scaled = _norm(p / radii)
    return scaled * (scaled - 1) / _norm(p / radii.square())


def torus_distance(p: Float[Tensor, "k n 3"], params: Float[Tensor, "k 3"]) -> Float[Tensor, "k n"]:
    """Arc of a torus in the XY plane, symmetric about +Y, with round ends."""
    ring, tube, arc = (params[:, None, i] for i in range(3))
    x, y = p[..., 0].abs(), p[..., 1]
    sine, cosine = arc.sin(), arc.cos()
    flat = (x.square() + y.square() + _TINY).sqrt()
    k = torch.where(cosine * x > sine * y, x * sine + y * cosine, flat)
    squared = p.square().sum(-1) + ring.square() - 2 * ring * k
    return (squared.clamp(min=0) + _TINY).sqrt() - tube


def capsule_distance(
    p: Float[Tensor, "k n 3"], params: Float[Tensor, "k 3"]
) -> Float[Tensor, "k n"]:
    """Round cone: the hull of two spheres at y = 0 and y = length."""
    r_bottom, r_top, length = (params[:, None, i] for i in range(3))
    b = ((r_bottom - r_top) / length).clamp(-0.999, 0.999)
    a = (1 - b.square()).sqrt()
    radius, y = (p[..., 0].square() + p[..., 2].square() + _TINY).sqrt(), p[..., 1]
    k = a * y - b * radius
    bottom = (radius.square() + y.square() + _TINY).sqrt() - r_bottom
    top = (radius.square() + (y - length).square() + _TINY).sqrt() - r_top
    side = radius * a + y * b - r_bottom
    return torch.where(k < 0, bottom, torch.where(k > a * length, top, side))


def polygon_distance(
    q: Float[Tensor, "n 2"], outline: Float[Tensor, "m 2"], *, open_axis: bool
) -> Float[Tensor, " n"]:
    """Signed distance to a closed polygon; ``open_axis`` ignores edges on x = 0 (for lathes)."""
    # Coordinates apart and points last: reductions over a last axis of two are slow in torch.
    start, end = outline, outline.roll(-1, 0)
    (x0, y0), (x1, y1) = start.T[:, :, None], end.T[:, :, None]
    ex, ey = x1 - x0, y1 - y0
    wx, wy = q[:, 0] - x0, q[:, 1] - y0
    along = ((wx * ex + wy * ey) / (ex.square() + ey.square() + _TINY)).clamp(0, 1)
    squared = (wx - ex * along).square() + (wy - ey * along).square()
    if open_axis:
        on_axis = (x0 <= 1e-9) & (x1 <= 1e-9)
        squared = torch.where(on_axis, squared.new_tensor(math.inf), squared)
    above, below, left = wy >= 0, q[:, 1] < y1, ex * wy > ey * wx
    crosses = (above & below & left) | ~(above | below | left)
    inside = crosses.sum(0) % 2 == 1
    distance = (squared.amin(0) + _TINY).sqrt()
    return torch.where(inside, -distance, distance)


def prism_distance(
    p: Float[Tensor, "n 3"], params: Float[Tensor, " 2"], outline: Float[Tensor, "m 2"]
) -> Float[Tensor, " n"]:
    """Polygon extruded along Z by +- half thickness; the rounding grows the outline."""
    flat = polygon_distance(p[:, :2], outline, open_axis=False)
    w = torch.stack([flat, p[:, 2].abs() - params[0] + params[1]], -1)
    return w.amax(-1).clamp(max=0) + _norm(w.clamp(min=0)) - params[1]


def lathe_distance(
    p: Float[Tensor, "n 3"], params: Float[Tensor, " 2"], outline: Float[Tensor, "m 2"]
) -> Float[Tensor, " n"]:
    """Polygon (radius, y) turned about the Y axis; the rounding grows it."""
    radius = (p[:, 0].square() + p[:, 2].square() + _TINY).sqrt()
    q = torch.stack([radius, p[:, 1]], -1)
    return polygon_distance(q, outline, open_axis=True) - params[1]


BATCHED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "box": box_distance,
    "cone": cone_distance,
    "ellipsoid": ellipsoid_distance,
    "torus": torus_distance,
    "capsule": capsule_distance,
}
OUTLINED: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "prism": prism_distance,
    "lathe": lathe_distance,
}

"""A pencil for shape programs: adds parts in plain words.

Programs draw in any units; ``finish`` centres the solid and scales its longest side to
``LONGEST_SIDE``. Axes: X right, Y up, Z to the viewer; the front looks along +Z.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from gen3d.data.procedural.bounds import part_bounds
from gen3d.data.procedural.parts import Op, Part

LONGEST_SIDE = 1.9
"""Longest side of a shape in the network frame, the cube [-1, 1]^3."""

Vector = Sequence[float]
Colour = tuple[float, float, float]


class Sketch:
    """Collects the parts of one shape."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._name = ""

    @contextmanager
    def named(self, name: str) -> Iterator[None]:
        """Give all parts added inside this name, the word that captions have for them."""
        before, self._name = self._name, name
        try:
            yield
        finally:
            self._name = before

    def box(
        self,
        centre: Vector,
        size: Vector,
        colour: Colour,
        *,
        rounding: float = 0.0,
        turn: Vector = (0, 0, 0),
        op: Op = "add",
        blend: float = 0.0,
    ) -> None:
        """Add a box of full ``size``; ``turn`` are degrees about X, then Y, then Z."""
        half = [s / 2 for s in size]
        rounding = min(rounding, 0.99 * min(half))
        self._add("box", (*half, rounding), centre, _euler(turn), colour, op, blend)

    def cylinder(
        self,
        start: Vector,
        end: Vector,
        radius: float,
        colour: Colour,
        *,
        top: float | None = None,
        rounding: float = 0.0,
        op: Op = "add",
        blend: float = 0.0,
    ) -> None:
        """Add a cylinder from ``start`` to ``end``; ``top`` is another radius at the end."""
        top = radius if top is None else top
        middle = (np.asarray(start, float) + np.asarray(end, float)) / 2
        length = float(np.linalg.norm(np.asarray(end, float) - np.asarray(start, float)))
        rounding = min(rounding, 0.49 * length, 0.99 * max(min(radius, top), 1e-6))
        params = (max(radius, 1e-4), max(top, 1e-4), length / 2, rounding)
        self._add("cone", params, middle, _along(start, end), colour, op, blend)

    def ball(
        self,
        centre: Vector,
        radii: float | Vector,
        colour: Colour,
        *,
        turn: Vector = (0, 0, 0),
        op: Op = "add",
        blend: float = 0.0,
    ) -> None:
        """Add an ellipsoid."""
        sizes = (radii,) * 3 if isinstance(radii, int | float) else tuple(radii)
        self._add("ellipsoid", sizes, centre, _euler(turn), colour, op, blend)

    def ring(
        self,
        centre: Vector,
        ring: float,
        tube: float,
        colour: Colour,
        *,
        arc_deg: float = 360.0,
        turn: Vector = (0, 0, 0),
        op: Op = "add",
        blend: float = 0.0,
    ) -> None:
        """Add a torus in the XY plane, or its arc of ``arc_deg`` centred on +Y."""
        params = (ring, tube, math.radians(min(arc_deg, 360.0)) / 2)
        self._add("torus", params, centre, _euler(turn), colour, op, blend)

    def limb(
        self,
        start: Vector,
        end: Vector,
        radius: float,
        colour: Colour,
        *,
        top: float | None = None,
        op: Op = "add",
        blend: float = 0.0,
    ) -> None:
        """Add a capsule between two points; ``top`` is another radius at the end."""
        top = radius if top is None else top
        length = float(np.linalg.norm(np.asarray(end, float) - np.asarray(start, float)))
        params = (radius, top, max(length, 1e-4))
        self._add("capsule", params, start, _along(start, end), colour, op, blend)

    def prism(
        self,
        outline: Iterable[Vector],
        centre: Vector,
        thickness: float,
        colour: Colour,
        *,
        rounding: float = 0.0,
        turn: Vector = (0, 0, 0),
        op: Op = "add",
        blend: float = 0.0,
    ) -> None:
        """Add a polygon (x, y) of full ``thickness`` along Z; rounding grows the outline."""
        rounding = min(rounding, 0.49 * thickness)
        self._add(
            "prism", (thickness / 2, rounding), centre, _euler(turn), colour, op, blend, outline
        )

    def lathe(
        self,
        outline: Iterable[Vector],
        centre: Vector,
        colour: Colour,
        *,
        rounding: float = 0.0,
        turn: Vector = (0, 0, 0),
        op: Op = "add",
        blend: float = 0.0,
    ) -> None:
        """Add a closed polygon (radius, y) turned about Y; close solids along radius 0."""
        self._add("lathe", (0.0, rounding), centre, _euler(turn), colour, op, blend, outline)

    def finish(self) -> tuple[Part, ...]:
        """Return the parts, centred and scaled into the network frame."""
        boxes = np.array([part_bounds(part) for part in self.parts if part.op == "add"])
        low, high = boxes[:, 0].min(0), boxes[:, 1].max(0)
        factor = LONGEST_SIDE / float((high - low).max())
        shift = -(low + high) / 2
        return tuple(part.scaled(factor, shift) for part in self.parts)

    def _add(
        self,
        kind: str,
        params: Iterable[float],
        centre: Vector | NDArray[np.float64],
        rotation: NDArray[np.float64],
        colour: Colour,
        op: Op,
        blend: float,
        outline: Iterable[Vector] = (),
    ) -> None:
        points = np.asarray(list(outline), float).reshape(-1, 2)
        x, y, z = (float(value) for value in centre)
        sizes = tuple(float(value) for value in params)
        self.parts.append(
            Part(kind, sizes, (x, y, z), rotation, colour, op, blend, points, self._name)  # type: ignore[arg-type]
        )


def _euler(turn_deg: Vector) -> NDArray[np.float64]:
    rotation = np.eye(3)
    for axis, degrees in enumerate(turn_deg):
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[i, i], step[i, j], step[j, i], step[j, j] = c, -s, s, c
        rotation = step @ rotation
    return rotation


def _along(start: Vector, end: Vector) -> NDArray[np.float64]:
    y = np.asarray(end, float) - np.asarray(start, float)
    y = y / max(float(np.linalg.norm(y)), 1e-12)
    helper = np.eye(3)[int(np.abs(y).argmin())]
    x = np.cross(y, helper)
    x = x / np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)], 1).astype(np.float64)

"""Axis-aligned bounds and surface samples of single parts, in closed form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gen3d.data.procedural.parts import Part

Array = NDArray[np.float64]


def part_bounds(part: Part) -> Array:
    """Bounding box (2, 3) of a part; exact up to rounded corners, never too small."""
    rotation, centre = part.rotation, np.asarray(part.centre)
    if part.kind == "ellipsoid":
        reach = np.sqrt(((rotation * np.asarray(part.params)) ** 2).sum(1))
        return np.stack([centre - reach, centre + reach])
    if part.kind == "capsule":
        ends = np.stack([centre, centre + rotation[:, 1] * part.params[2]])
        radii = np.array(part.params[:2])[:, None]
        return np.stack([(ends - radii).min(0), (ends + radii).max(0)])
    if part.kind == "cone":
        bottom, top, half, _ = part.params
        disc = np.sqrt(np.clip(1 - rotation[:, 1] ** 2, 0, 1))
        ends = np.stack([centre - rotation[:, 1] * half, centre + rotation[:, 1] * half])
        reach = np.stack([disc * bottom, disc * top])
        return np.stack([(ends - reach).min(0), (ends + reach).max(0)])
    if part.kind == "torus":
        angles = np.linspace(-part.params[2], part.params[2], 33)
        ring = np.stack([np.sin(angles), np.cos(angles), np.zeros(33)], 1) * part.params[0]
        points = ring @ rotation.T + centre
        return np.stack([points.min(0) - part.params[1], points.max(0) + part.params[1]])
    corners = _corners(part) @ rotation.T + centre
    return np.stack([corners.min(0), corners.max(0)])


def _corners(part: Part) -> Array:
    signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing="ij"), -1).reshape(-1, 3)
    if part.kind == "box":
        return signs * np.asarray(part.params[:3])
    grow = part.params[1]
    if part.kind == "prism":
        low, high = part.outline.min(0) - grow, part.outline.max(0) + grow
        half = part.params[0]
        return np.where(signs > 0, np.append(high, half), np.append(low, -half))
    radius = part.outline[:, 0].max() + grow
    low, high = part.outline[:, 1].min() - grow, part.outline[:, 1].max() + grow
    return np.where(signs > 0, [radius, high, radius], [-radius, low, -radius])


def sample_part(part: Part, n: int, rng: np.random.Generator) -> Array:
    """Draw ``n`` points on a part's own surface, uniform by area (rounding ignored)."""
    local = _SAMPLERS[part.kind](part, n, rng)
    return local @ part.rotation.T + np.asarray(part.centre)


def part_area(part: Part) -> float:
    """Area of a part's own surface (rounding ignored)."""
    p = part.params
    if part.kind == "box":
        return 8 * (p[0] * p[1] + p[1] * p[2] + p[2] * p[0])
    if part.kind == "cone":
        side = math.pi * (p[0] + p[1]) * math.hypot(2 * p[2], p[0] - p[1])
        return side + math.pi * (p[0] ** 2 + p[1] ** 2)
    if part.kind == "ellipsoid":
        # Thomsen's formula, within 1.1 %.
        a, b, c = (value**1.6075 for value in p)
        return 4 * math.pi * ((a * b + b * c + c * a) / 3) ** (1 / 1.6075)
    if part.kind == "torus":
        return 4 * math.pi * p[0] * p[1] * p[2]
    if part.kind == "capsule":
        return math.pi * (p[0] + p[1]) * p[2] + 2 * math.pi * (p[0] ** 2 + p[1] ** 2)
    lengths = np.linalg.norm(np.roll(part.outline, -1, 0) - part.outline, axis=1)
    if part.kind == "prism":
        return 2 * _polygon_area(part.outline) + float(lengths.sum()) * 2 * p[0]
    middle = (np.roll(part.outline, -1, 0) + part.outline)[:, 0] / 2
    return float((2 * math.pi * middle * lengths).sum())


def _polygon_area(outline: Array) -> float:
    x, y = outline.T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _sample_box(part: Part, n: int, rng: np.random.Generator) -> Array:
    half = np.asarray(part.params[:3])
    areas = np.array([half[1] * half[2], half[2] * half[0], half[0] * half[1]])
    points = rng.uniform(-1, 1, (n, 3)) * half
    axis = rng.choice(3, n, p=areas / areas.sum())
    points[np.arange(n), axis] = rng.choice([-1.0, 1.0], n) * half[axis]
    return points


def _disc(radius: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    angle = rng.uniform(0, 2 * math.pi, len(radius))
    return radius * np.cos(angle), radius * np.sin(angle)


def _sample_cone(part: Part, n: int, rng: np.random.Generator) -> Array:
    bottom, top, half, _ = part.params
    side = (bottom + top) * math.hypot(2 * half, bottom - top)
    weights = np.array([side, bottom**2, top**2])
    where = rng.choice(3, n, p=weights / weights.sum())
    u = rng.uniform(0, 1, n)
    # Density along the side is proportional to the local radius: invert its quadratic integral.
    if abs(top - bottom) < 1e-9:
        along = u
    else:
        squares = bottom**2 + u * (top**2 - bottom**2)
        along = (np.sqrt(squares) - bottom) / (top - bottom)
    radius = np.where(where == 0, bottom + (top - bottom) * along, np.sqrt(u))
    radius = np.where(where == 1, radius * bottom, np.where(where == 2, radius * top, radius))
    y = np.where(where == 0, (2 * along - 1) * half, np.where(where == 1, -half, half))
    x, z = _disc(radius, rng)
    return np.stack([x, y, z], 1)


def _directions(n: int, rng: np.random.Generator) -> Array:
    direction = rng.normal(size=(n, 3))
    return direction / np.linalg.norm(direction, axis=1, keepdims=True)


def _sample_ellipsoid(part: Part, n: int, rng: np.random.Generator) -> Array:
    radii = np.asarray(part.params)
    sphere = _directions(2 * n, rng)
    weight = np.linalg.norm(sphere / radii, axis=1)
    return sphere[rng.choice(2 * n, n, p=weight / weight.sum())] * radii


def _sample_torus(part: Part, n: int, rng: np.random.Generator) -> Array:
    ring, tube, arc = part.params
    u, v = rng.uniform(-arc, arc, 2 * n), rng.uniform(0, 2 * math.pi, 2 * n)
    weight = np.clip(ring + tube * np.cos(v), 1e-9, None)
    pick = rng.choice(2 * n, n, p=weight / weight.sum())
    u, v = u[pick], v[pick]
    radius = ring + tube * np.cos(v)
    return np.stack([radius * np.sin(u), radius * np.cos(u), tube * np.sin(v)], 1)


def _sample_capsule(part: Part, n: int, rng: np.random.Generator) -> Array:
    bottom, top, length = part.params
    weights = np.array([2 * bottom**2, 2 * top**2, (bottom + top) * length])
    where = rng.choice(3, n, p=weights / weights.sum())
    direction = _directions(n, rng)
    along = rng.uniform(0, 1, n)
    radius = np.where(
        where == 0, bottom, np.where(where == 1, top, bottom + (top - bottom) * along)
    )
    x, z = _disc(radius, rng)
    side = np.stack([x, along * length, z], 1)
    # Half spheres point away from the middle; the taper's small shift is left to the projection.
    direction[:, 1] = np.abs(direction[:, 1]) * np.where(where == 0, -1, 1)
    cap = direction * radius[:, None] + np.outer(np.where(where == 1, length, 0.0), [0, 1, 0])
    return np.where((where == 2)[:, None], side, cap)


def _sample_prism(part: Part, n: int, rng: np.random.Generator) -> Array:
    half = part.params[0]
    start, edge = part.outline, np.roll(part.outline, -1, 0) - part.outline
    lengths = np.linalg.norm(edge, axis=1)
    faces, sides = 2 * _polygon_area(part.outline), float(lengths.sum()) * 2 * half
    on_face = rng.uniform(size=n) < faces / (faces + sides)
    pick = rng.choice(len(start), n, p=lengths / lengths.sum())
    flat = start[pick] + edge[pick] * rng.uniform(size=(n, 1))
    flat[on_face] = _inside_polygon(part.outline, int(on_face.sum()), rng)
    z = np.where(on_face, rng.choice([-half, half], n), rng.uniform(-half, half, n))
    return np.column_stack([flat, z])


def _inside_polygon(outline: Array, n: int, rng: np.random.Generator) -> Array:
    low, high = outline.min(0), outline.max(0)
    found = np.zeros((0, 2))
    while len(found) < n:
        points = rng.uniform(low, high, (4 * n + 16, 2))
        start, end = outline, np.roll(outline, -1, 0)
        x, y = points[:, 0:1], points[:, 1:2]
        spans = (start[:, 1] > y) != (end[:, 1] > y)
        rise = np.where(end[:, 1] == start[:, 1], 1.0, end[:, 1] - start[:, 1])
        cross = start[:, 0] + (y - start[:, 1]) / rise * (end[:, 0] - start[:, 0])
        inside = (spans & (x < cross)).sum(1) % 2 == 1
        found = np.concatenate([found, points[inside]])
    return found[:n]


def _sample_lathe(part: Part, n: int, rng: np.random.Generator) -> Array:
    start, end = part.outline, np.roll(part.outline, -1, 0)
    lengths = np.linalg.norm(end - start, axis=1)
    weights = (start[:, 0] + end[:, 0]) * lengths
    pick = rng.choice(len(start), 2 * n, p=weights / weights.sum())
    profile = start[pick] + (end - start)[pick] * rng.uniform(size=(2 * n, 1))
    weight = profile[:, 0] + 1e-9
    profile = profile[rng.choice(2 * n, n, p=weight / weight.sum())]
    x, z = _disc(profile[:, 0], rng)
    return np.stack([x, profile[:, 1], z], 1)


_SAMPLERS = {
    "box": _sample_box,
    "cone": _sample_cone,
    "ellipsoid": _sample_ellipsoid,
    "torus": _sample_torus,
    "capsule": _sample_capsule,
    "prism": _sample_prism,
    "lathe": _sample_lathe,
}

"""Finding a plain backdrop: what the picture's border shows, followed inwards.

The backdrop is one smooth surface in CIELAB over the picture, or two where a wall meets a table:
quadratic in the place, so that lamps and vignetting are part of it. It is found on the border by
consensus (RANSAC, Fischler and Bolles 1981), its tolerance comes from its own spread, and whatever
matches it and hangs together with the border is background.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from gen3d.conditioning.regions import (
    grown,
    label_regions,
    shrunk,
    touching_border,
)

_MIN_SHARE = 0.75
_MIN_SHARE_AND_CORNERS = 0.4
_RING = 0.025  # of the shorter side
_TRIALS = 150
_NEAR = 3.0  # CIELAB units: neighbours on one surface, for the consensus
_TOLERANCE = (4.5, 12.0)
_SPREADS = 4.0
# A second surface must be seen in two corners, or it may be the object at the border.
_MIN_CORNERS = 2
_MIN_PART = 0.1
_ROUNDS = 3
_SEAM = 4
_ARCS = 48
_LONG = 0.4
_STEEPNESS = 0.01
# A shadow lies softly: lightness changes by less per pixel than at the object's outline.
_SHADOW_SLOPE = 2.4
_USUAL_SIDE = 512
_SHADOW_LIGHT = (0.35, 1.02)
_SHADOW_TINT = 6.0
_MIN_LIT = 0.5
_HOLE_CONTRAST = 2.5  # of the tolerance
_HOLE_LIGHT = 0.75
_ROOT = np.array([16.0, 0.0, 0.0])


@dataclass(frozen=True, eq=False)
class Backdrop:
    """Smooth surfaces of colour.

    Attributes:
        surfaces: Of each surface six coefficients per channel.
        tolerance: How far a pixel of the backdrop may be from it, in CIELAB units.
        share: Share of the border that it explains.
        corners: Likewise of the corners' pixels, the least of the four.
    """

    surfaces: tuple[Float[np.ndarray, "6 3"], ...]
    tolerance: float
    share: float
    corners: float

    @property
    def plain(self) -> bool:
        """Whether it explains the border, or all corners where the object reaches the sides."""
        cropped = self.share >= _MIN_SHARE_AND_CORNERS and self.corners >= _MIN_SHARE
        return cropped or self.share >= _MIN_SHARE


@dataclass(frozen=True, eq=False)
class Match:
    """A picture against its backdrop.

    Attributes:
        distance: To the nearest surface, in CIELAB units.
        colour: That surface's colour at each pixel, CIELAB.
        which: Its number.
    """

    distance: Float[np.ndarray, "h w"]
    colour: Float[np.ndarray, "h w 3"]
    which: np.ndarray = field(repr=False)


def fit_backdrop(lab: Float[np.ndarray, "h w 3"]) -> Backdrop:
    """Fit the backdrop to a picture's border.

    Args:
        lab: CIELAB, a little smoothed.
    """
    ring = _ring(lab.shape[0], lab.shape[1])
    basis, colours = _basis(lab.shape)[ring], lab[ring]
    corners = _corner_numbers(lab.shape)[ring]
    left = np.ones(len(colours), bool)
    surfaces: list[np.ndarray] = []
    tolerance, spread = _TOLERANCE[0], 0.0
    for _ in range(2):
        if left.mean() < _MIN_PART:
            break
        surface, near = _consensus(basis[left], colours[left])
        if near.sum() < _MIN_PART * len(left):
            break
        if surfaces and len(np.unique(corners[left][near]).clip(0)) - 1 < _MIN_CORNERS:
            break
        residual = np.linalg.norm(basis[left][near] @ surface - colours[left][near], axis=1)
        spread = max(spread, float(np.median(residual)))
        tolerance = float(np.clip(_SPREADS * spread, *_TOLERANCE))
        surfaces.append(surface)
        left &= np.linalg.norm(basis @ surface - colours, axis=1) > tolerance
    in_corners = min(1 - float(left[corners == number].mean()) for number in range(1, 5))
    return Backdrop(tuple(surfaces), tolerance, 1 - float(left.mean()), in_corners)


def match_backdrop(lab: Float[np.ndarray, "h w 3"], backdrop: Backdrop) -> Match:
    """Compare every pixel with the nearest surface."""
    basis = _basis(lab.shape)
    colours = np.stack([basis @ surface for surface in backdrop.surfaces])
    distances = np.linalg.norm(lab - colours, axis=-1)
    which = distances.argmin(axis=0)
    distance = np.take_along_axis(distances, which[None], 0)[0]
    colour = np.take_along_axis(colours, which[None, ..., None], 0)[0]
    if len(colours) == 2:
        distance = _across_the_seam(lab, colours, distances, distance, backdrop.tolerance)
    return Match(distance, colour, which)


def _across_the_seam(
    lab: Float[np.ndarray, "h w 3"],
    colours: Float[np.ndarray, "2 h w 3"],
    distances: Float[np.ndarray, "2 h w"],
    distance: Float[np.ndarray, "h w"],
    tolerance: float,
) -> Float[np.ndarray, "h w"]:
    """Let mixtures of both surfaces match where the two meet."""
    first, second = (grown(d < tolerance, _SEAM) for d in distances)
    span = colours[1] - colours[0]
    share = ((lab - colours[0]) * span).sum(axis=-1) / np.maximum((span**2).sum(axis=-1), 1e-6)
    mixture = colours[0] + share.clip(0, 1)[..., None] * span
    mixed = np.linalg.norm(lab - mixture, axis=-1)
    return np.where(first & second, np.minimum(distance, mixed), distance)


def flood_background(
    lab: Float[np.ndarray, "h w 3"], backdrop: Backdrop
) -> Bool[np.ndarray, "h w"]:
    """Return the background: what matches the backdrop from the border on, shadows and holes too.

    Args:
        lab: CIELAB, a little smoothed.
        backdrop: From :func:`fit_backdrop`.
    """
    for _ in range(_ROUNDS):
        match = match_backdrop(lab, backdrop)
        outside = touching_border(match.distance < backdrop.tolerance)
        if not outside.any():
            return outside
        backdrop = _refitted(lab, backdrop, match, outside)
    match = match_backdrop(lab, backdrop)
    plain = match.distance < backdrop.tolerance
    light, tint = _light(lab, match)
    low, high = _SHADOW_LIGHT
    # In a small picture a shadow takes fewer pixels.
    steepest = _SHADOW_SLOPE * min(max(_USUAL_SIDE / max(lab.shape), 1.0), 1.5)
    slope = np.hypot(*np.gradient(lab[..., 0]))
    soft = (light > low) & (light < high) & (tint < _SHADOW_TINT) & (slope < steepest)
    # Wide passages only, as a blurred outline may have a gap of a pixel.
    shade = plain | (grown(shrunk(plain | soft, 1), 1) & soft)
    outside, shaded = touching_border(plain), touching_border(shade)
    # A white cup on white is like a shadow all over: then rather keep the shadow.
    if (~shaded).sum() > _MIN_LIT * (~outside).sum():
        outside |= shaded
    inside = shade & ~outside
    return outside | _holes(inside, light, match.distance, outside, backdrop.tolerance)


def _light(
    lab: Float[np.ndarray, "h w 3"], match: Match
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """Return by how much the backdrop would have to be darkened, and what colour is left over.

    CIELAB is a cube root of light, so light times ``k`` scales ``(L + 16, a, b)`` by ``k^(1/3)``.
    """
    seen, lit = lab + _ROOT, match.colour + _ROOT
    scale = (seen * lit).sum(axis=-1) / (lit * lit).sum(axis=-1)
    return scale**3, np.linalg.norm(seen - scale[..., None] * lit, axis=-1)


def _holes(
    candidates: Bool[np.ndarray, "h w"],
    light: Float[np.ndarray, "h w"],
    distance: Float[np.ndarray, "h w"],
    outside: Bool[np.ndarray, "h w"],
    tolerance: float,
) -> Bool[np.ndarray, "h w"]:
    """Return the regions inside the object through which the backdrop is seen.

    A highlight may have the backdrop's colour too, but fades into the object; a hole has an edge.
    """
    labels, count = label_regions(candidates)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    near = _spread_labels(labels, 3)
    rim = grown(candidates, 3) & ~grown(candidates, 1) & ~outside
    kept = np.zeros(count + 1, bool)
    for number in np.flatnonzero(sizes >= max(12, int((~outside).sum()) // 1000)):
        if number == 0:
            continue
        around = distance[rim & (near == number)]
        sharp = len(around) > 0 and np.median(around) > _HOLE_CONTRAST * tolerance
        kept[number] = sharp and np.median(light[labels == number]) > _HOLE_LIGHT
    return kept[labels]


def _spread_labels(labels: np.ndarray, pixels: int) -> np.ndarray:
    """Give the pixels around regions their number."""
    for _ in range(pixels):
        padded = np.pad(labels, 1)
        around = np.max(
            [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]], axis=0
        )
        labels = np.where(labels > 0, labels, around)
    return labels


def _refitted(
    lab: Float[np.ndarray, "h w 3"],
    backdrop: Backdrop,
    match: Match,
    outside: Bool[np.ndarray, "h w"],
) -> Backdrop:
    basis = _basis(lab.shape)
    # Away from the object, whose colour the smoothing has mixed in.
    inner = shrunk(outside, 2)
    surfaces = []
    for number, surface in enumerate(backdrop.surfaces):
        mine = inner & (match.which == number)
        if mine.sum() >= 100:
            surface = np.linalg.lstsq(basis[mine][::5], lab[mine][::5], rcond=None)[0]
        surfaces.append(surface)
    return replace(backdrop, surfaces=tuple(surfaces))


def _consensus(
    basis: Float[np.ndarray, "n 6"], colours: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "6 3"], Bool[np.ndarray, " n"]]:
    """Return the surface that most of the border lies on, in one stretch, and who lies on it.

    The most points alone would be no good measure: one slanted plane meets a wall above and a
    table below, and neither of them in between.
    """
    generator = np.random.default_rng(0)
    some = generator.choice(len(basis), size=min(len(basis), 400), replace=False)
    flat, seen, arcs = basis[some, :3], colours[some], _arc_numbers(basis[some])
    best, longest = np.zeros((3, 3)), -np.inf
    for _ in range(_TRIALS):
        three = generator.choice(len(some), size=3, replace=False)
        plane = np.linalg.lstsq(flat[three], seen[three], rcond=1e-3)[0]
        near = np.linalg.norm(flat @ plane - seen, axis=1) < _NEAR
        # A steep plane is rather two flat ones, or the object's outline.
        steepness = _STEEPNESS * float(np.linalg.norm(plane[1:]))
        length = _stretch(near, arcs).mean() + near.mean() - steepness
        if length > longest:
            best, longest = plane, length
    surface = np.concatenate([best, np.zeros((3, 3))])
    arcs, limit = _arc_numbers(basis), _NEAR
    near = np.linalg.norm(basis @ surface - colours, axis=1) < limit
    for _ in range(4):
        stretch = _stretch(near, arcs)
        # An object that reaches all sides leaves four short stretches, in the corners.
        mine = near & stretch[arcs] if stretch.mean() > _LONG else near
        if mine.sum() < 12:
            break
        surface = np.linalg.lstsq(basis[mine], colours[mine], rcond=1e-6)[0]
        error = np.linalg.norm(basis @ surface - colours, axis=1)
        near = error < max(_NEAR, 3 * float(np.median(error[mine])))
    return surface, near


def _arc_numbers(basis: Float[np.ndarray, "n 6"]) -> Int[np.ndarray, " n"]:
    turn = np.arctan2(basis[:, 2], basis[:, 1]) / (2 * np.pi) + 0.5
    return np.minimum((turn * _ARCS).astype(int), _ARCS - 1)


def _stretch(near: Bool[np.ndarray, " n"], arcs: Int[np.ndarray, " n"]) -> Bool[np.ndarray, " k"]:
    """Return the longest run, round the border, of arcs that mostly fit."""
    total = np.bincount(arcs, minlength=_ARCS)
    fits = np.bincount(arcs, near, minlength=_ARCS) > 0.6 * np.maximum(total, 1)
    if fits.all():
        return fits
    # Begun at an arc that does not fit, no run goes over the end.
    start = int(np.argmin(fits))
    turned = np.roll(fits, -start)
    runs = np.cumsum(~turned)
    longest = np.bincount(runs, turned).argmax()
    return np.roll(turned & (runs == longest), start)


def _basis(shape: tuple[int, ...]) -> Float[np.ndarray, "h w 6"]:
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape[:2]), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _ring(height: int, width: int) -> Bool[np.ndarray, "h w"]:
    thick = max(2, round(_RING * min(height, width)))
    ring = np.ones((height, width), bool)
    ring[thick:-thick, thick:-thick] = False
    return ring


def _corner_numbers(shape: tuple[int, ...]) -> np.ndarray:
    """Return 1 to 4 near the corners, 0 elsewhere."""
    height, width = shape[:2]
    near = max(2, min(height, width) // 12)
    numbers = np.zeros((height, width), np.int64)
    numbers[:near, :near], numbers[:near, -near:] = 1, 2
    numbers[-near:, :near], numbers[-near:, -near:] = 3, 4
    return numbers

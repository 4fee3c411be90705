"""What the points of an input know, for points made between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.color import linear_to_srgb, srgb_to_linear
from gen3d.geometry.normals import unit_or_up
from gen3d.ops.points import knn

Rule = Literal["blend", "nearest", "majority"]

NEIGHBOURS = 4
ORIGIN = "origin"
CONFIDENCE = "confidence"

_BLENDED = {"intensity", "amplitude", "reflectance", "reflectivity"}
_VOTED = {"classification", "class", "label", "labels", "segment", "instance", "semantic"}
_NEAREST = {"gps_time", "gpstime", "time", "timestamp", "t"}


def carry_over(
    cloud: PointCloud,
    points: Float[np.ndarray, "m 3"],
    *,
    neighbours: int = NEIGHBOURS,
    rules: Mapping[str, Rule] | None = None,
) -> PointCloud:
    """Return points with normals, colours and attributes from the nearest points of a cloud.

    Blends weigh the nearest points by the inverse of their distance: colours in linear light;
    normals turned to the side of the nearest one's, so that two sides of a thin sheet do not
    cancel; floats and intensities as they are, rounded where they are integers. Labels are those
    of most of that weight, everything else that is an integer, and times, that of the nearest
    point. A point where one of the cloud lies takes its values exactly. Global shift and metadata
    stay.

    Args:
        cloud: Where the values come from; at least one point.
        points: In the frame of ``cloud.points``.
        neighbours: Points of the cloud to take values from, at least 1.
        rules: For attributes by name, instead of the rule for their name and dtype.

    Raises:
        InputError: The cloud is empty, a number or rule is out of its range, or a point is not
            finite.
    """
    if not len(cloud) or neighbours < 1:
        raise InputError(f"{neighbours} neighbours of {len(cloud)} points carry no values over")
    unknown = set(rules or ()) - set(cloud.attributes)
    if unknown:
        raise InputError(f"rules for attributes that the cloud lacks: {', '.join(sorted(unknown))}")
    rows = np.asarray(points, dtype=np.float32)
    found = knn(torch.from_numpy(rows), torch.from_numpy(cloud.points), min(neighbours, len(cloud)))
    index = found.indices.numpy()
    weights = inverse_distance_weights(found.distances_squared.numpy())
    same = found.distances_squared.numpy()[:, 0] == 0
    attributes = {
        name: _carried(
            values, index, weights, same, (rules or {}).get(name, rule_for(name, values))
        )
        for name, values in cloud.attributes.items()
    }
    return cloud.with_(
        points=rows,
        normals=None if cloud.normals is None else _normals(cloud.normals, index, weights, same),
        colors=None if cloud.colors is None else _colours(cloud.colors, index, weights, same),
        attributes=attributes,
    )


def mark_points(
    cloud: PointCloud,
    origin: Bool[np.ndarray, " n"],
    confidence: Float[np.ndarray, " n"] | None = None,
) -> PointCloud:
    """Add the attributes ``origin`` (uint8: 0 kept from the input, 1 made) and ``confidence``.

    Args:
        cloud: The points.
        origin: True where a point was made.
        confidence: In [0, 1]; float32 in the cloud.

    Raises:
        InputError: There are not as many values as points.
    """
    added: dict[str, np.ndarray] = {ORIGIN: np.asarray(origin).astype(np.uint8)}
    if confidence is not None:
        added[CONFIDENCE] = np.asarray(confidence, dtype=np.float32)
    return cloud.with_(attributes={**cloud.attributes, **added})


def distance_confidence(
    points: Float[np.ndarray, "m 3"], cloud: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, " m"]:
    """Return how well the input supports each point, in (0, 1].

    ``1 / (1 + (d / s)^2)`` with the distance d to the nearest input point and the distance s of
    that to its own nearest: 1 on an input point, 0.8 half-way between two, less in gaps.

    Args:
        points: What to judge.
        cloud: The input; at least two points.

    Raises:
        InputError: The input is a single point, or something is not finite.
    """
    if len(cloud) < 2:
        raise InputError("the spacing of a single point was asked for")
    known = torch.from_numpy(np.float32(cloud))
    near = knn(torch.from_numpy(np.float32(points)), known, 1)
    spacing = knn(known, known, 1, include_self=False).distances_squared[:, 0]
    # Of duplicates, the spacing is 0: fall back on the mean one.
    spacing = torch.where(spacing > 0, spacing, spacing.mean().clamp_min(1e-30))
    squares = near.distances_squared[:, 0] / spacing[near.indices[:, 0]]
    return (1 / (1 + squares)).numpy()


def rule_for(name: str, values: np.ndarray) -> Rule:
    """Return how an attribute is carried over, by its name and dtype."""
    word = name.lower().removeprefix("scalar_")
    if word in _VOTED or values.dtype.kind == "b":
        return "majority"
    if word in _NEAREST or word == ORIGIN:
        return "nearest"
    return "blend" if values.dtype.kind == "f" or word in _BLENDED else "nearest"


def inverse_distance_weights(
    squares: Float[np.ndarray, "m k"],
) -> Float[np.ndarray, "m k"]:
    """Return weights that sum to 1, from squared distances in ascending order (may be infinite)."""
    distances = np.sqrt(squares.astype(np.float64))
    # In units of the nearest, so that neither end of the float range is met.
    weights = np.maximum(distances[:, :1], 1e-30) / np.maximum(distances, 1e-30)
    return weights / weights.sum(axis=1, keepdims=True)


def _carried(
    values: np.ndarray, index: np.ndarray, weights: np.ndarray, same: np.ndarray, rule: Rule
) -> np.ndarray:
    nearest = values[index[:, 0]]
    if rule == "nearest":
        return nearest
    if rule == "majority":
        return np.where(_spread(same, values), nearest, _voted(values, index, weights))
    if rule != "blend":
        raise InputError(f"unknown rule {rule!r}", hint="known rules: blend, nearest, majority")
    blended = np.einsum("mk,mk...->m...", weights, values[index].astype(np.float64))
    if values.dtype.kind in "iu":
        blended = np.rint(blended)
    return np.where(_spread(same, values), nearest, blended.astype(values.dtype))


def _voted(values: np.ndarray, index: Int[np.ndarray, "m k"], weights: np.ndarray) -> np.ndarray:
    votes = values[index]
    if votes.ndim > 2:
        return votes[:, 0]
    equal = votes[:, :, None] == votes[:, None, :]
    support = (equal * weights[:, None, :]).sum(axis=2)
    # Of equals, argmax takes the first: the label of the nearest.
    best = (support > support.max(axis=1, keepdims=True) - 1e-12).argmax(axis=1)
    return votes[np.arange(len(votes)), best]


def _colours(
    colours: np.ndarray, index: np.ndarray, weights: np.ndarray, same: np.ndarray
) -> np.ndarray:
    linear = srgb_to_linear(colours.astype(np.float64))
    blended = linear_to_srgb(np.einsum("mk,mkc->mc", weights, linear[index]))
    return np.where(same[:, None], colours[index[:, 0]], blended.clip(0, 1)).astype(np.float32)


def _normals(
    normals: np.ndarray, index: np.ndarray, weights: np.ndarray, same: np.ndarray
) -> np.ndarray:
    near = normals[index].astype(np.float64)
    side = np.where((near * near[:, :1]).sum(axis=2) < 0, -1.0, 1.0)
    blended = unit_or_up(np.einsum("mk,mkc->mc", weights * side, near))
    return np.where(same[:, None], normals[index[:, 0]], blended).astype(np.float32)


def _spread(same: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a mask per point in the shape of an attribute's rows."""
    return same.reshape(-1, *[1] * (values.ndim - 1))

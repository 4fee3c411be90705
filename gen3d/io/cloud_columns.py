"""Clouds as named columns, which is how PLY, PCD, text and NPY files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud, split_attribute

POSITION: tuple[str, ...] = ("x", "y", "z")
NORMAL: tuple[str, ...] = ("nx", "ny", "nz")
COLOUR: tuple[str, ...] = ("red", "green", "blue")

_NORMALS = (NORMAL, ("normal_x", "normal_y", "normal_z"))
_COLOURS = (COLOUR, ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))


def cloud_from_columns(
    columns: Mapping[str, np.ndarray], metadata: dict[str, Any] | None = None, *, kind: str
) -> PointCloud:
    """Make a cloud from columns; those that are neither position, normal nor colour are kept.

    Integer colours are taken by the range of their dtype; floats as 0..255 where one exceeds 1.

    Args:
        columns: Arrays of equal length by name, in any byte order.
        metadata: For the cloud.
        kind: Of the file, for errors.

    Raises:
        FormatError: There are no positions or no points, or a value cannot be used.
    """
    if any(name not in columns for name in POSITION):
        raise FormatError(f"the {kind} file has no x, y and z")
    left = {name: values.astype(values.dtype.newbyteorder("=")) for name, values in columns.items()}
    positions = _take(left, POSITION)
    if not len(positions):
        raise FormatError(f"the {kind} file has no points")
    normals = next((_take(left, names) for names in _NORMALS if _has(left, names)), None)
    colours = None
    for names in _COLOURS:
        if colours is None and _has(left, names):
            colours = unit_colours(np.stack([left.pop(name) for name in names], axis=1))
    try:
        return PointCloud.from_positions(
            positions,
            normals=normals,
            colors=colours,
            metadata={} if metadata is None else metadata,
            attributes=left,
        )
    except InputError as error:
        raise FormatError(f"the {kind} file is malformed: {error.message}") from error


def columns_of(cloud: PointCloud) -> dict[str, np.ndarray]:
    """Return all of a cloud as columns: what :func:`cloud_from_columns` reads.

    Positions are float64 where the cloud has a shift, else float32; normals float32; colours
    uint8; attributes as they are, those of several values as ``NAME_0``, ``NAME_1``, ...

    Raises:
        InputError: The cloud is empty, or two columns share a name.
    """
    if not len(cloud):
        raise InputError("an empty shape cannot be written")
    positions = cloud.positions if cloud.offset.any() else cloud.points
    columns: dict[str, np.ndarray] = dict(zip(POSITION, positions.T, strict=True))
    if cloud.normals is not None:
        columns |= dict(zip(NORMAL, cloud.normals.T, strict=True))
    if cloud.colors is not None:
        columns |= dict(zip(COLOUR, colour_bytes(cloud.colors).T, strict=True))
    for name, values in cloud.attributes.items():
        for key, column in split_attribute(name, values).items():
            if key in columns:
                raise InputError(f"two columns would be named {key!r}", hint="rename an attribute")
            columns[key] = column
    return columns


def unit_colours(values: np.ndarray) -> np.ndarray:
    """Return colours of any dtype in [0, 1]: integers by their range, floats above 1 as bytes."""
    if values.dtype.kind in "iu":
        return values / np.iinfo(values.dtype).max
    return values / 255 if len(values) and values.max() > 1.001 else values


def colour_bytes(colours: np.ndarray) -> np.ndarray:
    """Return colours in [0, 1] as uint8."""
    return np.rint(colours * 255).astype(np.uint8)


def _has(columns: Mapping[str, np.ndarray], names: tuple[str, ...]) -> bool:
    return all(name in columns for name in names)


def _take(columns: dict[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    """Take columns out and return them side by side in float64."""
    return np.stack([columns.pop(name).astype(np.float64) for name in names], axis=1)

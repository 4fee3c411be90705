"""The dimensions of LAS points as the fields of a cloud, and back."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud, split_attribute

_COLOURS = ("red", "green", "blue")
_NORMALS = ("NormalX", "NormalY", "NormalZ")
_POSITIONS = ("X", "Y", "Z")
_MOST_STEPS = 2.0**31 - 2
_NAME_BYTES = 32
# Point formats by the same ones with colours.
_COLOURED = {0: 2, 1: 3, 4: 5, 6: 7, 9: 10}


def read_fields(points: Any, names: tuple[str, ...]) -> np.ndarray | None:
    """Return dimensions of laspy's points side by side, or None where one is missing."""
    known = set(points.point_format.dimension_names)
    if any(name not in known for name in names):
        return None
    return np.stack([np.asarray(points[name]) for name in names], axis=1)


def cloud_of_points(
    points: Any, color_range: int, shift: np.ndarray | None, metadata: dict[str, Any]
) -> PointCloud:
    """Return laspy's points as a cloud.

    Args:
        points: laspy's record of points.
        color_range: What white is.
        shift: Global shift to use; None chooses one.
        metadata: For the cloud.

    Raises:
        FormatError: A position is not finite.
    """
    positions = np.stack([np.asarray(points[name], np.float64) for name in "xyz"], axis=1)
    colours, normals = read_fields(points, _COLOURS), read_fields(points, _NORMALS)
    taken = {*_POSITIONS, *(_COLOURS if colours is not None else ())}
    taken |= set(_NORMALS if normals is not None else ())
    fields: dict[str, Any] = {
        "normals": normals,
        # Of a file read in pieces, only the first tells the range.
        "colors": None if colours is None else (colours / color_range).clip(0, 1),
        "metadata": metadata,
        "attributes": {
            name: np.array(points[name])
            for name in points.point_format.dimension_names
            if name not in taken
        },
    }
    try:
        if shift is None:
            return PointCloud.from_positions(positions, **fields)
        return PointCloud(positions - shift, offset=shift, **fields)
    except InputError as error:
        raise FormatError(f"the LAS file is malformed: {error.message}") from error


def header_for(laspy: Any, cloud: PointCloud, known: Any) -> Any:
    """Return the header to write a cloud with: a copy of the one it came with, or a new one.

    Raises:
        InputError: An attribute has a name of more than 32 bytes.
    """
    if known is None:
        header = laspy.LasHeader(version="1.4", point_format=6 if cloud.colors is None else 7)
        header.generating_software = "gen3d"
        header.creation_date = date(1970, 1, 1)
        header.scales, header.offsets = _grid(cloud)
    else:
        header = copy.deepcopy(known)
        # An index of the points as they were (COPC) is void, as are waveforms.
        kind = header.point_format.id
        if cloud.colors is not None and kind in _COLOURED:
            header.set_version_and_point_format(
                laspy.header.Version(1, 4), laspy.PointFormat(_COLOURED[kind])
            )
    dimensions = set(header.point_format.dimension_names)
    extra = [
        laspy.ExtraBytesParams(name, values.dtype)
        for name, values in _extra_columns(cloud, header).items()
        if name not in dimensions
    ]
    if extra:
        header.add_extra_dims(extra)
    return header


def fill_points(laspy: Any, cloud: PointCloud, header: Any, color_range: int) -> Any:
    """Return laspy's record of a cloud's points.

    Raises:
        InputError: A position does not fit into 32 bits of the header's scale.
    """
    steps = np.rint((cloud.positions - header.offsets) / header.scales)
    if np.abs(steps).max() > _MOST_STEPS:
        raise InputError(
            f"the points lie {np.abs(cloud.positions).max():.6g} from the origin, too far for the "
            f"file's scale {header.scales.tolist()} and offset {header.offsets.tolist()}"
        )
    points = laspy.ScaleAwarePointRecord.zeros(len(cloud), header=header)
    for name, values in zip(_POSITIONS, steps.T, strict=True):
        points[name] = values.astype(np.int32)
    if cloud.colors is not None:
        for name, values in zip(_COLOURS, cloud.colors.T, strict=True):
            points[name] = np.rint(values.astype(np.float64) * color_range).astype(np.uint16)
    extra = _extra_columns(cloud, header)
    dimensions = set(header.point_format.dimension_names)
    for name, values in extra.items():
        if name not in dimensions:
            raise InputError(f"the attribute {name!r} was not among those of the first points")
        points[name] = values
    for name, values in cloud.attributes.items():
        if _fits(header, name, values):
            points[name] = values
    return points


def _grid(cloud: PointCloud) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and offset for a cloud without any."""
    positions = cloud.positions
    low = positions.min(axis=0)
    extent = float((positions.max(axis=0) - low).max())
    scale = 0.001
    if extent > 0:
        scale = min(scale, 10.0 ** (np.floor(np.log10(extent)) - 6))
        scale = max(scale, 10.0 ** np.ceil(np.log10(extent / _MOST_STEPS)))
    return np.full(3, scale), np.floor(low)


def _fits(header: Any, name: str, values: np.ndarray) -> bool:
    """Tell whether a dimension of the point format holds an attribute as it is."""
    if name not in set(header.point_format.dimension_names) - {*_POSITIONS, *_COLOURS}:
        return False
    dimension = header.point_format.dimension_by_name(name)
    if not dimension.is_standard:
        return values.shape[1:] == ((dimension.num_elements,) if dimension.num_elements > 1 else ())
    if values.ndim != 1 or values.dtype.kind == "b":
        return values.ndim == 1
    if dimension.kind.name == "FloatingPoint":
        return True
    whole = values.dtype.kind in "iu" or bool((values == np.rint(values)).all())
    return whole and dimension.min <= values.min() and values.max() <= dimension.max


def _extra_columns(cloud: PointCloud, header: Any) -> dict[str, np.ndarray]:
    """Return what has no dimension of its own in the point format.

    Raises:
        InputError: A name is longer than 32 bytes.
    """
    columns: dict[str, np.ndarray] = {}
    if cloud.normals is not None:
        columns |= dict(zip(_NORMALS, cloud.normals.T, strict=True))
    standard = {item.name for item in header.point_format.standard_dimensions} | {*"xyz"}
    for name, values in cloud.attributes.items():
        if _fits(header, name, values):
            continue
        # A dimension of LAS is too narrow for it, such as 16 bits for an intensity in 0..1.
        name = f"{name}_value" if name in standard or name in _COLOURS else name
        for key, column in split_attribute(name, values).items():
            if len(key.encode()) > _NAME_BYTES:
                raise InputError(f"LAS has room for names of 32 bytes, not for {key!r}")
            if column.dtype.kind == "b":
                column = column.astype(np.uint8)
            elif column.dtype.kind == "f" and column.dtype.itemsize not in (4, 8):
                column = column.astype(np.float32 if column.dtype.itemsize < 4 else np.float64)
            columns[key] = column
    return columns

"""NPY and NPZ, numpy's own files: arrays of numbers only, nothing that can run code."""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.io.cloud_columns import POSITION, cloud_from_columns, columns_of, unit_colours
from gen3d.io.record import KEY, decode_record, encode_record
from gen3d.io.xyz import guess_columns
from gen3d.io.zips import UNZIP_ERRORS, stored_zip

_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 1 << 16
_MAX_BYTES = 1 << 36
_POINTS = ("points", "xyz", "pos", "positions", "vertices")
_COLOURS = ("colors", "colours", "rgb")
_RECORD = f"{KEY}.json"


def read_npy(data: bytes) -> PointCloud:
    """Read an array: structured with named fields, or (n, 3 or more), columns as of XYZ text.

    Raises:
        FormatError: The file is malformed, cut off, or holds no points.
    """
    values = parse_npy(data)
    if values.dtype.names is not None:
        columns = {name: values[name] for name in values.dtype.names}
        if values.ndim != 1 or any(column.ndim != 1 for column in columns.values()):
            raise FormatError("a structured NPY file must hold rows of single numbers")
        return cloud_from_columns(columns, kind="NPY")
    if values.ndim != 2 or values.shape[1] < 3 or not len(values):
        raise FormatError(f"an NPY file of points must have shape (n, 3 or more), {values.shape}")
    columns = dict(zip(guess_columns(values), values.T, strict=True))
    return cloud_from_columns(columns, kind="NPY")


def write_npy(cloud: PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return positions as an (n, 3) array, or all as structured rows where there is more.

    Args:
        cloud: At least one point.
        record: Has no room here.

    Raises:
        InputError: The cloud is empty.
    """
    columns = columns_of(cloud)
    if len(columns) == len(POSITION):
        return _npy(np.stack(list(columns.values()), axis=1))
    rows = np.empty(len(cloud), [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    return _npy(rows)


def read_npz(data: bytes) -> PointCloud:
    """Read an archive of arrays: ``points`` (or xyz, pos, positions, vertices) and others.

    ``normals``, ``colors`` and ``offset`` are what their names say, all others with as many rows
    attributes; the rest is left out.

    Raises:
        FormatError: The file is malformed, cut off, or holds no points.
    """
    arrays, record = _unzip(data)
    name = next((name for name in _POINTS if name in arrays), None)
    if name is None:
        raise FormatError(f"the NPZ file has none of the arrays {', '.join(_POINTS)}")
    points = arrays.pop(name)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points) or points.dtype.names:
        raise FormatError(f"{name} of the NPZ file must have shape (n, 3), got {points.shape}")
    offset = arrays.pop("offset", None)
    colours = next((arrays.pop(key) for key in _COLOURS if key in arrays), None)
    fields = {
        "normals": arrays.pop("normals", None),
        "colors": None if colours is None else unit_colours(colours),
        "metadata": {} if record is None else {KEY: record},
        "attributes": {
            key: values
            for key, values in arrays.items()
            if values.shape[:1] == points.shape[:1] and values.dtype.kind in "biuf"
        },
    }
    try:
        if offset is not None:
            return PointCloud(points, offset=offset, **fields)
        return PointCloud.from_positions(points, **fields)
    except (InputError, TypeError, ValueError) as error:
        raise FormatError(f"the NPZ file is malformed: {error}") from error


def write_npz(cloud: PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return a cloud with all that it has as an NPZ archive, exactly.

    Raises:
        InputError: The cloud is empty, the record is not JSON, or an attribute has a name of ours.
    """
    if not len(cloud):
        raise InputError("an empty shape cannot be written")
    arrays = {"points": cloud.points, "offset": cloud.offset}
    arrays |= {} if cloud.normals is None else {"normals": cloud.normals}
    arrays |= {} if cloud.colors is None else {"colors": cloud.colors}
    for name, values in cloud.attributes.items():
        if name in arrays or name in _POINTS + _COLOURS + ("normals",) or "/" in name:
            raise InputError(f"an attribute of an NPZ file cannot be named {name!r}")
        arrays[name] = values
    files = {f"{name}.npy": _npy(values) for name, values in arrays.items()}
    if record is not None:
        files[_RECORD] = encode_record(record).encode()
    return stored_zip(files)


def read_npz_record(data: bytes) -> dict[str, Any] | None:
    """Return the record in the archive, or None.

    Raises:
        FormatError: It is no NPZ file.
    """
    return _unzip(data)[1]


def parse_npy(data: bytes) -> np.ndarray:
    """Return the array of an NPY file; numbers only, and no more than the file holds.

    Raises:
        FormatError: The file is malformed or cut off, or holds objects.
    """
    if data[:6] != _MAGIC or len(data) < 12:
        raise FormatError("not an NPY file")
    width = 2 if data[6] == 1 else 4
    size = int.from_bytes(data[8 : 8 + width], "little")
    begin = 8 + width + size
    if size > _MAX_HEADER or begin > len(data):
        raise FormatError("the header of the NPY file is cut off")
    try:
        header = ast.literal_eval(data[8 + width : begin].decode("latin1").strip())
        kind, shape = _dtype(header["descr"]), tuple(header["shape"])
        order = "F" if header["fortran_order"] is True else "C"
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError) as error:
        raise FormatError(f"the header of the NPY file is malformed: {error}") from error
    if not all(type(side) is int and 0 <= side < 1 << 48 for side in shape):
        raise FormatError(f"the NPY file has the shape {str(shape)[:60]}")
    count = 1
    for side in shape:
        count *= side
    if len(shape) > 8 or not kind.itemsize or len(data) - begin < count * kind.itemsize:
        raise FormatError(
            f"the NPY file is cut off: {len(data) - begin} bytes of data, "
            f"{count * kind.itemsize} expected"
        )
    return np.frombuffer(data, kind, count, begin).reshape(shape, order=order)


def _dtype(descr: Any) -> np.dtype:
    """Return a dtype of numbers, or of rows of named numbers."""
    if isinstance(descr, str):
        kind = np.dtype(descr) if descr[:1] in "<>|=" and descr[1:2] in "biuf" else None
        if kind is None:
            raise ValueError(f"{descr[:20]!r} is no dtype of numbers")
        return kind
    return np.dtype([(str(name), _dtype(kind)) for name, kind in descr])


def _npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)
    return file.getvalue()


def _unzip(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any] | None]:
    arrays: dict[str, np.ndarray] = {}
    record = None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                raise FormatError("the NPZ file would unpack to more than 64 GiB")
            for entry in archive.infolist():
                if entry.filename == _RECORD:
                    record = decode_record(archive.read(entry))
                elif entry.filename.endswith(".npy"):
                    arrays[entry.filename.removesuffix(".npy")] = parse_npy(archive.read(entry))
    except UNZIP_ERRORS as error:
        raise FormatError(f"the NPZ file is malformed: {error}") from error
    return arrays, record

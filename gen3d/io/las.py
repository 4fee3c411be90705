"""LAS and LAZ, the formats of airborne and terrestrial scans, through laspy.

What a file says about itself travels along and is written again as it came: version, point
format, scale, offset, coordinate system and all other variable length records. Coordinates stay
those of the survey, Z up.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gen3d.errors import FormatError, InputError
from gen3d.geometry.cloud import PointCloud, shift_of
from gen3d.io.las_fields import cloud_of_points, fill_points, header_for, read_fields
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.optional import require

HEADER = "las"
"""Where a cloud that was read keeps its header: ``metadata["las"]``."""

CHUNK = 1_000_000

_MIN_HEADER = 227
_HEAD = 255
_MOST_COMPRESSED = 1 << 12
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class LasHeader:
    """What a LAS file says about itself.

    Attributes:
        header: laspy's header, with all variable length records.
        color_range: What white is in the file: 65535, or 255 where bytes stand in 16 bits.
    """

    header: Any
    color_range: int


def read_las(data: bytes) -> PointCloud:
    """Read a LAS or LAZ file whole; every dimension beside position and colour is an attribute.

    Raises:
        FormatError: The file is malformed, cut off, or has no points.
        MissingDependencyError: laspy, or lazrs for LAZ, is not installed.
    """
    file = io.BytesIO(data)
    _check(file)
    with _reader(file) as reader, _refusing_damage():
        points = reader.read_points(-1)
        return _cloud(points, _header(reader, points), None)


def las_chunks(path: Path | str, *, size: int = CHUNK) -> Iterator[PointCloud]:
    """Read a LAS or LAZ file piece by piece, all pieces with one global shift and header.

    Args:
        path: The file.
        size: Points per piece.

    Raises:
        FormatError: The file is malformed, cut off, or has no points.
        InputError: The file cannot be read.
        MissingDependencyError: laspy, or lazrs for LAZ, is not installed.
    """
    if size < 1:
        raise InputError(f"pieces need at least one point, got {size}")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
        _check(file)
        reader = stack.enter_context(_reader(file))
        bounds = np.stack([reader.header.mins, reader.header.maxs])
        shift = shift_of(bounds) if np.isfinite(bounds).all() else np.zeros(3)
        header = None
        for _ in range(-(-reader.header.point_count // size)):
            with _refusing_damage():
                points = reader.read_points(size)
                header = header or _header(reader, points)
                cloud = _cloud(points, header, shift)
            yield cloud


def write_las(
    cloud: PointCloud, record: Mapping[str, Any] | None = None, *, compress: bool = False
) -> bytes:
    """Return a cloud as LAS, or LAZ.

    A cloud that was read from LAS keeps its header. A new one has version 1.4, format 6 or 7,
    steps of a millimetre or (for small clouds) a millionth of the extent, and the floor of the
    lowest corner as offset. Normals and attributes that LAS does not know become extra dimensions.

    Args:
        cloud: At least one point.
        record: Has no room here.
        compress: Whether to write LAZ.

    Raises:
        InputError: The cloud is empty, does not fit into 32 bits of its scale, or an attribute
            has a name of more than 32 bytes.
        MissingDependencyError: laspy, or lazrs for LAZ, is not installed.
    """
    file = io.BytesIO()
    _write([cloud], file, compress)
    return file.getvalue()


def write_las_chunks(clouds: Iterable[PointCloud], path: Path | str) -> Path:
    """Write clouds one after the other into one file, LAZ where the path ends in ``.laz``.

    Only one cloud is held at a time. The first decides on header and dimensions; the file is
    whole or absent.

    Raises:
        InputError: As :func:`write_las`, or there are no clouds.
        OutputError: The file cannot be written.
        MissingDependencyError: laspy, or lazrs for LAZ, is not installed.
    """
    with atomic_write(path) as file:
        _write(clouds, file, Path(path).suffix.lower() == ".laz")
    return Path(path)


def write_laz(cloud: PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return a cloud as LAZ: see :func:`write_las`."""
    return write_las(cloud, record, compress=True)


def _write(clouds: Iterable[PointCloud], file: BinaryIO, compress: bool) -> None:
    laspy = _laspy(compress)
    writer = None
    header = LasHeader(None, 65535)
    for cloud in clouds:
        if not len(cloud):
            raise InputError("an empty shape cannot be written")
        if writer is None:
            known = cloud.metadata.get(HEADER)
            header = known if isinstance(known, LasHeader) else header
            made = header_for(laspy, cloud, header.header)
            made.creation_date = made.creation_date or _EPOCH
            writer = laspy.LasWriter(file, made, do_compress=compress, closefd=False)
        writer.write_points(fill_points(laspy, cloud, writer.header, header.color_range))
    if writer is None:
        raise InputError("an empty shape cannot be written")
    if writer.header.evlrs:
        writer.write_evlrs(writer.header.evlrs)
    writer.close()


def _check(file: BinaryIO) -> None:
    """Compare what the header announces with the size of the file, before anything is reserved."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(_HEAD)
    if head[:4] != b"LASF" or len(head) < _MIN_HEADER:
        raise FormatError("not a LAS file, or cut off in its header")
    major, minor = head[24], head[25]
    header_size, data_at, records = struct.unpack_from("<HII", head, 94)
    kind, width, count = struct.unpack_from("<BHI", head, 104)
    if major == 1 and minor >= 4 and len(head) >= 255:
        last_at, last, count = struct.unpack_from("<QIQ", head, 235)
        # Each extended record has a header of 60 bytes.
        if last and last_at + last * 60 > size:
            raise FormatError("the LAS file is cut off before its extended records")
    if major != 1 or not header_size <= data_at <= size or records * 54 > size:
        raise FormatError("the LAS file is cut off, or its header is malformed")
    compressed = bool(kind & 0xC0)
    room = (size - data_at) * (_MOST_COMPRESSED if compressed else 1)
    if count * width > room:
        raise FormatError(
            f"the LAS file is cut off: {count} points of {width} bytes announced, "
            f"{size - data_at} bytes of data"
        )
    if not count:
        raise FormatError("the LAS file has no points")
    if compressed:
        _check_chunks(file, data_at, size, count)


def _check_chunks(file: BinaryIO, data_at: int, size: int, count: int) -> None:
    """Refuse a table of more compressed chunks than points, which lazrs would read for minutes."""
    file.seek(data_at)
    place = file.read(8)
    at = int.from_bytes(place, "little", signed=True)
    if at == -1:
        # Streamed files have the place of the table at their end.
        file.seek(size - 8)
        at = int.from_bytes(file.read(8), "little", signed=True)
    if len(place) < 8 or not data_at < at <= size - 8:
        raise FormatError("the LAZ file is cut off: its table of chunks lies beyond its end")
    file.seek(at)
    _, chunks = struct.unpack("<II", file.read(8))
    if chunks > count:
        raise FormatError(f"the LAZ file announces {chunks} chunks of {count} points")


def _laspy(compressed: bool) -> Any:
    laspy = require("laspy", extra="points", feature="LAS and LAZ")
    if compressed:
        require("lazrs", extra="points", feature="LAZ")
    return laspy


@contextmanager
def _refusing_damage() -> Iterator[None]:
    """Report damage as such: laspy shows it by whatever its parsing trips over."""
    laspy = require("laspy", extra="points", feature="LAS and LAZ")
    try:
        yield
    except FormatError:
        raise
    except (
        laspy.errors.LaspyException,
        ArithmeticError,
        AssertionError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise FormatError(f"the LAS file is malformed: {error}") from error


@contextmanager
def _reader(file: BinaryIO) -> Iterator[Any]:
    file.seek(104)
    laspy = _laspy(bool(file.read(1)[0] & 0xC0))
    file.seek(0)
    with _refusing_damage():
        reader = laspy.LasReader(file, closefd=False)
    try:
        yield reader
    finally:
        reader.close()


def _header(reader: Any, points: Any) -> LasHeader:
    colours = read_fields(points, ("red", "green", "blue"))
    small = colours is not None and len(colours) and 0 < colours.max() <= 255
    if reader.header.version.minor >= 4 and reader.header.evlrs is None:
        reader.read_evlrs()
    return LasHeader(reader.header, 255 if small else 65535)


def _cloud(points: Any, header: LasHeader, shift: np.ndarray | None) -> PointCloud:
    if not len(points):
        raise FormatError("the LAS file has no points where it announces some")
    return cloud_of_points(points, header.color_range, shift, {HEADER: header})

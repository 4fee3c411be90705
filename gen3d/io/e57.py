"""E57 (ASTM E2807), the exchange format of terrestrial scanners, read through pye57.

Read only: the library stamps what it writes with random identifiers, so that equal clouds would
give unequal files.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from gen3d.errors import FormatError
from gen3d.geometry.cloud import PointCloud
from gen3d.io.cloud_columns import COLOUR, NORMAL, POSITION, cloud_from_columns
from gen3d.runtime.optional import require

_FIELDS: dict[str, str] = {
    **{f"cartesian{axis.upper()}": axis for axis in POSITION},
    **{f"color{name.title()}": name for name in COLOUR},
    **{f"nor:normal{name[1].upper()}": name for name in NORMAL},
}


def read_e57(data: bytes) -> PointCloud:
    """Read all scans of a file into one cloud, in the frame that they share.

    Fields that not all scans have are left out; ``scan`` tells which scan a point is of.

    Raises:
        FormatError: The file is malformed, or has no points in Cartesian coordinates.
        MissingDependencyError: pye57 is not installed.
    """
    pye57 = require("pye57", extra="points", feature="E57")
    if data[:8] != b"ASTM-E57":
        raise FormatError("not an E57 file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cloud.e57"
        path.write_bytes(data)
        try:
            file = pye57.E57(str(path))
        except _errors(pye57) as error:
            raise FormatError(f"the E57 file is malformed: {error}") from error
        try:
            scans = [_scan(file, index) for index in range(file.scan_count)]
        except _errors(pye57) as error:
            raise FormatError(f"the E57 file is malformed: {error}") from error
        finally:
            file.close()
    if not scans:
        raise FormatError("the E57 file has no scans")
    shared = set.intersection(*(set(scan) for scan in scans))
    columns = {
        name: np.concatenate([scan[name] for scan in scans]) for name in scans[0] if name in shared
    }
    return cloud_from_columns(columns, kind="E57")


def _errors(pye57: Any) -> tuple[type[Exception], ...]:
    return (pye57.libe57.E57Exception, RuntimeError, ValueError, LookupError, OSError)


def _scan(file: Any, index: int) -> dict[str, np.ndarray]:
    header = file.get_header(index)
    raw = file.read_scan_raw(index)
    columns: dict[str, np.ndarray] = {
        _FIELDS.get(str(name), str(name)): np.asarray(values) for name, values in raw.items()
    }
    if any(axis not in columns for axis in POSITION):
        raise FormatError("a scan of the E57 file has no Cartesian coordinates")
    position = np.stack([columns[axis].astype(np.float64) for axis in POSITION], axis=1)
    if header.has_pose():
        position = file.to_global(position, header.rotation, header.translation)
    columns |= dict(zip(POSITION, position.T, strict=True))
    if all(name in columns for name in NORMAL) and header.has_pose():
        normal = np.stack([columns[name] for name in NORMAL], axis=1)
        turned = file.to_global(normal, header.rotation, np.zeros(3))
        columns |= dict(zip(NORMAL, turned.T, strict=True))
    if all(name in columns for name in COLOUR):
        colours = np.stack([columns[name] for name in COLOUR], axis=1)
        limit = 65535 if colours.max(initial=0) > 255 else 255
        kind = np.uint16 if limit > 255 else np.uint8
        columns |= {name: columns[name].clip(0, limit).astype(kind) for name in COLOUR}
    # 1 and 2 mark directions in which nothing was measured.
    valid = columns.pop("cartesianInvalidState", np.zeros(len(position))) == 0
    columns["scan"] = np.full(len(position), index, np.int32)
    return {name: values[valid] for name, values in columns.items()}

"""PTS, the text of Leica's scanners: a count, then ``x y z intensity red green blue`` per line."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from gen3d.errors import FormatError
from gen3d.geometry.cloud import PointCloud
from gen3d.io.cloud_columns import COLOUR, POSITION, cloud_from_columns, colour_bytes, columns_of
from gen3d.io.xyz import check_count, number_format, parse_rows, split_lines

_COLUMNS = {
    3: POSITION,
    4: (*POSITION, "intensity"),
    6: (*POSITION, *COLOUR),
    7: (*POSITION, "intensity", *COLOUR),
}


def read_pts(data: bytes) -> PointCloud:
    """Read the points of all scans in a file; one without a count is taken as it is.

    Raises:
        FormatError: The text is malformed, has no points, or fewer or more than it announces.
    """
    lines = [line for line in split_lines(data) if line.strip()]
    counts = [at for at, line in enumerate(lines) if len(line.split(None, 2)) == 1]
    if counts and counts[0] > 0:
        raise FormatError(f"line {counts[0] + 1} of the PTS file holds one number")
    for start, end in pairwise([*counts, len(lines)]):
        check_count(lines[start].strip(), end - start - 1, "PTS")
    announcing = set(counts)
    lines = [line for at, line in enumerate(lines) if at not in announcing]
    if not lines:
        raise FormatError("the PTS file has no points")
    rows = parse_rows(lines, "PTS")
    names = _COLUMNS.get(rows.shape[1])
    if names is None:
        raise FormatError(f"the PTS file has {rows.shape[1]} columns, not 3, 4, 6 or 7")
    columns = dict(zip(names, rows.T, strict=True))
    if COLOUR[0] in columns:
        colours = rows[:, -3:]
        if not ((colours >= 0) & (colours <= 255)).all():
            raise FormatError("colours of the PTS file must lie in 0..255")
        # As bytes, or black scans would count as colours in 0..1.
        columns |= {name: columns[name].astype(np.uint8) for name in COLOUR}
    return cloud_from_columns(columns, kind="PTS")


def write_pts(cloud: PointCloud, record: Mapping[str, Any] | None = None) -> bytes:
    """Return a cloud as PTS: positions, ``intensity`` and colours; the rest has no room.

    Args:
        cloud: At least one point. Colours without intensity get an intensity of 0.
        record: Has no room either.

    Raises:
        InputError: The cloud is empty.
    """
    positions = columns_of(PointCloud(cloud.points, offset=cloud.offset))
    columns = list(positions.values())
    intensity = cloud.attributes.get("intensity")
    if intensity is not None and intensity.ndim == 1:
        columns.append(intensity)
    elif cloud.colors is not None:
        columns.append(np.zeros(len(cloud), np.int64))
    if cloud.colors is not None:
        columns += [*colour_bytes(cloud.colors).T]
    row = " ".join(number_format(column.dtype) for column in columns)
    values = zip(*(column.tolist() for column in columns), strict=True)
    return "\n".join([str(len(cloud)), *(row % line for line in values), ""]).encode()

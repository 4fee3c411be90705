from pathlib import Path

import numpy as np
import pytest

from gen3d import io
from gen3d.errors import FormatError
from gen3d.geometry.cloud import PointCloud
from gen3d.io.e57 import read_e57

pye57 = pytest.importorskip("pye57")


def two_scans(path: Path) -> Path:
    file = pye57.E57(str(path), mode="w")
    rows = np.arange(4.0)
    for shift in (0.0, 100.0):
        file.write_scan_raw(
            {
                "cartesianX": rows,
                "cartesianY": rows * 2,
                "cartesianZ": rows * 0,
                "intensity": rows / 4,
                "colorRed": np.full(4, 255, np.uint8),
                "colorGreen": np.full(4, 51, np.uint8),
                "colorBlue": np.zeros(4, np.uint8),
            },
            # A quarter turn about Z.
            rotation=np.array([0.5**0.5, 0, 0, 0.5**0.5]),
            translation=np.array([shift, 0, 0]),
        )
    file.close()
    return path


def test_scans_come_in_their_common_frame(tmp_path: Path) -> None:
    cloud = io.load(two_scans(tmp_path / "two.e57"))
    assert isinstance(cloud, PointCloud) and len(cloud) == 8 and cloud.colors is not None
    np.testing.assert_allclose(cloud.positions[1], [-2, 1, 0], atol=1e-6)
    np.testing.assert_allclose(cloud.positions[5], [98, 1, 0], atol=1e-5)
    np.testing.assert_allclose(cloud.colors[0], [1, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(cloud.attributes["intensity"][:4], np.arange(4) / 4)
    assert cloud.attributes["scan"].tolist() == [0] * 4 + [1] * 4


def test_damaged_files_are_refused_and_none_is_written(tmp_path: Path) -> None:
    data = two_scans(tmp_path / "two.e57").read_bytes()
    for damaged in (b"", b"ASTM-E57", data[:500], data[:-700], b"X" + data[1:]):
        with pytest.raises(FormatError):
            read_e57(damaged)
    with pytest.raises(FormatError, match="no point clouds"):
        io.save(PointCloud(np.eye(3)), tmp_path / "out.e57")

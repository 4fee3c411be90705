import json
from pathlib import Path

import numpy as np
import pytest

from gen3d import io
from gen3d.cli.main import main
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh

POINTS = np.random.default_rng(0).random((60, 3))
SQUARE = Mesh(
    np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]), np.array([[0, 1, 2], [0, 2, 3]])
)


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def test_cloud_goes_through_every_format_in_turn(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    cloud = PointCloud(POINTS, colors=np.round(POINTS, 1), attributes={"label": np.arange(60)})
    path = io.save(cloud, tmp_path / "cloud.ply")
    for name in ("pcd", "npz", "xyz", "npy", "pts"):
        following = tmp_path / f"cloud.{name}"
        assert run("convert", path, following) == 0
        path = following
    again = io.load(path)
    assert isinstance(again, PointCloud)
    np.testing.assert_array_equal(again.points, cloud.points)
    assert "pts has no room for label" in " ".join(capsys.readouterr().err.split())


def test_metrics_print_all_conventions_and_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    flat = POINTS * [1, 1, 0]
    made = io.save(PointCloud(flat + np.array([0, 0, 0.001])), tmp_path / "made.xyz")
    true = io.save(PointCloud(flat), tmp_path / "true.ply")
    mesh = io.save(SQUARE, tmp_path / "mesh.off")
    assert run("metrics", made, true, "--mesh", mesh, "--json", tmp_path / "out.json") == 0
    shown = capsys.readouterr()
    assert all(word in shown.err for word in ("pufm", "pugan", "true", "P2F"))
    assert all(word in shown.out for word in ("EMD", "JSD", "uniformity at 0.4%"))
    figures = json.loads((tmp_path / "out.json").read_text())
    scores = figures["scores"]
    assert scores["pufm"]["cd"] == pytest.approx(1e-6, rel=1e-2)
    assert scores["pufm"]["p2f"] == pytest.approx(1e-3, rel=1e-2)
    assert scores["true"]["hd"] == pytest.approx(1e-3, rel=1e-2)
    assert figures["emd"] == pytest.approx(1e-3, rel=0.5)
    assert figures["table_factors"]["pufm"]["cd"] == 1e4


def test_metrics_refuse_what_is_no_cloud(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    mesh = io.save(SQUARE, tmp_path / "mesh.ply")
    assert run("metrics", mesh, mesh) == 2
    assert "a point cloud was expected" in capsys.readouterr().err

"""Completion and editing on the embedded model, small and quick."""

from pathlib import Path

import numpy as np
import pytest

from gen3d.api import complete_to_files, edit_to_files, reproduce
from gen3d.api.completion import load_points
from gen3d.api.editing import box_of
from gen3d.data.procedural import make_shape, sample_shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io import load_mesh, save

QUICK = {"steps": 2, "resolution": 32, "device": "cpu"}


@pytest.fixture(scope="module")
def half_bottle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The left half of a held-out bottle, without normals."""
    shape = make_shape("bottle", SPLIT_SEEDS["val"])
    points = sample_shape(shape, surface=512, queries=16).surface[:, :3].numpy() / 1.9
    path = tmp_path_factory.mktemp("scan") / "half.ply"
    return save(PointCloud(points[points[:, 0] < 0]), path)


def test_half_a_bottle_becomes_a_whole_one_and_again(half_bottle: Path, tmp_path: Path) -> None:
    path, again = tmp_path / "whole.glb", tmp_path / "again.glb"
    complete_to_files(half_bottle, path, seed=1, **QUICK)
    low, high = load_mesh(path).bounds
    # Both halves are there, and the height is that of the points.
    assert high[0] == pytest.approx(-low[0], rel=0.2)
    assert high[1] - low[1] == pytest.approx(1.0, abs=0.05)
    assert reproduce(path, again, images=[half_bottle]).identical


def test_another_cloud_of_that_name_is_not_taken_for_it(half_bottle: Path, tmp_path: Path) -> None:
    path = tmp_path / "whole.glb"
    complete_to_files(half_bottle, path, seed=1, **QUICK)
    save(PointCloud(np.random.default_rng(0).normal(size=(50, 3)) / 9), tmp_path / "half.ply")
    with pytest.raises(InputError, match="another one by its hash"):
        reproduce(path, tmp_path / "again.glb")


def test_an_edit_carries_what_makes_it_again(tmp_path: Path) -> None:
    source, path, again = (tmp_path / f"{name}.glb" for name in ("source", "edit", "again"))
    complete = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) / 2.0
    save(Mesh(complete, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])), source)
    run = edit_to_files(
        source, "a red mug", path, box=[0, 0, 0, 0.5, 0.2, 0.5], seed=1, strength=0.4, **QUICK
    )
    record = run.results[0].record
    assert record["box"] == [0, 0, 0, 0.5, 0.2, 0.5] and 0 <= record["kept_iou"] <= 1
    assert reproduce(path, again).identical


def test_a_mesh_with_holes_gives_points(tmp_path: Path) -> None:
    path = save(Mesh(np.eye(3), np.array([[0, 1, 2]])), tmp_path / "triangle.ply")
    cloud = load_points(path)
    assert cloud.normals is not None
    assert np.allclose(cloud.points.sum(axis=1), 1, atol=1e-5)


def test_nothing_is_made_of_bad_input(half_bottle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.glb"
    with pytest.raises(InputError, match="no file"):
        complete_to_files(tmp_path / "none.ply", out)
    with pytest.raises(InputError, match="scale"):
        complete_to_files(half_bottle, out, scale=-1)
    with pytest.raises(InputError, match="prompt"):
        complete_to_files(half_bottle, out, prompt=" ")
    few = save(PointCloud(np.eye(3)[[0, 1, 2] * 4] / 3), tmp_path / "few.ply")
    with pytest.raises(InputError, match="at least 32"):
        complete_to_files(few, out)
    assert not out.exists()


@pytest.mark.parametrize("count", [0, 5, 7])
def test_a_box_has_six_numbers(count: int) -> None:
    with pytest.raises(InputError, match="6 numbers"):
        box_of([0.0] * count)

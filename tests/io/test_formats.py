from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from gen3d import io
from gen3d.errors import FormatError, InputError, OutputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.topology import is_watertight

ALL = ("glb", "obj", "stl", "ply")


def by_place(vertices: np.ndarray) -> np.ndarray:
    return vertices[np.lexsort(np.round(vertices, 6).T)]


@pytest.mark.parametrize("format", ALL)
def test_written_mesh_reopens(ball: Mesh, tmp_path: Path, format: str) -> None:
    path = io.save(ball, tmp_path / f"ball.{format}")
    again = io.load_mesh(path)
    assert len(again.faces) == len(ball.faces)
    assert is_watertight(again)
    np.testing.assert_array_equal(by_place(again.vertices), by_place(ball.vertices))
    corners = np.sort(again.corners.mean(axis=1), axis=0)
    np.testing.assert_allclose(corners, np.sort(ball.corners.mean(axis=1), axis=0), atol=1e-6)


@pytest.mark.parametrize("format", ("glb", "obj", "ply"))
def test_everything_but_stl_keeps_order_normals_colours_and_record(
    ball: Mesh, tmp_path: Path, format: str, record: dict
) -> None:
    path = io.save(ball, tmp_path / f"ball.{format}")
    again = io.load_mesh(path)
    np.testing.assert_array_equal(again.vertices, ball.vertices)
    np.testing.assert_array_equal(again.faces, ball.faces)
    assert again.normals is not None and again.colors is not None
    np.testing.assert_allclose(again.normals, ball.normals, atol=1e-6)
    np.testing.assert_array_equal(np.rint(again.colors * 255), np.rint(ball.colors * 255))
    assert again.metadata["gen3d"] == record
    assert io.read_record(path) == record


@pytest.mark.parametrize("format", ALL)
def test_trimesh_opens_what_we_write(ball: Mesh, tmp_path: Path, format: str) -> None:
    path = io.save(ball, tmp_path / f"ball.{format}")
    seen = trimesh.load_mesh(path)
    assert seen.is_watertight and seen.is_winding_consistent
    assert seen.volume == pytest.approx(ball.to_trimesh().volume, rel=1e-5)
    assert len(seen.faces) == len(ball.faces)


@pytest.mark.parametrize("format", ALL)
def test_we_open_what_trimesh_writes(ball: Mesh, tmp_path: Path, format: str) -> None:
    path = tmp_path / f"ball.{format}"
    ball.to_trimesh().export(path)
    again = io.load_mesh(path)
    assert len(again.faces) == len(ball.faces)
    assert is_watertight(again)


@pytest.mark.parametrize("format", ALL)
def test_equal_meshes_give_equal_bytes(ball: Mesh, tmp_path: Path, format: str) -> None:
    first = io.save(ball, tmp_path / f"a.{format}").read_bytes()
    twin = ball.with_(metadata={"gen3d": dict(reversed(ball.metadata["gen3d"].items()))})
    assert io.save(twin, tmp_path / f"b.{format}").read_bytes() == first


@pytest.mark.parametrize("format", ALL)
def test_bare_mesh_without_normals_colours_or_record_round_trips(
    ball: Mesh, tmp_path: Path, format: str
) -> None:
    bare = Mesh(ball.vertices, ball.faces)
    path = io.save(bare, tmp_path / f"bare.{format}")
    again = io.load_mesh(path)
    assert again.colors is None
    assert io.read_record(path) is None
    assert len(again.vertices) == len(bare.vertices)


def test_cloud_round_trips_through_ply(ball: Mesh, tmp_path: Path, record: dict) -> None:
    cloud = PointCloud(ball.vertices, ball.normals, ball.colors)
    path = io.save(cloud, tmp_path / "cloud.ply", record=record)
    again = io.load(path)
    assert isinstance(again, PointCloud)
    np.testing.assert_array_equal(again.points, cloud.points)
    np.testing.assert_array_equal(again.normals, cloud.normals)
    np.testing.assert_allclose(again.colors, cloud.colors, atol=1e-6)
    assert io.read_record(path) == record
    assert len(trimesh.load(path).vertices) == len(cloud)


def test_cloud_as_glb_names_the_format_for_clouds(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="ply"):
        io.save(PointCloud(np.zeros((2, 3))), tmp_path / "cloud.glb")


def test_loaded_points_as_mesh_is_refused(tmp_path: Path) -> None:
    path = io.save(PointCloud(np.eye(3)), tmp_path / "cloud.ply")
    with pytest.raises(FormatError, match="mesh was expected"):
        io.load_mesh(path)


@pytest.mark.parametrize("name", ("chair.dxf", "chair", "chair.GLTF"))
@pytest.mark.parametrize("call", (io.load, io.read_record, io.check_target))
def test_unknown_extension_names_the_known(
    tmp_path: Path, name: str, call: Callable[[Path], object]
) -> None:
    with pytest.raises(FormatError, match="glb, obj, stl, 3mf, usdz, ply"):
        call(tmp_path / name)


def test_format_may_come_without_extension_but_not_against_it(ball: Mesh, tmp_path: Path) -> None:
    assert io.format_of("chair", format="STL") == "stl"
    assert io.format_of("CHAIR.GLB") == "glb"
    path = io.save(ball, tmp_path / "chair.model", format="glb")
    assert isinstance(io.load(path, format="glb"), Mesh)
    with pytest.raises(FormatError, match=r"chair\.stl"):
        io.check_target("chair.glb", format="stl")


def test_missing_file_and_folder_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        io.load(tmp_path / "none.glb")
    (tmp_path / "folder.glb").mkdir()
    with pytest.raises(InputError, match="folder"):
        io.load(tmp_path / "folder.glb")


def test_target_is_checked_before_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no folder"):
        io.check_target(tmp_path / "none" / "chair.glb")
    (tmp_path / "folder.glb").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        io.check_target(tmp_path / "folder.glb")
    assert io.check_target(tmp_path / "chair.ply") == "ply"


@pytest.mark.parametrize("format", ALL)
def test_mesh_without_faces_is_refused_and_leaves_no_file(tmp_path: Path, format: str) -> None:
    with pytest.raises(InputError):
        io.save(Mesh(np.eye(3), np.zeros((0, 3), int)), tmp_path / f"empty.{format}")
    assert not list(tmp_path.iterdir())


def test_height_applies_to_meshes_only(ball: Mesh, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not to point clouds"):
        io.save(PointCloud(ball.vertices), tmp_path / "ball.ply", height_mm=100)


def test_malformed_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.glb"
    path.write_bytes(b"glTF" + bytes(60))
    with pytest.raises(FormatError, match=r"broken\.glb"):
        io.load(path)


def test_record_that_is_not_json_is_refused(ball: Mesh, tmp_path: Path) -> None:
    for value in (float("nan"), np.zeros(2)):
        with pytest.raises(InputError, match="JSON"):
            io.save(ball, tmp_path / "ball.glb", record={"value": value})
    assert not list(tmp_path.iterdir())

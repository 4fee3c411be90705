import numpy as np
import pytest
import torch
import trimesh

from gen3d.errors import InputError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh

CORNERS = np.eye(3)
FACE = np.array([[0, 1, 2]])


def test_arrays_get_their_dtypes() -> None:
    mesh = Mesh(CORNERS, FACE.astype(np.uint16), CORNERS, CORNERS)
    assert mesh.vertices.dtype == np.float32 and mesh.faces.dtype == np.int64
    assert mesh.normals is not None and mesh.normals.dtype == np.float32
    assert mesh.colors is not None and mesh.colors.dtype == np.float32


def test_torch_tensors_are_taken_without_copy() -> None:
    vertices, faces = torch.eye(3), torch.tensor([[0, 1, 2]])
    mesh = Mesh(vertices, faces)  # type: ignore[arg-type]
    assert np.shares_memory(mesh.vertices, vertices.numpy())
    assert np.shares_memory(mesh.faces, faces.numpy())


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"vertices": np.zeros((3, 2))}, r"vertices .*\(N, 3\)"),
        ({"vertices": np.full((3, 3), np.nan)}, "finite, row 0"),
        ({"vertices": np.full((3, 3), 1e300)}, "finite"),
        ({"faces": np.array([[0, 1, 3]])}, "0..3"),
        ({"faces": np.array([[0, 1, -1]])}, "-1..1"),
        ({"faces": np.array([[0.0, 1, 2]])}, "integers"),
        ({"faces": np.array([0, 1, 2])}, "integers"),
        ({"normals": np.zeros((2, 3))}, "normals"),
        ({"colors": np.zeros((2, 3))}, "colors"),
        ({"colors": np.full((3, 3), 255.0)}, "divide bytes"),
    ),
)
def test_wrong_arrays_are_named(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Mesh(CORNERS, FACE).with_(**changes)


def test_rounding_errors_of_colours_are_clipped() -> None:
    mesh = Mesh(CORNERS, FACE, colors=np.full((3, 3), 1.0005))
    assert mesh.colors is not None and mesh.colors.max() == 1


def test_bounds_ignore_vertices_out_of_use() -> None:
    mesh = Mesh(np.concatenate([CORNERS, [[9, 9, 9]]]), FACE)
    assert mesh.bounds.tolist() == [[0, 0, 0], [1, 1, 1]]
    with pytest.raises(InputError, match="bounds"):
        _ = Mesh(CORNERS, np.zeros((0, 3), int)).bounds


def test_selected_faces_keep_their_vertices_normals_and_colours() -> None:
    vertices = np.arange(12.0).reshape(4, 3)
    mesh = Mesh(vertices, [[0, 1, 2], [1, 3, 2]], -vertices, vertices / 20)  # type: ignore[arg-type]
    part = mesh.select_faces(np.array([False, True]))
    assert part.vertices.tolist() == vertices[1:].tolist()
    assert part.faces.tolist() == [[0, 2, 1]]
    assert part.normals is not None and part.colors is not None
    np.testing.assert_allclose(part.normals, -vertices[1:])
    np.testing.assert_allclose(part.colors, vertices[1:] / 20, rtol=1e-6)


def test_trimesh_round_trip_keeps_geometry_and_colours(ball: Mesh) -> None:
    coloured = ball.with_(colors=np.rint((ball.vertices + 0.5) * 255) / 255, metadata={"a": 1})
    again = Mesh.from_trimesh(coloured.to_trimesh())
    np.testing.assert_array_equal(again.vertices, coloured.vertices)
    np.testing.assert_array_equal(again.faces, coloured.faces)
    np.testing.assert_allclose(again.colors, coloured.colors, atol=1e-6)
    assert again.metadata == {"a": 1}
    assert Mesh.from_trimesh(ball.to_trimesh()).colors is None


def test_face_colours_of_trimesh_spread_to_vertices() -> None:
    box = trimesh.creation.box((1, 1, 1))
    box.visual.face_colors = np.tile(np.array([[255, 0, 0, 255]], np.uint8), (12, 1))
    mesh = Mesh.from_trimesh(box)
    assert mesh.colors is not None and len(mesh.vertices) == 8
    assert (mesh.colors == [1, 0, 0]).all()


def test_cloud_checks_its_arrays() -> None:
    cloud = PointCloud(CORNERS, CORNERS, CORNERS)
    assert len(cloud) == 3 and cloud.bounds.tolist() == [[0, 0, 0], [1, 1, 1]]
    with pytest.raises(InputError, match="points"):
        PointCloud(np.zeros((3, 4)))
    with pytest.raises(InputError, match="normals"):
        cloud.with_(normals=np.zeros((4, 3)))
    with pytest.raises(InputError, match="empty"):
        _ = PointCloud(np.zeros((0, 3))).bounds

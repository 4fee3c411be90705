import numpy as np
import pytest
import torch

from gen3d.data.procedural.dataset import ProceduralDataConfig, build_shape_set
from gen3d.data.procedural.library import make_shape
from gen3d.data.procedural.meshes import ProceduralMeshes
from gen3d.data.procedural.parts import Part
from gen3d.data.procedural.shape import Shape, Solid
from gen3d.data.procedural.solid_mesh import solid_mesh
from gen3d.errors import Gen3dError, ModelError
from gen3d.geometry.topology import report_topology


def ball(radius: float) -> Shape:
    part = Part("ellipsoid", (radius,) * 3, (0.1, 0, 0), np.eye(3), (0.2, 0.4, 0.6))
    return Shape("ball", (part,), ("a ball",), {}, 0)


def test_ball_is_round_closed_and_coloured():
    mesh = solid_mesh(ball(0.5))
    assert report_topology(mesh).watertight
    assert np.abs(np.linalg.norm(mesh.vertices - [0.1, 0, 0], axis=1) - 0.5).max() < 2e-3
    assert mesh.colors is not None
    assert np.allclose(mesh.colors, (0.2, 0.4, 0.6))


@pytest.mark.parametrize("category", ["chair", "mug"])
def test_vertices_of_a_program_lie_on_its_surface(category):
    shape = make_shape(category, 3)
    mesh = solid_mesh(shape, 32)
    off = Solid(shape.parts).field(torch.from_numpy(mesh.vertices)).abs()
    assert float(off.median()) < 5e-3
    assert report_topology(mesh).watertight


def test_shape_without_surface_is_refused():
    with pytest.raises(Gen3dError, match="no surface"):
        solid_mesh(ball(1e-4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("shapes")
    config = ProceduralDataConfig(
        split="val", per_category=2, categories=("mug", "table"), surface=64, queries=32, workers=1
    )
    build_shape_set(config, path)
    return path


def test_folder_gives_its_own_shapes_again(folder):
    source = ProceduralMeshes.of_folder(folder, resolution=32)
    assert source.categories == ["mug", "table", "mug", "table"]
    assert source.seeds == [1_000_000, 1_000_000, 1_000_001, 1_000_001]
    points = np.load(folder / "surface.npy")[2, :, :3].astype(np.float32)
    assert np.abs(np.ptp(source.mesh(2).mesh.vertices, axis=0) - np.ptp(points, axis=0)).max() < 0.3
    other = ProceduralMeshes(source.categories, [1, *source.seeds[1:]], resolution=32)
    assert other.fingerprint() != source.fingerprint()


def test_folder_of_other_programs_is_noticed(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    surface = np.load(tmp_path / "surface.npy")
    surface[..., :3] *= 0.9
    np.save(tmp_path / "surface.npy", surface)
    with pytest.raises(ModelError, match="not what the shape programs make now"):
        ProceduralMeshes.of_folder(tmp_path)

import json

import numpy as np
import pytest

from gen3d.data.build import REPORT_FILE, ShardsConfig
from gen3d.data.item_meshes import ItemMeshes
from gen3d.data.mesh_folder import MeshFolderConfig
from gen3d.errors import ModelError
from gen3d.geometry.mesh import Mesh


@pytest.fixture
def source(tmp_path):
    for name, length in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        corners = np.array([[0, 0, 0], [length, 0, 0], [0, 1, 0], [0, 0, 1.0]])
        faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
        Mesh(corners, faces).to_trimesh().export(tmp_path / f"{name}.ply")
    return ShardsConfig(meshes=MeshFolderConfig(path=tmp_path))


def write_report(folder, *rows):
    (folder / REPORT_FILE).write_text(json.dumps({"shapes": list(rows)}))


def test_kept_meshes_come_in_the_order_of_the_shards(source, tmp_path):
    write_report(tmp_path, {"key": "a_ply"}, {"key": "b_ply", "dropped": "empty"}, {"key": "c_ply"})
    meshes = ItemMeshes.of_shards(source, tmp_path)
    assert len(meshes) == 2
    second = meshes.mesh(1).mesh
    extent = np.ptp(second.vertices, axis=0)
    assert np.allclose(extent, np.array([3, 1, 1]) * (1.9 / 3), atol=1e-4)
    assert np.allclose(second.bounds.mean(0), 0, atol=1e-5)
    assert meshes.fingerprint() != ItemMeshes(source.items()).fingerprint()


def test_lost_mesh_is_named(source, tmp_path):
    write_report(tmp_path, {"key": "a_ply"}, {"key": "gone"})
    with pytest.raises(ModelError, match="gone"):
        ItemMeshes.of_shards(source, tmp_path)

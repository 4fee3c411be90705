import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen3d.errors import FormatError
from gen3d.geometry.color import srgb_to_linear
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import signed_volume
from gen3d.io.glb import read_glb, read_glb_record, write_glb
from gen3d.io.gltf_container import pack_glb, unpack_glb
from gen3d.io.gltf_document import Document

HERE = Path(__file__).parent
TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4")


def validate(path: Path) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "gltf-validator").is_dir():
        pytest.skip("glTF-Validator is not there: run npm install in tests/io")
    done = subprocess.run(
        [node, "validate_gltf.mjs", str(path)], cwd=HERE, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def document(**changes: Any) -> bytes:
    """A GLB file with one triangle and some keys replaced."""
    entries: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "buffers": [{"byteLength": 36}],
    }
    return pack_glb({**entries, **changes}, TRIANGLE.tobytes())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ("full", "bare", "degenerate", "large"))
def test_validator_finds_nothing(ball: Mesh, tmp_path: Path, kind: str) -> None:
    record = {"prompt": "a chair", "seed": 1}
    if kind == "bare":
        ball = Mesh(ball.vertices, ball.faces)
    elif kind == "degenerate":
        # A flat face of its own: the normals there have no direction.
        vertices = np.concatenate([ball.vertices, np.zeros((3, 3))])
        flat = np.arange(3)[None] + len(ball.vertices)
        ball = Mesh(vertices, np.concatenate([ball.faces, flat]))
    elif kind == "large":
        # More vertices than 16-bit indices reach.
        copies = 70000 // len(ball.vertices) + 1
        starts = np.repeat(np.arange(copies) * len(ball.vertices), len(ball.faces))
        faces = np.tile(ball.faces, (copies, 1)) + starts[:, None]
        ball = Mesh(np.tile(ball.vertices, (copies, 1)), faces)
    path = tmp_path / "ball.glb"
    path.write_bytes(write_glb(ball, record))
    report = validate(path)
    assert (report["errors"], report["warnings"], report["hints"]) == (0, 0, 0), report["messages"]


def test_colours_are_stored_linear(ball: Mesh) -> None:
    contents = Document(*unpack_glb(write_glb(ball)))
    attributes = contents.item("meshes", 0)["primitives"][0]["attributes"]
    stored = contents.accessor(attributes["COLOR_0"])
    np.testing.assert_allclose(stored[:, :3], srgb_to_linear(ball.colors), atol=1e-5)
    assert (stored[:, 3] == 1).all()


def test_every_byte_colour_survives() -> None:
    grey = np.repeat(np.arange(256)[:, None], 3, axis=1) / 255
    mesh = Mesh(np.random.default_rng(0).normal(size=(256, 3)), [[0, 1, 2]], None, grey)  # type: ignore[arg-type]
    again = read_glb(write_glb(mesh))
    assert again.colors is not None
    np.testing.assert_array_equal(np.rint(again.colors * 255), np.rint(grey * 255))


def test_bounds_in_the_file_are_those_of_the_positions(ball: Mesh) -> None:
    root, _ = unpack_glb(write_glb(ball))
    assert root["accessors"][0]["min"] == ball.vertices.min(axis=0).tolist()
    assert root["accessors"][0]["max"] == ball.vertices.max(axis=0).tolist()


def test_record_lies_in_asset_extras(ball: Mesh, record: dict) -> None:
    data = write_glb(ball, record)
    assert unpack_glb(data)[0]["asset"]["extras"] == {"gen3d": record}
    assert read_glb_record(data) == record
    assert read_glb_record(write_glb(ball)) is None


def test_node_transforms_apply_from_leaf_to_root() -> None:
    half = np.sqrt(0.5)
    nodes = [
        {"children": [1], "translation": [10, 0, 0]},
        {"children": [2], "rotation": [0, 0, half, half]},
        {"mesh": 0, "matrix": [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 1, 1]},
    ]
    mesh = read_glb(document(nodes=nodes))
    # Twice as large and up 1 in z, a quarter turn about z, then 10 along x.
    expected = [[10, 0, 1], [10, 2, 1], [8, 0, 1]]
    np.testing.assert_allclose(mesh.vertices, expected, atol=1e-5)


def test_mirroring_node_keeps_faces_outward(ball: Mesh) -> None:
    root, binary = unpack_glb(write_glb(ball))
    root["nodes"][0]["scale"] = [-2, 1, 1]
    mirrored = read_glb(pack_glb(root, binary))
    assert signed_volume(mirrored) == pytest.approx(2 * signed_volume(ball), rel=1e-5)
    assert mirrored.normals is not None
    assert ((mirrored.normals * mirrored.vertices).sum(axis=1) > 0).all()


def test_several_meshes_join_and_missing_colours_are_white(ball: Mesh) -> None:
    root, binary = unpack_glb(write_glb(ball))
    plain = {"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 3}
    root["meshes"].append({"primitives": [plain]})
    root["nodes"].append({"mesh": 1, "translation": [5, 0, 0]})
    root["scenes"][0]["nodes"] = [0, 1]
    joined = read_glb(pack_glb(root, binary))
    assert len(joined.faces) == 2 * len(ball.faces)
    assert joined.colors is not None
    assert (joined.colors[len(ball.vertices) :] == 1).all()
    assert joined.vertices[:, 0].max() == pytest.approx(5.5)


def test_material_factor_colours_plain_meshes() -> None:
    shading = {"pbrMetallicRoughness": {"baseColorFactor": [1, 0.5, 0, 1]}}
    primitive = {"attributes": {"POSITION": 0}, "material": 0}
    mesh = read_glb(document(materials=[shading], meshes=[{"primitives": [primitive]}]))
    assert mesh.colors is not None
    np.testing.assert_allclose(mesh.colors[0], [1, 0.7354, 0], atol=1e-3)


@pytest.mark.parametrize(("mode", "expected"), ((5, [[0, 1, 2]]), (6, [[0, 1, 2]])))
def test_strips_and_fans_become_triangles(mode: int, expected: list[list[int]]) -> None:
    primitive = {"attributes": {"POSITION": 0}, "mode": mode}
    mesh = read_glb(document(meshes=[{"primitives": [primitive]}]))
    assert mesh.faces.tolist() == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "draco"),
        ({"nodes": [{"mesh": 0, "children": [0]}]}, "tree"),
        ({"nodes": [{"mesh": 7}]}, "meshes"),
        ({"nodes": [{"mesh": 0, "scale": [0, 1, 1]}]}, "transform"),
        ({"nodes": [{"mesh": 0, "scale": [1e300, 1e300, 1]}]}, "transform"),
        ({"nodes": "x"}, "nodes"),
        ({"meshes": [{"primitives": [{"attributes": {"POSITION": True}}]}]}, "accessors"),
        ({"meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 1}]}]}, "triangles"),
        ({"bufferViews": [{"buffer": 0, "byteLength": 10**12}]}, "outside"),
        ({"buffers": [{"byteLength": 36, "uri": "other.bin"}]}, "other files"),
        (
            {"accessors": [{"bufferView": 0, "componentType": 5126, "count": 9, "type": "VEC3"}]},
            "fit",
        ),
        ({"accessors": [{"count": 10**15, "componentType": 5126, "type": "VEC3"}]}, "bufferViews"),
    ),
)
def test_malformed_documents_are_format_errors(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_glb(document(**changes))


def test_deeply_nested_json_is_a_format_error() -> None:
    bomb = b"[" * 200_000
    head = b"glTF" + (2).to_bytes(4, "little") + (20 + len(bomb)).to_bytes(4, "little")
    with pytest.raises(FormatError, match="JSON"):
        read_glb(head + len(bomb).to_bytes(4, "little") + b"JSON" + bomb)

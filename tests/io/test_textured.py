import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from gen3d.errors import FormatError, InputError
from gen3d.geometry.bake import bake_colours, texels_of
from gen3d.geometry.creases import crease_normals
from gen3d.geometry.materials import Material
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.topology import is_watertight
from gen3d.geometry.unwrap import unwrap
from gen3d.io import load_mesh, read_record, save
from gen3d.io.glb import read_glb, write_glb
from gen3d.io.gltf_container import pack_glb, unpack_glb
from gen3d.io.images import load_image
from gen3d.io.threemf import read_3mf, write_3mf
from gen3d.io.usdz import read_usdz_record, write_usdz
from tests.io.test_glb import validate


@pytest.fixture
def textured(ball: Mesh) -> Mesh:
    """The ball with a texture of its colours, flat at its creases, a finish and a normal map."""
    mapped = unwrap(ball, size=64)
    image = bake_colours(mapped, texels_of(mapped, 64), lambda points: (points + 0.5).clip(0, 1))
    flat = np.full((8, 8, 3), (128, 128, 255), np.uint8)
    return mapped.with_(
        corner_normals=crease_normals(mapped, crease_deg=10),
        material=Material(image, roughness=0.25, metallic=1.0, normal_map=flat),
    )


@pytest.mark.slow
@pytest.mark.parametrize("compress", (None, "quantize"))
@pytest.mark.parametrize("kind", ("full", "no normal map", "vertex colours"))
def test_validator_finds_nothing(
    textured: Mesh, tmp_path: Path, kind: str, compress: object
) -> None:
    assert textured.material is not None
    if kind == "no normal map":
        plain = Material(textured.material.base_color)
        textured = textured.with_(material=plain, corner_normals=None)
    elif kind == "vertex colours":
        textured = textured.without_texture()
    path = tmp_path / "ball.glb"
    path.write_bytes(write_glb(textured, {"seed": 1}, compress=compress))  # type: ignore[arg-type]
    report = validate(path)
    assert (report["errors"], report["warnings"], report["hints"]) == (0, 0, 0), report["messages"]


def test_glb_brings_texture_finish_and_closed_surface_back(textured: Mesh) -> None:
    again = read_glb(write_glb(textured))
    assert again.material is not None and textured.material is not None
    np.testing.assert_array_equal(again.material.base_color, textured.material.base_color)  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.material.normal_map, textured.material.normal_map)  # type: ignore[arg-type]
    assert (again.material.roughness, again.material.metallic) == (0.25, 1.0)
    assert is_watertight(again) and len(again.vertices) == len(textured.vertices)
    np.testing.assert_array_equal(again.corners, textured.corners)
    np.testing.assert_array_equal(again.corner_uvs, textured.corner_uvs)  # type: ignore[arg-type]
    np.testing.assert_allclose(again.corner_normals, textured.corner_normals, atol=1e-5)  # type: ignore[arg-type]
    assert again.colors is not None and textured.colors is not None
    found, expected = again.colors[again.faces], textured.colors[textured.faces]
    np.testing.assert_allclose(found, expected, atol=0.1)
    assert write_glb(again) == write_glb(textured)


def test_textured_glb_stores_no_vertex_colours(textured: Mesh) -> None:
    root, _ = unpack_glb(write_glb(textured))
    attributes = root["meshes"][0]["primitives"][0]["attributes"]
    assert set(attributes) == {"POSITION", "NORMAL", "TEXCOORD_0", "TANGENT"}


def test_quantised_glb_is_smaller_and_stays_in_place(textured: Mesh) -> None:
    plain, small = write_glb(textured), write_glb(textured, compress="quantize")
    root, _ = unpack_glb(small)
    assert root["extensionsRequired"] == ["KHR_mesh_quantization"]
    assert len(small) < 0.8 * len(plain)
    again = read_glb(small)
    np.testing.assert_allclose(again.corners, textured.corners, atol=1e-5)
    assert is_watertight(again)


def test_coordinates_outside_the_unit_square_survive_quantisation(textured: Mesh) -> None:
    assert textured.corner_uvs is not None
    tiled = textured.with_(corner_uvs=textured.corner_uvs * 3 - 1)
    again = read_glb(write_glb(tiled, compress="quantize"))
    np.testing.assert_allclose(again.corner_uvs, tiled.corner_uvs, atol=1e-6)  # type: ignore[arg-type]


def test_colour_factor_tints_the_texture(textured: Mesh) -> None:
    root, binary = unpack_glb(write_glb(textured))
    root["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [1.0, 0.0, 0.25, 1.0]
    material = read_glb(pack_glb(root, binary)).material
    assert material is not None and material.base_color is not None
    assert textured.material is not None and textured.material.base_color is not None
    np.testing.assert_array_equal(material.base_color[..., 0], textured.material.base_color[..., 0])
    assert (material.base_color[..., 1] == 0).all()
    # A quarter of linear white is sRGB 137.
    assert material.base_color[..., 2].max() == 137


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("images", [{"bufferView": 0, "mimeType": "image/png"}] * 2),
        ("images", [{"bufferView": 10**6, "mimeType": "image/png"}] * 2),
        ("textures", []),
    ],
)
def test_broken_textures_are_format_errors(textured: Mesh, entry: str, value: object) -> None:
    root, binary = unpack_glb(write_glb(textured))
    root[entry] = value
    with pytest.raises(FormatError):
        read_glb(pack_glb(root, binary))


def test_obj_names_its_material_and_textures(textured: Mesh, tmp_path: Path) -> None:
    path = save(textured, tmp_path / "a ball.obj")
    text = path.read_text()
    assert "mtllib a_ball.mtl" in text
    library = (tmp_path / "a_ball.mtl").read_text()
    assert "Pr 0.25" in library and "Pm 1" in library
    assert "map_Kd a_ball_base_color.png" in library and "norm a_ball_normal_map.png" in library
    assert textured.material is not None
    image = load_image(tmp_path / "a_ball_base_color.png")
    np.testing.assert_array_equal(image, textured.material.base_color)  # type: ignore[arg-type]
    again = load_mesh(path)
    np.testing.assert_allclose(again.corners, textured.corners, atol=1e-6)
    # The first corner of the first face: v counts upward in OBJ.
    corner = text[text.index("\nf ") :].split()[1].split("/")
    lines = [line for line in text.splitlines() if line.startswith("vt ")]
    u, v = (float(x) for x in lines[int(corner[1]) - 1].split()[1:])
    assert textured.corner_uvs is not None
    assert (u, 1 - v) == pytest.approx(tuple(textured.corner_uvs[0, 0].tolist()), abs=1e-5)


def test_obj_without_a_material_is_one_file(ball: Mesh, tmp_path: Path) -> None:
    save(ball, tmp_path / "ball.obj")
    assert [path.name for path in tmp_path.iterdir()] == ["ball.obj"]


def test_3mf_is_in_millimetres_upright_and_coloured(ball: Mesh, record: dict) -> None:
    data = write_3mf(ball, record, height_mm=80)
    with zipfile.ZipFile(BytesIO(data)) as package:
        model = package.read("3D/3dmodel.model").decode()
    assert 'unit="millimeter"' in model
    again = read_3mf(data)
    np.testing.assert_allclose(again.bounds[1] - again.bounds[0], 0.08, rtol=1e-5)
    assert again.bounds[0, 1] == pytest.approx(0, abs=1e-8)
    np.testing.assert_array_equal(again.faces, ball.faces)
    np.testing.assert_allclose(again.colors, ball.colors, atol=1e-6)  # type: ignore[arg-type]
    assert again.metadata["gen3d"] == record
    assert write_3mf(ball, record, height_mm=80) == data


def test_3mf_applies_components_transforms_and_units() -> None:
    model = """<model unit="inch" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">
    <resources><object id="1"><mesh><vertices><vertex x="0" y="0" z="0"/><vertex x="1" y="0" z="0"/>
    <vertex x="0" y="1" z="0"/></vertices><triangles><triangle v1="0" v2="1" v3="2"/></triangles>
    </mesh></object><object id="2"><components>
    <component objectid="1" transform="2 0 0 0 2 0 0 0 2 0 0 0"/></components></object></resources>
    <build><item objectid="2" transform="1 0 0 0 1 0 0 0 1 0 0 5"/></build></model>"""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("3D/3dmodel.model", model)
    mesh = read_3mf(buffer.getvalue())
    # Two inches along X and along Z up, which is our -Z; five inches up.
    expected = np.array([[0, 5, 0], [2, 5, 0], [0, 5, -2]]) * 0.0254
    np.testing.assert_allclose(mesh.vertices, expected, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('unit="millimeter"', 'unit="parsec"'),
        lambda text: text.replace('v1="', 'v1="9'),
        lambda text: text.replace('objectid="2"', 'objectid="7"'),
        lambda text: text.replace("</model>", ""),
        lambda text: text.replace("<model", "<!DOCTYPE x []><model"),
        lambda text: text.replace('color="#', 'color="#zz'),
    ],
)
def test_broken_3mf_is_a_format_error(ball: Mesh, change: object) -> None:
    with zipfile.ZipFile(BytesIO(write_3mf(ball))) as package:
        text = package.read("3D/3dmodel.model").decode()
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("3D/3dmodel.model", change(text))  # type: ignore[operator]
    with pytest.raises(FormatError):
        read_3mf(buffer.getvalue())
    with pytest.raises(FormatError):
        read_3mf(b"PK not a zip")


def test_usdz_keeps_the_rules_of_the_package(textured: Mesh, record: dict) -> None:
    data = write_usdz(textured, record)
    with zipfile.ZipFile(BytesIO(data)) as package:
        entries = package.infolist()
        layer = package.read(entries[0]).decode()
    assert [entry.filename for entry in entries] == [
        "model.usda",
        "base_color.png",
        "normal_map.png",
    ]
    for entry in entries:
        name, extra = (
            int.from_bytes(data[entry.header_offset + at : entry.header_offset + at + 2], "little")
            for at in (26, 28)
        )
        assert (entry.header_offset + 30 + name + extra) % 64 == 0
        assert entry.compress_type == zipfile.ZIP_STORED
    assert "float inputs:roughness = 0.25" in layer and "float inputs:metallic = 1" in layer
    assert read_usdz_record(data) == record
    assert write_usdz(textured, record) == data


@pytest.mark.slow
def test_usd_itself_reads_the_package(textured: Mesh, tmp_path: Path) -> None:
    usd = pytest.importorskip("pxr.Usd")
    validation = pytest.importorskip("pxr.UsdValidation")
    path = str(save(textured, tmp_path / "ball.usdz"))
    stage = usd.Stage.Open(path)
    checks = validation.ValidationRegistry().GetOrLoadAllValidators()
    assert not validation.ValidationContext(checks).Validate(stage)
    points = stage.GetPrimAtPath("/Asset/Mesh").GetAttribute("points").Get()
    assert len(points) >= len(textured.vertices)


def test_heights_are_millimetres_for_printers_and_metres_for_others(
    ball: Mesh, tmp_path: Path
) -> None:
    for extension, height in (("stl", 250.0), ("3mf", 0.25), ("glb", 0.25), ("obj", 0.25)):
        path = save(ball, tmp_path / f"ball.{extension}", height_mm=250)
        low, high = load_mesh(path).bounds[:, 1].tolist()
        assert high - low == pytest.approx(height, rel=1e-5)


def test_compression_is_for_glb_alone(ball: Mesh, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="compression applies to glb"):
        save(ball, tmp_path / "ball.ply", compress="quantize")


def test_usdz_is_written_only_and_carries_its_record(ball: Mesh, tmp_path: Path) -> None:
    path = save(ball, tmp_path / "ball.usdz")
    assert read_record(path) == ball.metadata["gen3d"]
    with pytest.raises(FormatError, match="can be written, not read"):
        load_mesh(path)

"""Building shards from collections and folders of meshes."""

import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from gen3d.api.data import build_data
from gen3d.cli.main import main
from gen3d.data import build
from gen3d.data.build import ShardsConfig, build_shards, is_complete
from gen3d.data.mesh_folder import MeshFolderConfig, folder_items, read_painted
from gen3d.data.objects import ObjectCollection, ObjectsConfig, object_items, split_of
from gen3d.data.shards import ShardSet
from gen3d.errors import FormatError, InputError
from gen3d.geometry.mesh import Mesh
from gen3d.io import save
from tests.data.soups import box


def small(**source: Any) -> ShardsConfig:
    settings = {"surface": 16, "queries": 128, "per_shard": 2} | source
    return ShardsConfig.model_validate(settings)


def collection(folder: Path, count: int = 5) -> ObjectsConfig:
    """Cubes of different heights, of one family; the last is a speck of dust."""
    vertices, faces, rows = [], [], []
    for i in range(count):
        high = (0.5, 0.1 * (i + 1) - 0.5, 0.5) if i < count - 1 else (-0.4999, 0.5, -0.4999)
        mesh = box((-0.5, -0.5, -0.5), high)
        vertices.append(np.rint((mesh.vertices + 0.5) * 65535).astype(np.uint16))
        faces.append(mesh.faces.astype(np.int32))
        rows.append({"id": f"set/cube.{i}", "caption": "wood chair stool", "category": "chair"}
                    | {"colours": True, "family": "cubes", "split": "train", "licence": "CC0-1.0"}
                    | {"author": "Ann", "repo": "ann/cubes", "path": f"{i}.glb"})  # fmt: skip
    folder.mkdir(exist_ok=True)
    rgb = np.tile(np.array([[200, 30, 30]], np.uint8), (sum(map(len, faces)), 1))
    with lzma.open(folder / "objects.npz.xz", "wb", preset=0) as file:
        np.savez(
            file,
            vertices=np.concatenate(vertices),
            faces=np.concatenate(faces),
            face_rgb=rgb,
            vertex_offsets=np.cumsum([0, *map(len, vertices)]),
            face_offsets=np.cumsum([0, *map(len, faces)]),
        )
    (folder / "objects.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return ObjectsConfig(path=folder)


def test_objects_become_shards_with_credits_and_captions(tmp_path: Path) -> None:
    source = collection(tmp_path / "in")
    report = build_shards(small(objects=source), tmp_path / "out")
    shapes = ShardSet.open(tmp_path / "out")
    assert report.kept == len(shapes) == 4
    assert list(report.dropped) == ["set_cube_4"]
    assert shapes.keys[0] == "set_cube_0" and shapes.categories == ["chair"] * 4
    assert shapes.captions[0][0] == "a wooden stool" or "stool" in shapes.captions[0][0]
    assert len(shapes.captions[0]) == 8 and any("red" in c for c in shapes.captions[0])
    about = json.loads((tmp_path / "out" / "report.json").read_text())
    assert about["kept"] == 4 and about["dropped"] == report.dropped
    assert np.allclose(shapes.surface[0][:, 6:], [200 / 255, 30 / 255, 30 / 255], atol=1e-3)


def test_a_stopped_build_goes_on_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(objects=collection(tmp_path / "in"))
    build_shards(config, tmp_path / "whole")
    real, done = build._build_item, []

    def stops(*arguments):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(build, "_build_item", stops)
    with pytest.raises(KeyboardInterrupt):
        build_shards(config, tmp_path / "parts")
    assert not is_complete(config, tmp_path / "parts")
    made = {path.name for path in (tmp_path / "parts").iterdir()}
    assert made == {"meta.json", "shapes-00000.tar", "shapes-00000.json"}

    asked = []
    monkeypatch.setattr(build, "_build_item", lambda c, i: (asked.append(i.key), real(c, i))[1])
    build_shards(config, tmp_path / "parts")
    assert asked == ["set_cube_2", "set_cube_3", "set_cube_4"]
    assert is_complete(config, tmp_path / "parts")
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()


def test_a_folder_of_another_config_is_refused(tmp_path: Path) -> None:
    source = collection(tmp_path / "in", 2)
    build_shards(small(objects=source), tmp_path / "out")
    with pytest.raises(InputError, match="another config"):
        build_shards(small(objects=source, surface=17), tmp_path / "out")


def test_splits_keep_families_together() -> None:
    rows = [{"family": f"f{i // 3}", "split": "train"} for i in range(3000)]
    splits = [split_of(row) for row in rows]
    assert splits[::3] == splits[1::3] == splits[2::3]
    assert 0.06 < splits.count("dev") / len(splits) < 0.1
    assert split_of({"family": "f0", "split": "val"}) == "val"


def test_damaged_collections_are_named(tmp_path: Path) -> None:
    config = collection(tmp_path / "in", 2)
    (tmp_path / "in" / "objects.jsonl").write_text("{}")
    with pytest.raises(FormatError, match="1 rows for 2 objects"):
        object_items(config)
    (tmp_path / "in" / "objects.npz.xz").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="no collection"):
        ObjectCollection.read(config.path)
    with pytest.raises(InputError):
        ObjectCollection.read(tmp_path / "nowhere")


def test_folders_of_meshes_take_names_texts_and_sidecars(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    cube = box((-1, -1, -1), (1, 1, 1))
    colours = np.tile([[0.9, 0.1, 0.1]], (8, 1))
    save(Mesh(cube.vertices, cube.faces, colors=colours), tmp_path / "red-stone_box.glb")
    save(cube, tmp_path / "plain.stl")
    save(cube, tmp_path / "deep" / "other.ply")
    (tmp_path / "plain.txt").write_text("a block\n\na grey block\n")
    (tmp_path / "deep" / "other.json").write_text('{"caption": "a die", "licence": "CC0"}')
    # In the order of their paths.
    other, plain, named = folder_items(MeshFolderConfig(path=tmp_path))
    assert named.name == "red stone_box"
    assert plain.captions == ("a block", "a grey block")
    assert (other.key, other.captions, other.licence) == ("deep_other_ply", ("a die",), "CC0")
    assert np.allclose(named.load().colours, [0.9, 0.1, 0.1], atol=0.01)
    assert np.allclose(plain.load().colours, 0.5)
    half = folder_items(MeshFolderConfig(path=tmp_path, part=(1, 2)))
    assert len(half) == 1


def test_files_that_stand_on_z_are_turned(tmp_path: Path) -> None:
    save(box((0, 0, 0), (1, 2, 3)), tmp_path / "tall.stl")
    sizes = []
    for up in ("auto", "y"):
        (item,) = folder_items(MeshFolderConfig(path=tmp_path, up=up))
        sizes.append(np.ptp(item.load().mesh.bounds, axis=0))
    assert np.allclose(sizes, [[1, 2, 3], [1, 3, 2]])


def test_textures_colour_the_points_that_they_cover(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, :], pixels[1, :] = (255, 0, 0), (0, 0, 255)
    corners = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    visual = TextureVisuals(
        uv=np.array(corners)[:, :2],
        material=PBRMaterial(baseColorTexture=Image.fromarray(pixels)),
    )
    quad = trimesh.Trimesh(corners, [[0, 1, 2], [0, 2, 3]], visual=visual, process=False)
    quad.export(tmp_path / "quad.glb")
    painted = read_painted(tmp_path / "quad.glb")
    weight = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], np.float32)
    found = painted.colour_at(np.array([0, 1]), weight)
    assert np.allclose(found, [[0, 0, 1], [1, 0, 0]], atol=1e-6)


def test_unreadable_meshes_are_left_out_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    save(box((0, 0, 0), (1, 2, 3)), tmp_path / "in" / "good.stl")
    (tmp_path / "in" / "bad.glb").write_bytes(b"glTF nonsense")
    config = small(meshes=MeshFolderConfig(path=tmp_path / "in"))
    report = build_shards(config, tmp_path / "out")
    assert report.kept == 1
    assert "cannot read" in report.dropped["bad_glb"]


def test_the_command_builds_and_explains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = collection(tmp_path / "in", 3)
    config = tmp_path / "objects.yaml"
    config.write_text(f"objects: {{path: {source.path}}}\nsurface: 16\nqueries: 16\n")
    with pytest.raises(SystemExit) as end:
        main(["data", str(config), "-o", str(tmp_path / "out"), "--quiet"])
    assert end.value.code == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out")
    for change, said in (
        ("surface=3", "surface: Input should be greater than or equal to 16"),
        ("meshes.path=x", "give one source"),
        ("objects.path=/nowhere", "nowhere"),
    ):
        with pytest.raises(InputError, match=said):
            build_data(config, tmp_path / "other", [change])


@pytest.mark.parametrize("name", ["objects", "meshes"])
def test_shipped_configs_are_valid(name: str) -> None:
    from gen3d.api.training import read_settings

    path = Path(__file__).parents[2] / "configs" / "data" / f"{name}.yaml"
    assert ShardsConfig.model_validate(read_settings(path)).surface == 2048

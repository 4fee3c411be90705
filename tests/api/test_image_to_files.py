"""From photos to files, on tiny random models in the published layouts."""

import dataclasses
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gen3d
from gen3d.api import image_to_files, list_models, reproduce
from gen3d.api.published import find_models, search_folders
from gen3d.errors import InputError, ModelError
from gen3d.geometry.mesh import Mesh
from gen3d.io import load_mesh, read_record
from gen3d.vecset.image_pipeline import ImagePipeline
from gen3d.vecset.published import PublishedModel, open_published

QUICK = {"steps": 2, "resolution": 24, "device": "cpu"}
Maker = Callable[..., Path]


@pytest.mark.parametrize("family", ["2.0", "mini-turbo", "mv", "2.1"])
def test_every_family_makes_a_mesh(
    tmp_path: Path, photo: Path, tiny_published: Maker, family: str
) -> None:
    weights = tiny_published(family)
    run = image_to_files(photo, tmp_path / "a.glb", weights=weights.parent, seed=1, **QUICK)
    assert len(load_mesh(run.paths[0]).faces) == run.results[0].report.faces > 0
    record = read_record(run.paths[0])
    assert record is not None
    assert record["model"].startswith("hunyuan3d-2")
    assert record["images"][0]["file"] == "photo.png"
    assert str(tmp_path) not in str(record)
    assert any(line.startswith("plan: cpu, float32") for line in run.summary(stages=True))


def test_same_seed_same_bytes_and_another_image_other_bytes(
    tmp_path: Path, photo: Path, tiny_published: Maker
) -> None:
    other = photo.with_name("other.png")
    Image.fromarray(np.asarray(Image.open(photo))[::-1, :, [2, 0, 1, 3]]).save(other)
    paths = {}
    for name, image, seed in (("a", photo, 5), ("b", photo, 5), ("c", photo, 6), ("d", other, 5)):
        paths[name] = tmp_path / f"{name}.ply"
        image_to_files(image, paths[name], weights=tiny_published("2.0"), seed=seed, **QUICK)
    data = {name: path.read_bytes() for name, path in paths.items()}
    assert data["a"] == data["b"]
    assert len(set(data.values())) == 3


def test_reproduce_finds_the_photo_by_its_hash(
    tmp_path: Path, photo: Path, tiny_published: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tiny_published("2.0")
    made, again = tmp_path / "a.glb", tmp_path / "again.glb"
    image_to_files(photo, made, weights=weights, seed=5, iso_level=0.01, **QUICK)
    with pytest.raises(InputError, match=r"'photo.png', which is not there.*--image"):
        reproduce(made, again, weights=weights)
    assert reproduce(made, again, weights=weights, images=[photo]).identical
    monkeypatch.chdir(photo.parent)
    assert reproduce(made, again, weights=weights).identical
    changed = shutil.copy(photo.parent / "photo.png", tmp_path / "photo.png")
    Image.new("RGBA", (9, 9)).save(changed)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="another one by its hash"):
        reproduce(made, again, weights=weights)


def test_views_and_mask_are_recorded_and_reproduced(
    tmp_path: Path, photo: Path, tiny_published: Maker
) -> None:
    weights = tiny_published("mv")
    mask = photo.with_name("mask.png")
    Image.open(photo).getchannel("A").save(mask)
    flat = photo.with_name("flat.png")
    Image.open(photo).convert("RGB").save(flat)
    made, again = tmp_path / "a.ply", tmp_path / "again.ply"
    run = image_to_files(
        flat, made, views={"back": photo}, mask=mask, weights=weights, seed=5, **QUICK
    )
    images = run.results[0].record["images"]
    assert [image["view"] for image in images] == ["front", "back"]
    assert images[0]["mask"]["file"] == "mask.png"
    assert reproduce(made, again, weights=weights, images=[mask, photo, flat]).identical
    one = image_to_files(flat, tmp_path / "b.ply", mask=mask, weights=weights, seed=5, **QUICK)
    assert one.paths[0].read_bytes() != made.read_bytes()


def test_several_views_need_a_model_that_takes_them(
    tmp_path: Path, photo: Path, tiny_published: Maker
) -> None:
    with pytest.raises(InputError, match=r"takes 1 view, got 2.*hunyuan3d-2-mv"):
        image_to_files(
            photo,
            tmp_path / "a.glb",
            views={"left": photo},
            weights=tiny_published("2.0"),
            **QUICK,
        )
    assert not (tmp_path / "a.glb").exists()


def test_parts_in_turn_give_the_same_shape(photo: Path, tiny_published: Maker) -> None:
    model = open_published(tiny_published("2.0"))
    roomy = ImagePipeline(model, device="cpu", free_bytes=10**12)
    assert roomy.plan.keep
    most = max(model.bytes_of(part) for part in ("conditioner", "dit", "vae"))
    tight = ImagePipeline(
        model, device="cpu", free_bytes=int((roomy.plan.need_bytes - most / 2) / 0.9)
    )
    assert not tight.plan.keep
    shapes = [
        pipeline.image_to_3d(photo, seed=1, steps=2, resolution=24) for pipeline in (roomy, tight)
    ]
    assert np.array_equal(shapes[0].mesh.vertices, shapes[1].mesh.vertices)
    assert shapes[0].record == shapes[1].record
    with pytest.raises(ModelError, match="needs"):
        ImagePipeline(model, device="cpu", free_bytes=10**6)


def test_each_part_is_gone_before_the_next_is_loaded(
    photo: Path, tiny_published: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_published(tiny_published("2.0"))
    loaded: list[weakref.ref] = []

    def watched(name: str) -> Callable[..., object]:
        load = getattr(PublishedModel, name)

        def wrapped(self: PublishedModel, **options: object) -> object:
            assert all(part() is None for part in loaded)
            part = load(self, **options)
            loaded.append(weakref.ref(part))
            return part

        return wrapped

    for name in ("load_conditioner", "load_dit", "load_vae"):
        monkeypatch.setattr(PublishedModel, name, watched(name))
    pipeline = ImagePipeline(model, device="cpu")
    pipeline.plan = dataclasses.replace(pipeline.plan, keep=False)
    pipeline.image_to_3d(photo, seed=1, steps=2, resolution=24)
    assert len(loaded) == 3


def test_narrow_dtype_gives_nearly_the_same_shape(photo: Path, tiny_published: Maker) -> None:
    weights = tiny_published("2.0")
    meshes = []
    for dtype in ("float32", "bfloat16"):
        model = gen3d.load("hunyuan3d-2", weights=weights, device="cpu", dtype=dtype)
        result = model.image_to_3d(photo, seed=1, steps=2, resolution=24)
        assert result.record["dtype"] == dtype
        meshes.append(result.mesh)
    wide, narrow = (np.sort(mesh.vertices, axis=0)[:: len(mesh.vertices) // 20] for mesh in meshes)
    assert np.abs(wide[:20] - narrow[:20]).max() < 0.1


def test_python_api_loads_by_name_and_saves(
    tmp_path: Path, photo: Path, tiny_published: Maker
) -> None:
    model = gen3d.load("hunyuan3d-2", weights=tiny_published("2.0").parent, device="cpu")
    result = model.image_to_3d(photo, seed=1, steps=2, resolution=24)
    result.save(tmp_path / "out.glb")
    low, high = result.mesh.bounds
    assert (high - low).max() == pytest.approx(1.0, abs=1e-5)
    higher = model.image_to_3d(photo, seed=1, steps=2, resolution=24, iso_level=0.2)
    assert not np.array_equal(higher.mesh.vertices, result.mesh.vertices)
    again = model.image_to_3d(photo, seed=1, steps=2, resolution=24)
    assert np.array_equal(again.mesh.vertices, result.mesh.vertices)


def test_mesh_goes_to_latents_and_back(tiny_published: Maker) -> None:
    weights = tiny_published("2.1", encoder=True)
    model = gen3d.load("hunyuan3d-2.1", weights=weights, device="cpu")
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    latents = model.encode(Mesh(corners, faces), seed=1)
    assert latents.shape == (1, 16, 8)
    assert torch.equal(latents, model.encode(Mesh(corners, faces), seed=1))
    # Random weights need a level at which there is a surface.
    vae = open_published(weights).load_vae()
    points = 2 * torch.rand(1, 500, 3, generator=torch.Generator().manual_seed(0)) - 1
    level = vae.occupancy(points, vae.decode(latents)).median().item()
    assert len(model.decode(latents, resolution=24, iso_level=level).faces) > 0
    bare = gen3d.load("hunyuan3d-2", weights=tiny_published("2.0"), device="cpu")
    with pytest.raises(ModelError, match="encode"):
        bare.encode(Mesh(corners, faces))


@pytest.mark.parametrize("layout", ["folder", "comfyui"])
def test_models_are_found_with_licences(tiny_published: Maker, layout: str) -> None:
    weights = tiny_published("2.0", layout=layout)
    entries = {entry.name: entry for entry in list_models(weights.parent.parent)}
    assert entries["mini"].licence == "Apache-2.0"
    assert entries["mini"].complete and entries["mini"].size_bytes > 10**7
    found = entries["hunyuan3d-2"]
    assert found.complete and found.task == "image"
    assert "Tencent" in found.licence
    assert found.size_bytes > 10**5


def test_several_models_need_a_choice(tmp_path: Path, photo: Path, tiny_published: Maker) -> None:
    for family in ("2.0", "mini-turbo"):
        folder = tiny_published(family)
        shutil.copytree(folder, tmp_path / "models" / folder.name)
    with pytest.raises(ModelError, match=r"hunyuan3d-2, hunyuan3d-2-mini-turbo.*--model"):
        image_to_files(photo, tmp_path / "a.glb", weights=tmp_path / "models", **QUICK)
    run = image_to_files(
        photo,
        tmp_path / "a.glb",
        weights=tmp_path / "models",
        model="hunyuan3d-2-mini-turbo",
        **QUICK,
    )
    assert run.results[0].record["model"] == "hunyuan3d-2-mini-turbo"
    with pytest.raises(ModelError, match=r"hunyuan3d-2-mv: there is hunyuan3d-2, hunyuan3d-2-mini"):
        gen3d.load("hunyuan3d-2-mv", weights=tmp_path / "models")


def test_hub_cache_is_searched(tmp_path: Path, tiny_published: Maker) -> None:
    hub = tmp_path / "hf" / "hub"
    snapshot = hub / "models--tencent--Hunyuan3D-2" / "snapshots" / ("a" * 40)
    shutil.copytree(tiny_published("2.0"), snapshot / "hunyuan3d-dit-v2-0")
    folders = search_folders({"HF_HOME": str(tmp_path / "hf"), "GEN3D_MODELS": "x"})
    assert hub in folders and Path("x") in folders
    assert [model.name for model in find_models([hub])] == ["hunyuan3d-2"]
    assert [model.name for model in find_models([snapshot])] == ["hunyuan3d-2"]


def test_embedded_models_take_no_weights() -> None:
    with pytest.raises(ModelError, match="brings its own weights"):
        gen3d.load("mini", weights="somewhere")

"""Photos to files by an embedded model, with a tiny image encoder of random weights."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gen3d
from gen3d.api import image_to_files, reproduce
from gen3d.api.models import EMBEDDED
from gen3d.conditioning.text import TextEncoder
from gen3d.errors import InputError, ModelError
from gen3d.io import read_record
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.image_encoder import (
    IMAGE_FILE,
    ImageEncoder,
    ImageEncoderConfig,
    save_image_encoder,
)

QUICK: dict[str, Any] = {"steps": 2, "resolution": 24, "device": "cpu", "seed": 3, "texture": None}


def write_encoder(path: Path, *, out_dim: int) -> None:
    torch.manual_seed(0)
    config = ImageEncoderConfig(
        size=16, patch=8, stem=4, width=16, heads=2, layers=1, out_dim=out_dim
    )
    save_image_encoder(ImageEncoder(config), path)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The embedded model's folder, with an image encoder of random weights."""
    folder = tmp_path_factory.mktemp("models") / "seeing"
    shutil.copytree(EMBEDDED["mini"], folder)
    write_encoder(folder / IMAGE_FILE, out_dim=TextEncoder.load().width)
    return str(folder)


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "blind"
    shutil.copytree(EMBEDDED["mini"], folder, ignore=shutil.ignore_patterns(IMAGE_FILE))
    return str(folder)


def test_photo_becomes_a_mesh_with_a_record(tmp_path: Path, photo: Path, model: str) -> None:
    out = tmp_path / "a.glb"
    run = image_to_files(photo, out, model=model, **QUICK)
    record = read_record(out)
    assert record is not None and run.results[0].report.faces > 0
    assert record["task"] == "image_to_3d" and record["prompt"] is None
    assert record["images"][0]["file"] == "photo.png"
    assert record["images"][0]["object"] == "alpha"
    assert IMAGE_FILE in record["files"]
    assert str(tmp_path) not in str(record)


def test_same_seed_same_bytes_and_each_input_counts(
    tmp_path: Path, photo: Path, model: str
) -> None:
    other = photo.with_name("other.png")
    Image.fromarray(np.asarray(Image.open(photo))[::-1, :, [2, 0, 1, 3]]).save(other)
    kinds: dict[str, tuple[Path, dict[str, Any]]] = {
        "plain": (photo, {}),
        "again": (photo, {}),
        "other": (other, {}),
        "prompt": (photo, {"prompt": "a red chair"}),
        "views": (photo, {"views": {"back": other}}),
    }
    data = {}
    for name, (image, options) in kinds.items():
        path = tmp_path / f"{name}.stl"
        image_to_files(image, path, model=model, **QUICK, **options)
        data[name] = path.read_bytes()
    assert data.pop("again") == data["plain"]
    assert len(set(data.values())) == 4


def test_reproduce_makes_the_same_bytes(tmp_path: Path, photo: Path, model: str) -> None:
    flat, mask = photo.with_name("flat.png"), photo.with_name("mask.png")
    Image.open(photo).convert("RGB").save(flat)
    Image.open(photo).getchannel("A").save(mask)
    made = tmp_path / "a.glb"
    image_to_files(
        flat, made, model=model, mask=mask, views={"left": photo}, prompt="a mug", **QUICK
    )
    again = reproduce(made, tmp_path / "b.glb", model=model, images=[mask, photo, flat])
    assert again.identical, again.reason


def test_pipeline_takes_a_file_a_mapping_or_photos(photo: Path, model: str) -> None:
    pipeline = gen3d.load(model, device="cpu")
    options: dict[str, Any] = {"seed": 1, "steps": 2, "resolution": 24}
    one = pipeline.image_to_3d(photo, **options)
    same = pipeline.image_to_3d({"front": photo}, **options)
    assert np.array_equal(one.mesh.vertices, same.mesh.vertices)
    assert one.record == same.record


def test_doubtful_photo_gives_a_warning(tmp_path: Path, model: str) -> None:
    y, x = np.mgrid[-1:1:40j, -1:1:50j]
    pixels = np.where(((np.abs(x) < 0.5) & (y > -0.4))[..., None], (200, 30, 30), (240, 240, 240))
    path = tmp_path / "cut.png"
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    run = image_to_files(path, tmp_path / "a.glb", model=model, **QUICK)
    assert any("cut.png" in line and "--mask" in line for line in run.warnings)


def test_model_without_image_encoder_says_so(tmp_path: Path, photo: Path, blind: str) -> None:
    with pytest.raises(ModelError, match=r"takes no images.*gen3d text"):
        image_to_files(photo, tmp_path / "a.glb", model=blind, **QUICK)
    assert not (tmp_path / "a.glb").exists()


def test_encoder_of_another_model_is_refused(tmp_path: Path, photo: Path, blind: str) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(blind, folder)
    write_encoder(folder / IMAGE_FILE, out_dim=24)
    with pytest.raises(ModelError, match="24 channels"):
        image_to_files(photo, tmp_path / "a.glb", model=str(folder), **QUICK)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": "  "}, "prompt"),
        ({"iso_level": 0.1}, "iso_level is for published"),
        ({"dtype": "bfloat16"}, "dtype is for published"),
        ({"background": "blur"}, "auto, keep, remove"),
        ({"views": {"top": "x.png"}}, "unknown view"),
        ({"model": None, "weights": "nowhere", "prompt": "a mug"}, "take no prompt"),
        ({"weights": "nowhere", "asset": AssetOptions(height_mm=50.0)}, "bare meshes"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, photo: Path, model: str, options: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        image_to_files(photo, tmp_path / "a.glb", **{"model": model, **QUICK, **options})
    assert not (tmp_path / "a.glb").exists()

import shutil
from pathlib import Path

import pytest

from gen3d.api.examine import examine
from gen3d.api.models import EMBEDDED, load
from gen3d.errors import ModelError


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EMBEDDED["mini"], tmp_path / "model"))


def test_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"unknown model 'maxi'.*mini"):
        load("maxi")


def test_folder_loads_like_a_name(tmp_path: Path) -> None:
    assert load(str(copied(tmp_path)), device="cpu").fingerprint == load("mini").fingerprint


@pytest.mark.parametrize("name", ["vae.safetensors", "dit.safetensors", "model.json"])
def test_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = copied(tmp_path)
    (folder / name).unlink()
    with pytest.raises((ModelError, ValueError), match=name):
        load(str(folder))


@pytest.mark.parametrize("name", ["vae.safetensors", "dit.safetensors", "model.json"])
def test_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    folder = copied(tmp_path)
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match=name):
        load(str(folder))


def test_doctor_finds_the_core_in_order() -> None:
    states = {check.name: check.state for check in examine()}
    for name in ("python", "torch", "text encoder", "model mini"):
        assert states[name] == "ok"

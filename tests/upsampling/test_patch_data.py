"""Folders of patches, and where their surfaces come from."""

import json
from pathlib import Path

import numpy as np
import pytest

from gen3d.errors import FormatError, InputError, ModelError
from gen3d.upsampling.hdf5_patches import read_hdf5_patches
from gen3d.upsampling.patch_cutting import CuttingConfig
from gen3d.upsampling.patch_data import PatchSet, PatchSetConfig, build_patch_set
from gen3d.upsampling.patch_shapes import ShapesConfig

CUTTING = CuttingConfig(
    dense_points=64, candidates=2, clouds=1, patches=2, patch_points=24, noise=0.01
)


def config(**shapes: object) -> PatchSetConfig:
    source = ShapesConfig.model_validate(shapes)
    return PatchSetConfig(shapes=source, cutting=CUTTING, workers=1)


def test_procedural_folder_is_made_once_and_opened_again(tmp_path: Path) -> None:
    wanted = config(procedural={"per_category": 1, "categories": ["mug", "bowl"]})
    made = build_patch_set(wanted, tmp_path / "set")
    assert len(made) == 4 and made.start.shape == (4, 24, 3)
    assert made.normals is not None
    lengths = np.linalg.norm(made.normals.astype(np.float32), axis=-1)
    assert lengths == pytest.approx(np.ones((4, 24)), abs=1e-2)
    stamp = (tmp_path / "set" / "start.npy").stat().st_mtime_ns
    again = build_patch_set(wanted.model_copy(update={"workers": 2}), tmp_path / "set")
    assert (tmp_path / "set" / "start.npy").stat().st_mtime_ns == stamp
    assert (again.start == made.start).all()
    assert {p.suffix for p in (tmp_path / "set").iterdir()} == {".npy", ".json"}


def test_folder_of_meshes_gives_patches(tmp_path: Path) -> None:
    (tmp_path / "tetra.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    )
    made = build_patch_set(config(meshes={"path": tmp_path}), tmp_path / "set")
    assert len(made) == 2 and made.normals is not None
    meta = json.loads((tmp_path / "set" / "meta.json").read_text())
    assert meta["rows"] == 2


def test_incomplete_folder_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no patch set"):
        PatchSet.open(tmp_path)


def test_wrong_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown categories"):
        build_patch_set(config(procedural={"categories": ["unicorn"]}), tmp_path / "a")
    with pytest.raises(ValueError, match="one source"):
        ShapesConfig()
    with pytest.raises(ValueError, match="one source"):
        PatchSetConfig()


def test_hdf5_layout_of_the_public_sets_is_read(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((3, 24, 6)).astype(np.float32)
    with h5py.File(tmp_path / "patches.h5", "w") as file:
        file["poisson_256"], file["poisson_1024"] = dense[:, :6], dense
    sparse, read = read_hdf5_patches(tmp_path / "patches.h5")
    assert sparse.shape == (3, 6, 3) and (read == dense[..., :3]).all()
    wanted = PatchSetConfig(hdf5=tmp_path / "patches.h5", cutting=CUTTING, limit=2)
    made = build_patch_set(wanted, tmp_path / "set")
    assert len(made) == 2 and made.normals is None
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["poisson_256"] = dense
    with pytest.raises(FormatError, match="poisson_1024"):
        read_hdf5_patches(tmp_path / "other.h5")


def test_damaged_or_missing_hdf5_file_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    (tmp_path / "bad.h5").write_bytes(b"no such thing")
    with pytest.raises(FormatError):
        read_hdf5_patches(tmp_path / "bad.h5")
    with pytest.raises(InputError, match="no file"):
        read_hdf5_patches(tmp_path / "none.h5")

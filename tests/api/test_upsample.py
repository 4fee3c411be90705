import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

from gen3d.api.upsample import load_upsample_pipeline, upsample, upsample_to_file
from gen3d.errors import InputError, ModelError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io import load, read_record, save
from gen3d.upsampling.checkpoints import save_upsampler
from gen3d.upsampling.config import LocalConfig, RINConfig
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.rin import RIN


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network of some thousand parameters."""
    torch.manual_seed(0)
    local = LocalConfig(neighbours=6, width=8, scales=(6,))
    config = RINConfig(
        width=16, heads=2, latents=4, blocks=1, computes=1, global_count=4, local=local
    )
    path = tmp_path_factory.mktemp("upsampler") / "tiny.safetensors"
    save_upsampler(RIN(config), path)
    return path


def ball(n: int) -> np.ndarray:
    directions = np.random.default_rng(0).normal(size=(n, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def test_file_becomes_a_dense_file_with_its_record(tmp_path: Path, tiny_model: Path) -> None:
    source, out = tmp_path / "scan.ply", tmp_path / "dense.ply"
    save(PointCloud(ball(120)), source)
    run = upsample_to_file(source, out, 2.5, model=tiny_model, seed=3)
    dense = load(out)
    assert isinstance(dense, PointCloud)
    assert len(dense) == 300
    record = read_record(out)
    assert record is not None
    assert record["task"] == "upsample"
    assert record["source"]["file"] == "scan.ply"
    assert list(record["files"]) == ["tiny.safetensors"]
    figures = run.figures()
    assert figures["points_out"] == 300
    assert figures["seed"] == 3
    assert "120 -> 300 points" in run.summary(stages=True)[0]


def test_equal_seeds_give_equal_files(tmp_path: Path, tiny_model: Path) -> None:
    source = tmp_path / "scan.ply"
    save(PointCloud(ball(100)), source)
    options = UpsampleOptions(noise=0.02)
    for name in ("a", "b"):
        out = tmp_path / f"{name}.ply"
        upsample_to_file(source, out, 2, model=tiny_model, seed=1, options=options)
    assert (tmp_path / "a.ply").read_bytes() == (tmp_path / "b.ply").read_bytes()


@pytest.mark.parametrize("mode", ["ours", "reference"])
@pytest.mark.parametrize("steps", [1, 3])
def test_positions_can_be_given_bare(tiny_model: Path, mode: str, steps: int) -> None:
    options = UpsampleOptions(mode=mode)  # pyright: ignore[reportArgumentType]
    made = upsample(ball(60) + 1e6, 4, model=tiny_model, steps=steps, seed=0, options=options)
    assert made.cloud.positions.shape == (240, 3)
    assert made.report.steps == steps
    assert np.abs(made.cloud.positions - 1e6).max() < 20


def test_vertices_of_a_mesh_are_taken_and_that_is_said(tmp_path: Path) -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    save(Mesh(corners, faces), tmp_path / "mesh.ply")
    run = upsample_to_file(tmp_path / "mesh.ply", tmp_path / "out.ply", 2, model="midpoint")
    assert "holds a mesh: its 4 vertices were taken" in run.warnings[0]
    assert run.report.points_out == 8


def test_unknown_models_are_refused() -> None:
    with pytest.raises(ModelError):
        load_upsample_pipeline("no-such-model")


@pytest.mark.parametrize("rate", [0.0, 1.0, 100.0, float("nan")])
def test_rates_are_checked_before_the_model_is_read(rate: float) -> None:
    with pytest.raises(InputError, match="rate must be more than 1"):
        upsample(ball(10), rate, model="no-such-model")


def test_nothing_is_written_when_the_input_is_bad(tmp_path: Path) -> None:
    (tmp_path / "bad.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 3\nend_header\n")
    with pytest.raises(ValueError, match=r"bad\.ply"):
        upsample_to_file(tmp_path / "bad.ply", tmp_path / "out.ply", 4, model="midpoint")
    assert not (tmp_path / "out.ply").exists()


def test_a_network_that_was_not_shipped_says_what_to_do(monkeypatch, tmp_path) -> None:
    # By import: gen3d.api has a function of the module's name.
    module = importlib.import_module("gen3d.api.upsample")
    monkeypatch.setattr(module, "shipped_path", lambda: tmp_path / "none.safetensors")
    with pytest.raises(ModelError, match="does not come with this version"):
        load_upsample_pipeline()

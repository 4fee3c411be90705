import numpy as np
import pytest
import torch

from gen3d.errors import InputError
from gen3d.geometry.bake import texels_of
from gen3d.geometry.printing import check_print
from gen3d.geometry.topology import is_watertight
from gen3d.io import load_mesh
from gen3d.vecset import texture
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.extract import shape_colours
from gen3d.vecset.pipeline import VecsetPipeline
from tests.vecset.ball_model import ball_field, make_ball_pipeline


@pytest.fixture
def pipeline(tiny_vae, tiny_dit, monkeypatch) -> VecsetPipeline:
    monkeypatch.setattr("gen3d.vecset.extract.shape_field", ball_field)
    monkeypatch.setattr(texture, "TEXTURED_FACES", 800)
    return make_ball_pipeline(tiny_vae, tiny_dit)


def test_textured_shape_is_small_closed_and_coloured_by_the_network(pipeline):
    made = pipeline.text_to_3d("a ball", seed=1, asset=AssetOptions(texture=256))
    mesh = made.mesh
    assert len(mesh.faces) == made.report.faces == 800 and made.report.faces_asked is None
    assert is_watertight(mesh) and made.report.watertight
    assert np.ptp(mesh.bounds, axis=0).max() == pytest.approx(1)
    assert "texture" in made.timings_s
    latents = pipeline.sample_latents(["a ball"], [1], steps=3, guidance=pipeline.sampling.guidance)
    colours = shape_colours(
        pipeline.vae, pipeline.vae.decode(latents / pipeline.vae.config.scale_factor)
    )
    texels = texels_of(mesh, 256)
    # The ball is centred in the network's cube: its size is all that changed.
    places = texels.blend(mesh.corners, texels.covered)
    radius = 0.6 + float(latents.mean()) / 10 / pipeline.vae.config.scale_factor
    expected = colours(torch.from_numpy(2 * radius * places)).numpy()
    assert mesh.material is not None and mesh.material.base_color is not None
    found = mesh.material.base_color[texels.covered] / 255
    error = np.abs(found - expected)
    # A random network changes from texel to texel, which blended ones cannot follow.
    assert np.quantile(error, 0.99) < 0.03 and error.mean() < 0.01


def test_same_seed_gives_the_same_texture_and_files(pipeline, tmp_path):
    asset = AssetOptions(texture=256, normal_map=True, lod=1, height_mm=120, compress="quantize")
    for name in ("a", "b"):
        pipeline.text_to_3d("a red ball", seed=1, asset=asset).save(tmp_path / f"{name}.glb")
    for name in ("{}.glb", "{}_lod1.glb"):
        first, second = (tmp_path / name.format(x) for x in "ab")
        assert first.read_bytes() == second.read_bytes()
    full, coarse = load_mesh(tmp_path / "a.glb"), load_mesh(tmp_path / "a_lod1.glb")
    assert np.ptp(full.bounds[:, 1]) == pytest.approx(0.12, rel=1e-4)
    assert len(coarse.faces) == 400
    assert np.ptp(coarse.bounds[:, 1]) == pytest.approx(0.12, rel=0.05)


def test_face_budget_and_material_words_reach_the_asset(pipeline):
    asset = AssetOptions(texture=256)
    made = pipeline.text_to_3d("a shiny gold ball", seed=1, faces=300, asset=asset)
    assert len(made.mesh.faces) == 300 == made.report.faces_asked
    assert made.mesh.material is not None
    assert (made.mesh.material.roughness, made.mesh.material.metallic) == (0.15, 1.0)
    plain = pipeline.text_to_3d("a matte ball", seed=1).mesh
    assert plain.material is not None
    assert plain.material.roughness == 0.9 and not plain.material.textured


def test_flat_base_and_height_check_the_print(pipeline):
    round_one = pipeline.text_to_3d("a ball", seed=1, asset=AssetOptions(height_mm=50))
    assert any("--flat-base" in line for line in round_one.warnings)
    asset = AssetOptions(height_mm=50, flat_base=True)
    standing = pipeline.text_to_3d("a ball", seed=1, asset=asset)
    report = check_print(standing.mesh, height_mm=50)
    assert report.base_share > 0.01 and report.watertight
    assert standing.record["asset"]["flat_base"] is True


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        (AssetOptions(texture=1000), "256, 512, 1024"),
        (AssetOptions(normal_map=True), "part of a texture"),
        (AssetOptions(height_mm=0), "height_mm must be positive"),
        (AssetOptions(lod=7), "levels of detail"),
        (AssetOptions(compress="draco"), "compress must be one of"),  # type: ignore[arg-type]
    ],
)
def test_options_out_of_range_are_refused_before_any_work(pipeline, asset, message):
    with pytest.raises(InputError, match=message):
        pipeline.text_to_3d("a ball", asset=asset)


def test_more_faces_than_can_be_unwrapped_are_refused(pipeline):
    with pytest.raises(InputError, match="at most 50000 faces"):
        pipeline.text_to_3d("a ball", faces=60_000, asset=AssetOptions(texture=256))

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from gen3d.api.models import EMBEDDED
from gen3d.bench import decode, decode_exact
from gen3d.bench.decode_exact import compare, sphere_error_cells, vertex_difference
from gen3d.bench.decode_keys import occupied
from gen3d.bench.decode_lightning import equal_time_gain, grid_rows
from gen3d.bench.decode_speed import TimedField, memory_row
from gen3d.bench.fields import sphere, torus
from gen3d.bench.kernel import executed_flop, random_decoder
from gen3d.bench.report import Report, machine_name
from gen3d.bench.rows import Rows, table_of
from gen3d.cli.main import app
from gen3d.data.procedural.dataset import ProceduralDataConfig, build_shape_set
from gen3d.errors import EmptySurfaceError
from gen3d.ops.backend import native_available
from gen3d.runtime.progress import NullProgress
from gen3d.vecset.checkpoints import VAE_FILE
from gen3d.vecset.config import QueryDecoderConfig, VAEConfig
from gen3d.vecset.decode import PointField, decode_field
from gen3d.vecset.lightning import query_macs
from gen3d.vecset.pipeline import VecsetPipeline, load_vae

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")


def test_decode_bench_measures_all_figures_and_resumes(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(decode, "memory_row", lambda *_: {"peak_gb": 0.5})
    monkeypatch.setattr(decode_exact, "PUBLISHED", {"sphere": sphere})
    monkeypatch.setattr(decode_exact, "THIN", {})
    monkeypatch.setattr(VecsetPipeline, "categories", ("chair", "mug"))

    def run():
        return decode.bench_decode(
            shapes=1,
            fine_shapes=1,
            timed=1,
            selected=1,
            missed_at=(64,),
            ratio_at=(64,),
            timed_at=24,
            mini_at=32,
            fine_at=40,
            kernel_seconds=0,
            lightning=EMBEDDED["mini"] / VAE_FILE,
            grids_at=(16, 24),
            grid_shapes=1,
            cache=tmp_path,
            device="cpu",
        )

    report = run()
    figures = report.figures
    assert figures["missed_cells"] == figures["missed_cell_fraction_mini"] == 0
    assert figures["mesh_vertex_difference"] == 0
    assert figures["sphere_radius_error_cells"] < 0.1
    assert {"query_ratio_vs_flashvdm_64", "speedup_vs_dense", "flop_saved_mean_16"} <= set(figures)
    assert figures["flop_saved_mass_32"] < figures["flop_saved_mass_16"]
    assert figures["iou_lost_lightning"] == figures["flop_saved_lightning"] == 0
    assert "lightning_equal_time_gain" in figures
    assert run().figures == figures


def test_field_without_a_surface_is_an_error_of_the_comparison() -> None:
    with pytest.raises(EmptySurfaceError):
        compare(PointField(lambda p: sphere(p) - 5), 16, (-1.0, 1.0), "cpu")


def test_vertices_of_common_cells_are_compared() -> None:
    whole = decode_field(PointField(torus), 24, mode="dense")
    part = replace(whole, cells=whole.cells[9:], corner_values=whole.corner_values[9:])
    moved = decode_field(PointField(lambda p: torus(p) * (1 + p[:, 0] / 9)), 24, mode="dense")
    assert vertex_difference(whole, part) == 0
    assert 0 < vertex_difference(whole, moved) < 2 / 24


def test_sphere_has_its_radius() -> None:
    assert sphere_error_cells(32) < 0.1


def test_inside_is_filled_between_the_crossed_cells() -> None:
    field = PointField(torus)
    found = occupied(decode_field(field, 31))
    axis = torch.linspace(-1, 1, 32)
    points = torch.cartesian_prod(axis, axis, axis)
    assert torch.equal(found.flatten(), field(points) > 0)


def test_timed_field_counts_queries() -> None:
    timed = TimedField(PointField(sphere))
    found = decode_field(timed, 20)
    assert timed.queries == found.report.evaluations == 21**3
    assert timed.seconds > 0


@needs_native
def test_kernel_does_what_folding_leaves() -> None:
    width, tokens = 32, 5
    for post, project in ((True, False), (False, True)):
        config = VAEConfig(
            num_latents=tokens,
            width=width,
            geometry=QueryDecoderConfig(
                width=width, heads=2, mlp_ratio=1, ln_post=post, project_latents=project
            ),
        )
        decoder, shape, plain = random_decoder(config, torch.float32)
        parts = executed_flop(decoder, shape)
        features = decoder.embed.shape[1]
        assert parts["embedding"] == 2 * width * (features + 1)
        mlp = 2 * width * width if post else width * width + width
        assert parts["MLP and head"] == 2 * (mlp + width)
        assert plain == 2 * query_macs(config)


@pytest.mark.slow
def test_memory_of_a_decode_includes_torch() -> None:
    row = memory_row("mini", torch.randn(48, 16), 32)
    assert 0.05 < row["torch_import_gb"] < row["peak_gb"] < 4


def test_rows_are_measured_once(tmp_path) -> None:
    counts = iter(range(9))

    def take(name: str, settings: object):
        return Rows(tmp_path).get(name, settings, lambda: {"n": float(next(counts))})["n"]

    assert [take("a", 1), take("a", 1), take("a", [1, "x"]), take("b", 1)] == [0, 0, 1, 2]


def test_tables_have_a_column_per_figure() -> None:
    title, head, body = table_of("t", {"one": {"a": 1.0}, "two": {"b": 0.25}})
    assert (title, head) == ("t", ("", "a", "b"))
    assert body == [["one", "1", ""], ["two", "", "0.25"]]


def test_lightning_file_must_exist() -> None:
    result = CliRunner().invoke(app, ["bench", "decode", "--lightning", "nowhere.safetensors"])
    assert result.exit_code == 2


def test_report_in_markdown() -> None:
    report = Report({"speed": 2.0}, [("times", ("", "s"), [["a", "1"]])], {"on": "a machine"})
    assert report.markdown().split("\n\n") == [
        "- on: a machine",
        "**Figures**",
        "| key | value |\n| --- | ---: |\n| `speed` | 2 |",
        "**times**",
        "|  | s |\n| --- | ---: |\n| a | 1 |\n",
    ]
    assert machine_name().endswith("cores")


def test_a_narrow_decoder_must_beat_the_best_grid_of_equal_time() -> None:
    full = {"32": {"iou": 0.8, "decode_s": 1.0}, "64": {"iou": 0.9, "decode_s": 4.0}}
    narrow = {"32": {"iou": 0.7, "decode_s": 0.5}, "64": {"iou": 0.85, "decode_s": 2.0}}
    assert equal_time_gain(full, narrow) == pytest.approx(0.05)
    assert equal_time_gain(full, {"64": {"iou": 0.85, "decode_s": 5.0}}) == pytest.approx(-0.05)


def test_a_grid_of_a_true_shape_gains_with_resolution(tmp_path: Path) -> None:
    vae = load_vae(EMBEDDED["mini"] / VAE_FILE)
    settings = {"split": "val", "per_category": 1, "categories": ["mug", "table"]}
    data = ProceduralDataConfig.model_validate(settings)
    rows = grid_rows(vae, build_shape_set(data, tmp_path, NullProgress()), (12, 48))
    assert 0.3 < rows["12"]["iou"] < rows["48"]["iou"] <= 1

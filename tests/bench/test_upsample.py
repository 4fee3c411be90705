from pathlib import Path

import numpy as np
import pytest
import torch

from gen3d.bench.upsample import UpsampleSizes, bench_upsample
from gen3d.bench.upsample_quality import anchor_error, headroom, measure
from gen3d.bench.upsample_room import Boxes, furnished_room, room_row, scan
from gen3d.bench.upsample_sets import fibonacci_sphere, mesh_set
from gen3d.bench.upsample_speed import seam_row
from gen3d.errors import InputError
from gen3d.geometry.mesh import Mesh
from gen3d.io import save
from gen3d.upsampling.checkpoints import save_upsampler
from gen3d.upsampling.config import LocalConfig, RINConfig
from gen3d.upsampling.options import UpsampleOptions
from gen3d.upsampling.pipeline import UpsamplePipeline
from gen3d.upsampling.rin import RIN

MIDPOINT = UpsamplePipeline(None, name="midpoint")


@pytest.fixture
def surfaces(tmp_path: Path) -> Path:
    """A folder with one tetrahedron."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    (tmp_path / "surfaces").mkdir()
    save(Mesh(corners, faces), tmp_path / "surfaces" / "tetrahedron.ply")
    return tmp_path / "surfaces"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    local = LocalConfig(neighbours=6, width=8, scales=(6,))
    config = RINConfig(
        width=16, heads=2, latents=4, blocks=1, computes=1, global_count=4, local=local
    )
    save_upsampler(RIN(config), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def test_all_figures_are_there_and_a_second_run_reads_them(
    surfaces: Path, model: Path, tmp_path: Path
) -> None:
    sizes = UpsampleSizes(points=48, rates=(2,), room=400, big=0, seams=600, tile=200, cold=False)
    settings = {"surfaces": surfaces, "categories": ("mug",), "sizes": sizes, "device": "cpu"}
    parts = ("surfaces", "noise", "room", "speed")
    first = bench_upsample(str(model), cache=tmp_path / "rows", parts=parts, **settings)
    for key in (
        "cd_headroom",
        "hd_ratio",
        "p2f_ratio",
        "p2f_noise_ratio",
        "two_steps_over_six",
        "speedup_vs_reference_merge",
        "worst_over_reference",
        "schedule_cd_gain",
        "manifold_hd_gain",
        "bridge_rate",
        "seam_density_jump",
    ):
        assert np.isfinite(first.figures[key])
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "rows").rglob("*.json")}
    again = bench_upsample(str(model), cache=tmp_path / "rows", parts=parts, **settings)
    assert again.figures == first.figures
    assert stamps == {p: p.stat().st_mtime_ns for p in (tmp_path / "rows").rglob("*.json")}


def test_unknown_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown part 'colour'"):
        bench_upsample("midpoint", parts=("colour",), cache=tmp_path)


def test_equal_clouds_on_their_surface_measure_zero(surfaces: Path) -> None:
    made = mesh_set(surfaces / "tetrahedron.ply", 60, 2, 0.0)
    row = measure(made.truth, made.truth, made.mesh)
    assert row["cd"] == row["hd"] == 0
    assert row["p2f"] < 1e-3


def test_noise_moves_the_input_by_its_size(surfaces: Path) -> None:
    made = mesh_set(surfaces / "tetrahedron.ply", 400, 2, 0.01)
    assert 4 < measure(made.sparse, made.truth, made.mesh)["p2f"] < 10


def test_headroom_is_one_at_the_floor_and_zero_at_interpolation() -> None:
    rows = {"midpoint": {"cd": 3.0}, "floor": {"cd": 1.0}, "half": {"cd": 2.0}}
    assert headroom(rows, "midpoint") == 0
    assert headroom(rows, "half") == 0.5
    assert headroom(rows, "floor") == 1


def test_anchor_error_is_relative() -> None:
    rows = {
        "input": {"cd": 6.3366, "hd": 1.8132, "p2f": 0.0},
        "midpoint": {"cd": 2.5408 * 1.01, "hd": 0.7305, "p2f": 0.7768},
        "projected": {"cd": 2.5334, "hd": 0.7297, "p2f": 0.0},
    }
    assert anchor_error(rows) == pytest.approx(0.01)


def test_sphere_is_even() -> None:
    points = fibonacci_sphere(500)
    assert np.abs(np.linalg.norm(points, axis=1) - 1).max() < 1e-12
    assert np.abs(points.mean(axis=0)).max() < 1e-2


def test_scanners_see_surfaces_and_not_through_them() -> None:
    box = Boxes(np.array([[-1.0, -1, -1]]), np.array([[1.0, 1, 1]]))
    rays = np.array([[1.0, 1e-9, 1e-9], [-1.0, 1e-9, 1e-9]])
    far = box.first_hits(np.array([-3.0, 0, 0]), rays)
    assert far[0] == pytest.approx(2)
    assert np.isinf(far[1])
    assert box.distance(np.array([[3.0, 0, 0], [0.5, 0, 0]])) == pytest.approx([2, 0.5])
    room = furnished_room()
    assert room.distance(scan(room, 500, noise_mm=0)).max() < 1e-9


def test_wide_edges_bridge_and_limited_ones_do_not() -> None:
    limited, free = (
        room_row(MIDPOINT, 2000, 2.0, UpsampleOptions(max_edge=edge)) for edge in (1.5, None)
    )
    assert limited["bridge_rate"] < free["bridge_rate"]


def test_density_goes_on_over_seams() -> None:
    row = seam_row(MIDPOINT, 1500, 500, 2.0)
    assert row["tiles"] == 4
    assert row["density_jump"] < 0.2

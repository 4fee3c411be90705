import pytest
import torch

from gen3d.bench import points
from gen3d.errors import MissingDependencyError
from gen3d.ops.backend import native_available


@pytest.mark.skipif(not native_available(), reason="native module not built")
def test_rows_and_ratios_of_a_small_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy")
    monkeypatch.setattr(points, "_CLOUDS", 1)
    monkeypatch.setattr(points, "_MATCHED", 64)
    report = points.bench_points(samples=200, seconds=0.001)
    assert set(report.figures) == {
        "fps_speedup",
        "fps_equal",
        "knn_speedup_vs_ckdtree",
        "chamfer_speedup_vs_ckdtree",
        "auction_speedup_vs_scipy",
    }
    assert report.figures["fps_equal"] == 1
    ((_, head, rows),) = report.tables
    assert len(rows) == 5
    assert all(float(row[head.index("s")]) > 0 for row in rows)


@pytest.mark.skipif(not native_available(), reason="native module not built")
def test_without_scipy_its_rows_are_left_out_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(points.importlib, "import_module", missing)
    notes: dict[str, str] = {}
    rows = points._neighbours(100, 0.001, notes)
    assert "speedup" not in rows["nearest neighbours"]
    assert "left out" in notes["scipy"]


def test_without_kernels_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEN3D_BACKEND", "reference")
    with pytest.raises(MissingDependencyError, match="nothing to measure"):
        points.bench_points(samples=10)


def test_torus_has_its_radii() -> None:
    cloud = points.noisy_torus(2000)
    ring = cloud[:, :2].norm(dim=1) - 0.7
    tube = torch.hypot(ring, cloud[:, 2])
    assert (tube - 0.25).abs().max() < 6e-3

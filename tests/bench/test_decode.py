import pytest

from gen3d.bench.decode import bench_decode


@pytest.mark.slow
def test_decode_bench_misses_nothing_on_analytic_fields() -> None:
    report = bench_decode(resolution=64, device="cpu")
    assert report.figures["missed_cells"] == 0
    assert report.figures["sphere_radius_error_cells"] < 0.1

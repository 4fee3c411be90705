import pytest

from gen3d.bench.decode import bench_decode


@pytest.mark.slow
def test_decode_bench_measures_all_figures_and_resumes(tmp_path) -> None:
    def run():
        return bench_decode(
            shapes=1,
            timed=1,
            missed_at=(64,),
            ratio_at=(64, 128),
            timed_at=32,
            mini_at=32,
            cache=tmp_path,
            device="cpu",
        )

    figures = run().figures
    assert figures["missed_cells"] == 0
    assert figures["missed_cell_fraction_mini"] == 0
    assert figures["sphere_radius_error_cells"] < 0.1
    assert 0 < figures["peak_gb"] < 4
    assert run().figures == figures

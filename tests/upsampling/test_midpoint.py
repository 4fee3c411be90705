from types import ModuleType

import pytest
import torch

from gen3d.errors import InputError
from gen3d.ops.points import chamfer
from gen3d.upsampling.midpoint import midpoint_interpolate, point_spacing, stage_rates


def halved(found) -> tuple[float, float]:
    """Half-sums of squared distances: CD x 1e4 and HD x 1e3."""
    there, back = found.a_to_b.double(), found.b_to_a.double()
    cd = (there.mean() + back.mean()) / 2 * 1e4
    return float(cd), float((there.max() + back.max()) / 2 * 1e3)


def test_published_figures_of_the_sphere_are_met(clouds: ModuleType) -> None:
    sparse, dense = clouds.fibonacci_sphere(2048), clouds.fibonacci_sphere(8192).float()
    made = midpoint_interpolate(sparse.float(), 8192)
    assert halved(chamfer(sparse.float(), dense)) == pytest.approx((6.3366, 1.8132), rel=1e-3)
    assert halved(chamfer(made, dense)) == pytest.approx((2.5408, 0.7305), rel=1e-3)
    radii = made.double().norm(dim=1)
    assert float((1 - radii).abs().mean()) * 1e3 == pytest.approx(0.7768, rel=1e-3)
    on_sphere = (made.double() / radii[:, None]).float()
    assert halved(chamfer(on_sphere, dense)) == pytest.approx((2.5334, 0.7297), rel=1e-3)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 60])
@pytest.mark.parametrize("rate", [1.5, 2, 3.7, 11])
def test_count_is_exact_at_any_rate(n: int, rate: float) -> None:
    points = torch.randn(n, 3, generator=torch.Generator().manual_seed(n))
    made = midpoint_interpolate(points, round(n * rate))
    assert made.shape == (round(n * rate), 3)
    assert bool(made.isfinite().all())
    if n > 1:
        assert len(made.unique(dim=0)) == len(made)


def test_equal_points_are_repeated() -> None:
    made = midpoint_interpolate(torch.ones(5, 3), 12)
    assert torch.equal(made, torch.ones(12, 3))


def test_points_in_a_row_stay_in_the_row() -> None:
    row = torch.zeros(9, 3)
    row[:, 0] = torch.arange(9.0)
    made = midpoint_interpolate(row, 40)
    assert len(made.unique(dim=0)) == 40
    assert float(made[:, 1:].abs().max()) == 0


def test_gaps_stay_gaps_when_edges_are_limited(clouds: ModuleType) -> None:
    left, right = clouds.random_plane(500), clouds.random_plane(500, seed=1)
    right[:, 0] += 1.4
    both = torch.cat([left, right])
    # Alone in the middle of the gap, so that all their neighbours are across.
    lonely = torch.tensor([[1.2, 0.3, 0], [1.2, 0.7, 0]])
    free = midpoint_interpolate(torch.cat([both, lonely]), 2500)
    limited = midpoint_interpolate(torch.cat([both, lonely]), 2500, max_edge=2.5)

    def in_gap(made: torch.Tensor) -> int:
        x = made[:, 0]
        return int((((x > 1.05) & (x < 1.15)) | ((x > 1.25) & (x < 1.35))).sum())

    assert in_gap(free) > 0
    assert in_gap(limited) == 0


def test_twice_the_size_gives_twice_the_result(clouds: ModuleType) -> None:
    points = clouds.random_plane(64)
    assert torch.equal(midpoint_interpolate(2 * points, 200), 2 * midpoint_interpolate(points, 200))


def test_nothing_cannot_be_interpolated() -> None:
    with pytest.raises(InputError, match="0 points to 4"):
        midpoint_interpolate(torch.zeros(0, 3), 4)


def test_spacing_of_a_grid_is_its_step() -> None:
    steps = torch.arange(16.0)
    grid = torch.stack(torch.meshgrid(steps, steps, torch.zeros(1), indexing="ij"), -1).view(-1, 3)
    assert float(point_spacing(grid).median()) == pytest.approx(1.0)


@pytest.mark.parametrize(("rate", "stages"), [(1.5, 1), (4, 1), (5, 2), (16, 2), (19, 3), (64, 3)])
def test_rates_split_into_equal_stages(rate: float, stages: int) -> None:
    rates = stage_rates(rate)
    assert len(rates) == stages
    assert torch.tensor(rates).prod().item() == pytest.approx(rate)

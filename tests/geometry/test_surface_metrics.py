"""Agreement of surfaces, where it is known."""

import pytest
import torch

from gen3d.errors import InputError
from gen3d.geometry.surface_metrics import compare_surfaces, nearest_points


def plane(width: float, normal: tuple[float, float, float] = (0, 0, 1)) -> torch.Tensor:
    """A sheet [0, width] x [0, 1], points 0.02 apart."""
    x, y = torch.meshgrid(torch.arange(0, width, 0.02), torch.arange(0, 1, 0.02), indexing="ij")
    points = torch.stack([x, y, torch.zeros_like(x)], -1).reshape(-1, 3)
    return torch.cat([points, torch.tensor(normal, dtype=torch.float).expand_as(points)], 1)


def test_equal_surfaces_agree() -> None:
    found = compare_surfaces(plane(1), plane(1), tolerance=0.01)
    assert (found.precision, found.recall, found.fscore) == (1, 1, 1)
    assert found.normal_consistency == pytest.approx(1)


def test_half_a_surface_is_precise_but_misses_half() -> None:
    found = compare_surfaces(plane(0.5), plane(1), tolerance=0.01)
    assert found.precision == 1
    assert found.recall == pytest.approx(0.5)
    assert found.fscore == pytest.approx(2 / 3)


def test_surfaces_farther_than_the_tolerance_do_not_agree() -> None:
    moved = plane(1)
    moved[:, 2] += 0.05
    assert compare_surfaces(moved, plane(1), tolerance=0.04).fscore == 0
    assert compare_surfaces(moved, plane(1), tolerance=0.06).fscore == 1


def test_normals_count_by_their_line() -> None:
    flipped, tilted = plane(1, (0, 0, -1)), plane(1, (0.6, 0, 0.8))
    assert compare_surfaces(flipped, plane(1), tolerance=1).normal_consistency == pytest.approx(1)
    assert compare_surfaces(tilted, plane(1), tolerance=1).normal_consistency == pytest.approx(0.8)


def test_nearest_of_no_points_is_refused() -> None:
    with pytest.raises(InputError):
        nearest_points(torch.zeros(1, 3), torch.zeros(0, 3))

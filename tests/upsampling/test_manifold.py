from types import ModuleType

import pytest
import torch

from gen3d.upsampling.curvature import curvature_weight, surface_variation
from gen3d.upsampling.manifold import (
    limit_drift,
    nearest,
    pull,
    pull_as_published,
    pull_to_nearest,
)
from gen3d.upsampling.surface import fit_quadrics


def test_pull_never_passes_its_target() -> None:
    points, targets = torch.randn(50, 3), torch.randn(50, 3)
    for most in (None, 0.01, 0.5, 100.0):
        moved = pull(points, targets, most=most)
        before, after = (targets - points).norm(dim=1), (targets - moved).norm(dim=1)
        assert bool((after <= before + 1e-6).all())
        if most is not None:
            assert torch.allclose(before - after, before.clamp(max=most), atol=1e-5)


def test_step_to_the_nearest_has_its_length_or_arrives() -> None:
    cloud = torch.tensor([[0.0, 0, 0], [5.0, 0, 0]])
    moved = pull_to_nearest(torch.tensor([[1.0, 0, 0], [5.005, 0, 0]]), cloud, step=0.01)
    assert torch.allclose(moved, torch.tensor([[0.99, 0, 0], [5.0, 0, 0]]), atol=1e-6)


def test_published_step_is_that_of_automatic_differentiation(clouds: ModuleType) -> None:
    """The public code: u - 0.01 g / |g| over the points, g the gradient of mean |q - u|."""
    cloud = clouds.random_plane(60)
    points = (cloud + 0.1 * torch.randn(60, 3)).requires_grad_()
    (nearest(points.detach(), cloud) - points).abs().mean().backward()
    assert points.grad is not None
    gradient = points.grad / points.grad.norm(dim=0, keepdim=True)
    found = pull_as_published(points.detach(), cloud)
    assert float((found - (points.detach() - 0.01 * gradient)).abs().max()) < 1e-7


def test_drift_is_limited_and_small_moves_are_left_alone() -> None:
    start = torch.zeros(2, 3)
    points = torch.tensor([[0.5, 0, 0], [8.0, 0, 0]])
    found = limit_drift(points, start, torch.tensor([1.0, 2.0]))
    assert torch.allclose(found, torch.tensor([[0.5, 0, 0], [2.0, 0, 0]]))


def test_plane_has_no_variation_and_a_ball_the_most(clouds: ModuleType) -> None:
    assert float(surface_variation(clouds.random_plane(80)).max()) < 1e-3
    ball = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    variation = surface_variation(ball)
    assert float(variation.mean()) > 0.08
    assert float(variation.max()) <= 1 / 3 + 1e-6
    assert torch.allclose(curvature_weight(ball, 0.5), 1 + 0.5 * variation)


def test_one_point_has_no_curvature() -> None:
    assert surface_variation(torch.zeros(1, 3)).tolist() == [0]


def test_quadrics_of_a_sphere_bring_chords_back_to_it(clouds: ModuleType) -> None:
    points = clouds.fibonacci_sphere(500).float()
    chords = (points[:-1] + points[1:]) / 2
    near = chords[(chords.norm(dim=1) > 0.98)]
    below = (1 - near.norm(dim=1)).abs().mean()
    left = (1 - fit_quadrics(points).project(near).norm(dim=1)).abs().mean()
    assert float(left) < 0.2 * float(below)


@pytest.mark.parametrize("points", [torch.zeros(1, 3), torch.zeros(30, 3), torch.eye(3)])
def test_degenerate_neighbourhoods_give_finite_surfaces(points: torch.Tensor) -> None:
    found = fit_quadrics(points).project(points + 0.1)
    assert bool(found.isfinite().all())


def test_plane_is_found_exactly(clouds: ModuleType) -> None:
    points = clouds.random_plane(60)
    lifted = points + torch.tensor([0.0, 0, 0.05])
    assert float(fit_quadrics(points).project(lifted)[:, 2].abs().max()) < 1e-4

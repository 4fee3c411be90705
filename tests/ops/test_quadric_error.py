import pytest
import torch
from torch import Tensor

from gen3d.ops.quadric_error import TRUNCATION, fit_planes


def planes(count: int, seed: int, *, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(count, 5, 3, generator=generator, dtype=torch.float64)
    normals = torch.randn(count, 5, 3, generator=generator, dtype=torch.float64)
    normals = normals * spread + torch.tensor([0.0, 0.0, 1.0])
    return points, torch.nn.functional.normalize(normals, dim=-1)


@pytest.mark.parametrize("spread", [1.0, 0.2, 0.02, 0.0])
def test_result_is_the_truncated_least_squares_solution(spread: float) -> None:
    points, normals = planes(300, 0, spread=spread)
    mean = points.mean(1)
    right = (normals * (points - mean[:, None])).sum(-1, keepdim=True)
    want = mean + (torch.linalg.pinv(normals, rtol=TRUNCATION) @ right)[..., 0]
    valid = torch.ones(300, 5, dtype=torch.bool)
    got = fit_planes(points, normals, valid, reach=1e9)
    torch.testing.assert_close(got, want, atol=1e-9, rtol=1e-9)


def test_missing_planes_do_not_count() -> None:
    points, normals = planes(20, 1)
    valid = torch.tensor([True, True, True, False, False]).expand(20, 5)
    want = fit_planes(points[:, :3], normals[:, :3], valid[:, :3], reach=0.0)
    torch.testing.assert_close(fit_planes(points, normals, valid, reach=0.0), want)


def test_error_within_the_cube_is_least() -> None:
    points, normals = planes(200, 2)
    points = points + 0.4 * torch.randn(points.shape, generator=torch.Generator().manual_seed(3))
    found = fit_planes(points, normals, torch.ones(200, 5, dtype=torch.bool), reach=0.1)
    assert found.min() >= -0.1 and found.max() <= 1.1
    # Within it, the result is the truncated solution, which another test checks.
    on_wall = ((found == -0.1) | (found == 1.1)).any(-1)
    assert on_wall.sum() > 50
    others = torch.rand(200, 2000, 3, generator=torch.Generator().manual_seed(4)).double()

    def error(x: Tensor) -> Tensor:
        return ((normals[:, None] * (x[:, :, None] - points[:, None])).sum(-1) ** 2).sum(-1)

    better = error(found[:, None])[:, 0] <= error(1.2 * others - 0.1).amin(1) + 1e-3
    assert better[on_wall].all()


def test_planes_without_normals_give_their_mean() -> None:
    points, normals = planes(4, 5)
    valid = torch.ones(4, 5, dtype=torch.bool)
    got = fit_planes(points, torch.zeros_like(normals), valid, reach=0.0)
    torch.testing.assert_close(got, points.mean(1))

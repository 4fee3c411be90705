"""The CUDA twins of the searches among points against the CPU's."""

import pytest
import torch
from torch import Tensor

from gen3d.ops import points as ops
from gen3d.ops import points_cuda
from gen3d.ops.backend import cuda_native_available, why_not

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not cuda_native_available(), reason=why_not("cuda") or "no CUDA module"),
]


def cloud(kind: str) -> Tensor:
    generator = torch.Generator().manual_seed(len(kind))
    points = torch.rand(2, 3000, 3, generator=generator) * 2 - 1
    if kind == "ties":
        return (points * 4).round() / 4
    if kind == "same":
        return torch.full((2, 200, 3), 0.3)
    if kind == "far apart":
        points[:, :5] *= 1e4
    if kind == "flat":
        points[..., 2] = 0.5
    return points


KINDS = ["random", "ties", "same", "far apart", "flat"]


def same_on_both(a: object, b: object) -> bool:
    return all(
        torch.equal(x, y.cpu()) for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("one_block", [True, False])
def test_samples_equal_the_cpu(kind: str, one_block: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points_cuda, "_ONE_BLOCK", 1 << 30 if one_block else 0)
    points = cloud(kind)
    want = ops.farthest_point_sample(points, 150, first=7)
    assert torch.equal(ops.farthest_point_sample(points.cuda(), 150, first=7).cpu(), want)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 9, 300])
def test_neighbours_equal_the_cpu(kind: str, k: int) -> None:
    points = cloud(kind)
    queries = torch.cat([points[:, :100], points[:, :20] * 3 + 5], dim=1)
    on_gpu = ops.knn(queries.cuda(), points.cuda(), k)
    assert same_on_both(ops.knn(queries, points, k), on_gpu)
    on_gpu = ops.knn(points.cuda(), points.cuda(), k, include_self=False)
    assert same_on_both(ops.knn(points, points, k, include_self=False), on_gpu)


@pytest.mark.parametrize("kind", KINDS)
def test_balls_equal_the_cpu(kind: str) -> None:
    points = cloud(kind)
    queries = torch.cat([points[:, :100], points[:, :20] * 3 + 5], dim=1)
    for radius in (0.0, 0.25, 3.0):
        want = ops.ball_query(queries, points, radius, 20)
        got = ops.ball_query(queries.cuda(), points.cuda(), radius, 20)
        assert torch.equal(got.cpu(), want)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("iterations", [2, 50])
def test_auction_equals_the_cpu(kind: str, iterations: int) -> None:
    a = cloud(kind)[:, :200]
    b = a.flip(1) + 0.01
    want = ops.auction_assign(a, b, iterations=iterations)
    got = ops.auction_assign(a.cuda(), b.cuda(), iterations=iterations)
    assert torch.equal(got[0].cpu(), want[0]) and torch.equal(got[1].cpu(), want[1])


def test_chamfer_and_its_gradients_equal_the_cpu() -> None:
    a, b = cloud("random"), cloud("far apart")
    grads = []
    for device in ("cpu", "cuda"):
        left, right = a.to(device).requires_grad_(), b.to(device).requires_grad_()
        found = ops.chamfer(left, right)
        (found.a_to_b.sum() + found.b_to_a.sqrt().sum()).backward()
        assert left.grad is not None and right.grad is not None
        grads.append((left.grad.cpu(), right.grad.cpu(), found.a_indices.cpu()))
    torch.testing.assert_close(grads[0], grads[1])


def test_interpolation_and_elimination_take_points_of_a_gpu() -> None:
    points = cloud("random")[0]
    distances, indices = ops.three_nn(points[:50].cuda(), points.cuda())
    weights = 1 / (distances + 1e-6)
    mixed = ops.three_interpolate(points.cuda(), indices, weights)
    want = ops.three_interpolate(points, indices.cpu(), weights.cpu())
    torch.testing.assert_close(mixed.cpu(), want)
    assert ops.eliminate_samples(points[:500].cuda(), 100).device.type == "cuda"

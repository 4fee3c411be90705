"""The point kernels as torch operators: schemas, fake kernels and derivatives.

Everything is batched here, float32 and contiguous; :mod:`gen3d.ops.points` is the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.ops import points_cuda
from gen3d.ops.backend import native
from gen3d.ops.registration import kernel_for


def require_finite(name: str, values: Tensor) -> None:
    """Refuse NaN and infinity.

    Raises:
        InputError: Says how many of the rows are not finite.
    """
    finite = values.isfinite()
    if not bool(finite.all()):
        bad = int((~finite.flatten(0, -2).all(1)).sum())
        raise InputError(
            f"{name} has {bad} rows with NaN or infinity", hint="remove them before the search"
        )


def _checked(**clouds: Tensor) -> list[Tensor]:
    for name, values in clouds.items():
        require_finite(name, values)
    return [values.contiguous() for values in clouds.values()]


@kernel_for("gen3d::farthest_point_sample", "cpu", "cuda")
def _farthest_point_sample(points: Tensor, count: int, first: int) -> Tensor:
    (points,) = _checked(points=points)
    samples = torch.zeros(len(points), count, dtype=torch.int64, device=points.device)
    if samples.numel() == 0:
        return samples
    if points.device.type == "cuda":
        points_cuda.farthest(points, first, samples)
    else:
        native().points_farthest(points, first, samples, torch.get_num_threads())
    return samples


@torch.library.register_fake("gen3d::farthest_point_sample")
def _(points: Tensor, count: int, first: int) -> Tensor:
    return points.new_empty((points.shape[0], count), dtype=torch.int64)


@kernel_for("gen3d::knn", "cpu", "cuda")
def _knn(queries: Tensor, points: Tensor, k: int, include_self: bool) -> tuple[Tensor, Tensor]:
    queries, points = _checked(queries=queries, points=points)
    shape = (*queries.shape[:2], k)
    distances = torch.empty(shape, device=queries.device)
    indices = torch.empty(shape, dtype=torch.int64, device=queries.device)
    if indices.numel() == 0:
        return distances, indices
    if points.device.type == "cuda":
        points_cuda.nearest(queries, points, not include_self, distances, indices)
    else:
        threads = torch.get_num_threads()
        native().points_nearest(queries, points, not include_self, distances, indices, threads)
    return distances, indices


@torch.library.register_fake("gen3d::knn")
def _(queries: Tensor, points: Tensor, k: int, include_self: bool) -> tuple[Tensor, Tensor]:
    shape = (*queries.shape[:2], k)
    return queries.new_empty(shape), queries.new_empty(shape, dtype=torch.int64)


@kernel_for("gen3d::ball_query", "cpu", "cuda")
def _ball_query(queries: Tensor, points: Tensor, limit: float, k: int) -> Tensor:
    queries, points = _checked(queries=queries, points=points)
    indices = torch.zeros((*queries.shape[:2], k), dtype=torch.int64, device=queries.device)
    if indices.numel() == 0:
        return indices
    if points.device.type == "cuda":
        points_cuda.ball(queries, points, limit, indices)
    else:
        native().points_ball(queries, points, limit, indices, torch.get_num_threads())
    return indices


@torch.library.register_fake("gen3d::ball_query")
def _(queries: Tensor, points: Tensor, limit: float, k: int) -> Tensor:
    return queries.new_empty((*queries.shape[:2], k), dtype=torch.int64)


@kernel_for("gen3d::three_interpolate", "cpu")
def _three_interpolate(features: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
    _check_rows(indices, features.shape[1])
    out = torch.empty(*indices.shape[:2], features.shape[2])
    if out.numel():
        native().points_interpolate(
            *(features.contiguous(), indices.contiguous(), weights.contiguous()),
            *(out, torch.get_num_threads()),
        )
    return out


def _check_rows(indices: Tensor, count: int) -> None:
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < count:
        raise InputError(
            f"indices name features {int(indices.min())} to {int(indices.max())}, "
            f"expected 0 to {count - 1}"
        )


@torch.library.register_fake("gen3d::three_interpolate")
def _(features: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
    return features.new_empty((*indices.shape[:2], features.shape[2]))


@kernel_for("gen3d::three_interpolate_grad", "cpu")
def _three_interpolate_grad(
    features: Tensor, indices: Tensor, weights: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor]:
    grad_features = torch.zeros(features.shape)
    grad_weights = torch.zeros(weights.shape)
    if grad.numel():
        native().points_interpolate_grad(
            *(features.contiguous(), indices.contiguous(), weights.contiguous()),
            *(grad.contiguous(), grad_features, grad_weights, torch.get_num_threads()),
        )
    return grad_features, grad_weights


@torch.library.register_fake("gen3d::three_interpolate_grad")
def _(features: Tensor, indices: Tensor, weights: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    return features.new_empty(features.shape), weights.new_empty(weights.shape)


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _three_interpolate_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    features, indices, weights = ctx.saved_tensors
    grads = torch.ops.gen3d.three_interpolate_grad(features, indices, weights, grad)
    return grads[0], None, grads[1]


torch.library.register_autograd(
    "gen3d::three_interpolate", _three_interpolate_backward, setup_context=_keep_inputs
)


@kernel_for("gen3d::chamfer", "cpu", "cuda")
def _chamfer(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    to_b, a_indices = _knn(a, b, 1, True)
    to_a, b_indices = _knn(b, a, 1, True)
    return to_b[..., 0], to_a[..., 0], a_indices[..., 0], b_indices[..., 0]


@torch.library.register_fake("gen3d::chamfer")
def _(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a_indices = a.new_empty(a.shape[:2], dtype=torch.int64)
    b_indices = b.new_empty(b.shape[:2], dtype=torch.int64)
    return a.new_empty(a.shape[:2]), b.new_empty(b.shape[:2]), a_indices, b_indices


def _chamfer_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.save_for_backward(*inputs, output[2], output[3])
    ctx.mark_non_differentiable(output[2], output[3])


def _chamfer_backward(
    ctx: Any, grad_to_b: Tensor, grad_to_a: Tensor, *_: Tensor
) -> tuple[Tensor, Tensor]:
    """The distance of x to its nearest y pulls both: 2 g (x - y) for x, the opposite for y."""
    a, b, a_indices, b_indices = ctx.saved_tensors
    a_rows = a_indices[..., None].expand(-1, -1, 3)
    b_rows = b_indices[..., None].expand(-1, -1, 3)
    from_a = 2 * grad_to_b[..., None] * (a - b.gather(1, a_rows))
    from_b = 2 * grad_to_a[..., None] * (b - a.gather(1, b_rows))
    return (
        from_a.scatter_add(1, b_rows, -from_b),
        from_b.scatter_add(1, a_rows, -from_a),
    )


torch.library.register_autograd("gen3d::chamfer", _chamfer_backward, setup_context=_chamfer_context)


@kernel_for("gen3d::auction_assign", "cpu", "cuda")
def _auction_assign(
    bidders: Tensor, objects: Tensor, phases: Sequence[float], iterations: int
) -> tuple[Tensor, Tensor]:
    bidders, objects = _checked(bidders=bidders, objects=objects)
    assignment = torch.zeros(bidders.shape[:2], dtype=torch.int64, device=bidders.device)
    matched = torch.zeros(bidders.shape[:2], dtype=torch.bool, device=bidders.device)
    if assignment.numel() == 0:
        return assignment, matched
    eps = torch.tensor(phases, dtype=torch.float32)
    if bidders.device.type == "cuda":
        points_cuda.auction(bidders, objects, eps, iterations, assignment, matched)
    else:
        native().points_auction(
            *(bidders, objects, eps, iterations, assignment, matched, torch.get_num_threads())
        )
    return assignment, matched


@torch.library.register_fake("gen3d::auction_assign")
def _(
    bidders: Tensor, objects: Tensor, phases: Sequence[float], iterations: int
) -> tuple[Tensor, Tensor]:
    shape = bidders.shape[:2]
    return bidders.new_empty(shape, dtype=torch.int64), bidders.new_empty(shape, dtype=torch.bool)


@kernel_for("gen3d::eliminate_samples", "cpu")
def _eliminate_samples(
    points: Tensor, count: int, weights: Tensor, reach: float, floor: float
) -> Tensor:
    (points,) = _checked(points=points)
    kept = torch.empty(count, dtype=torch.int64)
    if count:
        native().points_eliminate(
            points, reach, floor, weights.contiguous(), kept, torch.get_num_threads()
        )
    return kept


@torch.library.register_fake("gen3d::eliminate_samples")
def _(points: Tensor, count: int, weights: Tensor, reach: float, floor: float) -> Tensor:
    return points.new_empty((count,), dtype=torch.int64)

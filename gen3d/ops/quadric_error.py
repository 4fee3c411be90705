"""Points that fit several planes best: the quadric error function of dual contouring.

``E(x) = sum_i (n_i . (x - p_i))^2`` over planes through ``p_i`` with normals ``n_i`` (Ju, Losasso,
Schaefer and Warren 2002, Dual Contouring of Hermite Data): its minimum is the corner or the edge
where the planes meet.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

TRUNCATION = 0.1
"""Singular values below this share of the largest count as zero, as in Ju et al. 2002: planes that
meet at less than 11 degrees are one plane, and noise of normals moves no vertex along the surface.
"""

_PAIRS = ((0, 1, 2), (0, 2, 1), (1, 2, 0))
_SWEEPS = 5
_BLOCK = 1 << 14
_PULL = 1e-4
_DESCENTS = 24


def fit_planes(
    points: Float[Tensor, "n k 3"],
    normals: Float[Tensor, "n k 3"],
    valid: Bool[Tensor, "n k"],
    *,
    reach: float,
) -> Float[Tensor, "n 3"]:
    """Minimise the quadric error of each set of planes within a cube around the unit cube.

    Where planes leave directions open (all but one singular value are small on a flat surface), the
    minimum nearest to the mean of the points is taken. Where it lies outside the cube, the error is
    minimised on the cube instead, which keeps a vertex on the edge that it belongs to; clamping
    would not.

    Args:
        points: A point of each plane, in the coordinates of the cube [0, 1]^3.
        normals: Unit normals; a plane with a zero normal has a say in the mean only.
        valid: Which of the k planes there are; at least one.
        reach: The results lie in [-reach, 1 + reach]^3; negative to stay within the unit cube.

    Returns:
        float64.
    """
    if len(points) == 0:
        return points.new_zeros(0, 3, dtype=torch.float64)
    blocks = zip(points.split(_BLOCK), normals.split(_BLOCK), valid.split(_BLOCK), strict=True)
    return torch.cat([_fit(*block, reach) for block in blocks])


def _fit(points: Tensor, normals: Tensor, valid: Tensor, reach: float) -> Tensor:
    weight = valid[..., None].double()
    points, normals = points.double() * weight, normals.double() * weight
    count = weight.sum(1)
    mean = points.sum(1) / count
    distance = (normals * (points - mean[:, None])).sum(-1, keepdim=True)
    # One tensor per entry: arithmetic on columns of long tensors is several times faster.
    n = [x.contiguous() for x in normals.unbind(-1)]
    matrix = [[(n[i] * n[j]).sum(1) for j in range(3)] for i in range(3)]
    right = list((normals * distance).sum(1).unbind(-1))
    x = torch.stack(_solve_truncated(matrix, right), -1) + mean
    outside = ((x < -reach) | (x > 1 + reach)).any(-1).nonzero().squeeze(1)
    if len(outside):
        rows = torch.stack([torch.stack([e[outside] for e in row], -1) for row in matrix], -2)
        target = torch.stack([e[outside] for e in right], -1)
        x[outside] = _descend(rows, target, mean[outside], x[outside], reach)
    return x


def _solve_truncated(matrix: list[list[Tensor]], right: list[Tensor]) -> list[Tensor]:
    """Apply the truncated pseudo-inverse of symmetric 3 x 3 matrices.

    By cyclic Jacobi rotations (Golub and Van Loan, section 8.5), which turn the right side along;
    the solution is then turned back. LAPACK's eigh is an order slower on many small matrices.
    """
    a = [row[:] for row in matrix]
    b = right[:]
    turns = []
    for _ in range(_SWEEPS):
        for p, q, r in _PAIRS:
            off = a[p][q]
            theta = (a[q][q] - a[p][p]) / (2 * off)
            t = theta.sign() / (theta.abs() + (theta * theta + 1).sqrt())
            # theta is 0 / 0 or infinite where nothing is left to turn; 0 is a turn by 45 degrees.
            t = torch.where(theta == 0, 1.0, t).nan_to_num(0.0)
            c = (t * t + 1).rsqrt()
            s = t * c
            a[p][p], a[q][q] = a[p][p] - t * off, a[q][q] + t * off
            a[p][q] = a[q][p] = torch.zeros_like(off)
            a[r][p], a[r][q] = c * a[r][p] - s * a[r][q], s * a[r][p] + c * a[r][q]
            a[p][r], a[q][r] = a[r][p], a[r][q]
            b[p], b[q] = c * b[p] - s * b[q], s * b[p] + c * b[q]
            turns.append((p, q, c, s))
    values = [a[i][i] for i in range(3)]
    largest = torch.maximum(torch.maximum(values[0], values[1]), values[2])
    # Eigenvalues of the normal equations are squares of singular values.
    least = TRUNCATION**2 * largest
    x = [
        torch.where((v > least) & (v > 0), y / v, torch.zeros_like(y))
        for v, y in zip(values, b, strict=True)
    ]
    for p, q, c, s in reversed(turns):
        x[p], x[q] = c * x[p] + s * x[q], c * x[q] - s * x[p]
    return x


def _descend(
    matrix: Float[Tensor, "n 3 3"],
    right: Float[Tensor, "n 3"],
    mean: Float[Tensor, "n 3"],
    start: Float[Tensor, "n 3"],
    reach: float,
) -> Float[Tensor, "n 3"]:
    """Minimise on the cube by coordinate descent, which converges for convex quadratics on boxes.

    A slight pull to the mean decides where the planes leave a direction open.
    """
    diagonal = matrix.diagonal(dim1=1, dim2=2)
    pull = _PULL * diagonal.sum(-1) + torch.finfo(torch.float64).tiny
    x = start.clamp(-reach, 1 + reach)
    for _ in range(_DESCENTS):
        for i in range(3):
            others = (matrix[:, i] * (x - mean)).sum(-1) - diagonal[:, i] * (x - mean)[:, i]
            best = mean[:, i] + (right[:, i] - others) / (diagonal[:, i] + pull)
            x[:, i] = best.clamp(-reach, 1 + reach)
    return x

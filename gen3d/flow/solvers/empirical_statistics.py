"""Empirical model statistics, the coefficients that DPM-Solver-v3 fits to a model.

Zheng et al. 2023 (arXiv 2310.13268), sections 3.1 and 3.2. In half-log-SNR every flow solves
``dx/dlam = (d log a / dlam) x - b eps``. With a coefficient ``l`` that takes out what is linear in
x, the rest ``f = (b eps - l x) / a`` changes along the flow as ``df/dlam = s f + q`` at best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gen3d.errors import FormatError, InputError
from gen3d.flow.fields import BoundField
from gen3d.runtime.seeds import randn


@dataclass(frozen=True)
class EmpiricalStatistics:
    """``l``, ``s`` and ``q`` (the paper's b) on a grid of half-log-SNR, linear in between.

    Attributes:
        lam: Half-log-SNR of the nodes, rising.
        l: What is linear in x; with ``l = 1, s = 0`` the data, with ``l = 0, s = -1`` the noise is
            taken for constant over a step.
        s: Rate at which f changes with itself.
        q: Rate at which f changes by itself.

    The trailing dimensions broadcast against one sample: none for scalars, (channels,) or (1,
    channels) for sets of tokens. Statistics belong to a model, a path *and a guidance weight*.
    """

    lam: Float64[Tensor, " nodes"]
    l: Float64[Tensor, "nodes ..."]  # noqa: E741 - the paper's name
    s: Float64[Tensor, "nodes ..."]
    q: Float64[Tensor, "nodes ..."]

    def cover(self, lam: float) -> bool:
        """Tell whether a half-log-SNR lies on the grid, up to rounding."""
        slack = 1e-9 * float(self.lam[-1] - self.lam[0])
        return float(self.lam[0]) - slack <= lam <= float(self.lam[-1]) + slack

    def at(self, lam: float | Float64[Tensor, " n"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return l, s and q at one half-log-SNR, or at several along the first dimension."""
        where = torch.as_tensor(lam, dtype=torch.float64)
        left = (torch.searchsorted(self.lam, where, right=True) - 1).clamp(0, len(self.lam) - 2)
        share = (where - self.lam[left]) / (self.lam[left + 1] - self.lam[left])
        share = share.reshape((*where.shape, *(1,) * (self.l.ndim - 1)))
        l, s, q = (torch.lerp(v[left], v[left + 1], share) for v in (self.l, self.s, self.q))  # noqa: E741
        return l, s, q

    def tensors(self) -> dict[str, Tensor]:
        """Return the statistics by name, for a file of tensors."""
        return {"lam": self.lam, "l": self.l, "s": self.s, "q": self.q}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> EmpiricalStatistics:
        """Inverse of ``tensors``.

        Raises:
            FormatError: A name is missing, the shapes disagree, or lam does not rise.
        """
        missing = {"lam", "l", "s", "q"} - set(tensors)
        if missing:
            raise FormatError(f"statistics lack the tensors {sorted(missing)}")
        lam, *rest = (tensors[name].to("cpu", torch.float64) for name in ("lam", "l", "s", "q"))
        shapes = {tuple(values.shape) for values in rest}
        if lam.ndim != 1 or len(lam) < 2 or len(shapes) != 1 or rest[0].shape[:1] != lam.shape:
            raise FormatError(
                f"statistics need lam of shape (nodes,) and l, s, q of shape (nodes, ...), "
                f"got {tuple(lam.shape)} and {sorted(shapes)}"
            )
        if not bool((lam.diff() > 0).all()):
            raise FormatError("the half-log-SNR of the statistics' nodes must rise")
        return cls(lam, *rest)


def estimate_statistics(
    field: BoundField,
    x0: Float[Tensor, "batch ..."],
    generator: torch.Generator,
    *,
    first: float = 0.99,
    last: float = 0.01,
    nodes: int = 121,
    keep: tuple[int, ...] = (-1,),
) -> EmpiricalStatistics:
    """Measure the statistics of a field on data, noised forward with one noise for all nodes.

    Derivatives are central finite differences, so any field will do, guided or not: five
    evaluations of ``x0`` per node. ``l`` is Hutchinson's estimate of the Jacobian's diagonal with
    one probe of signs; ``df/dlam`` is taken along the flow, and ``dl/dlam``, which it needs, from
    the neighbouring nodes.

    Args:
        field: The field, with its guidance and condition.
        x0: Data, (batch, ...) in the field's space; a batch that fits into one evaluation.
        generator: A CPU generator, for the noise and the probe.
        first: Time of the first node; pure noise (lam = -inf) is out of reach.
        last: Time of the last node.
        nodes: Nodes, uniform in half-log-SNR.
        keep: Dimensions with statistics of their own: the channels of sets of tokens, whose
            tokens have no fixed meaning; ``()`` for scalars.

    Raises:
        InputError: Fewer than 3 nodes, or not ``first > last`` within the path.
    """
    path = field.path
    if nodes < 3 or not first > last or path.a(first) == 0 or path.b(last) == 0:
        raise InputError(
            f"statistics need 3 nodes or more from a noisier to a cleaner time inside the path, "
            f"got {nodes} nodes from {first} to {last}"
        )
    lam = torch.linspace(path.lam(first), path.lam(last), nodes, dtype=torch.float64)
    noise = randn(x0.shape, generator).to(x0)
    probe = randn(x0.shape, generator).to(x0).sign()
    probing = _Probing(field, keep)
    with torch.no_grad():
        states = [path.interpolate(x0, noise, path.t_of_lam(v)) for v in lam.tolist()]
        pairs = list(zip(states, lam.tolist(), strict=True))
        linear = torch.stack([probing.linear_part(x, v, probe) for x, v in pairs])
        (slope,) = torch.gradient(linear, spacing=(lam,), dim=0, edge_order=2)
        rates = [probing.rates(x, v, linear[i], slope[i]) for i, (x, v) in enumerate(pairs)]
    s, q = (torch.stack(values) for values in zip(*rates, strict=True))
    return EmpiricalStatistics(lam, linear, s, q)


@dataclass(frozen=True)
class _Probing:
    field: BoundField
    keep: tuple[int, ...]

    def scaled_noise(self, x: Tensor, lam: float) -> Tensor:
        """Return ``b eps`` in float64."""
        t = self.field.path.t_of_lam(lam)
        return x.double() - self.field.path.a(t) * self.field.x0(x, t).double()

    def linear_part(self, x: Tensor, lam: float, probe: Tensor) -> Tensor:
        """Return l, the mean diagonal of ``d (b eps) / dx``."""
        delta = _difference(x)
        ahead, behind = (self.scaled_noise(x + d * probe, lam) for d in (delta, -delta))
        return self._mean(probe.double() * (ahead - behind) / (2 * delta))

    def rates(self, x: Tensor, lam: float, l: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:  # noqa: E741
        """Return s and q: the regression of ``df/dlam`` along the flow on f."""
        path, delta = self.field.path, _difference(x)
        noise = self.scaled_noise(x, lam)
        f = (noise - l * x) / path.a(path.t_of_lam(lam))
        tangent = _log_a_slope(self.field, lam) * x.double() - noise
        near = []
        for d in (delta, -delta):
            moved = (x.double() + d * tangent).to(x.dtype)
            a = path.a(path.t_of_lam(lam + d))
            near.append((self.scaled_noise(moved, lam + d) - (l + d * slope) * moved) / a)
        f1 = (near[0] - near[1]) / (2 * delta)
        mean, mean1 = self._mean(f), self._mean(f1)
        variance = self._mean((f - mean) ** 2)
        # Where f hardly varies (Gaussian data), its variance is rounding, and regresses nothing.
        floor = 1e-8 * self._mean((noise / path.a(path.t_of_lam(lam))) ** 2)
        covariance = self._mean((f - mean) * (f1 - mean1))
        s = torch.where(variance > floor, covariance / variance.clamp(min=1e-300), 0.0)
        return s, mean1 - s * mean

    def _mean(self, values: Tensor) -> Tensor:
        kept = {dim % values.ndim for dim in self.keep}
        reduced = [dim for dim in range(values.ndim) if dim not in kept]
        mean = values.mean(dim=reduced, keepdim=True)
        return mean[0].cpu() if kept else mean.reshape(()).cpu()


def _difference(x: Tensor) -> float:
    """Step of a central difference: the cube root of the precision, as theory has it."""
    return torch.finfo(x.dtype).eps ** (1 / 3)


def _log_a_slope(field: BoundField, lam: float) -> float:
    """Return ``d log a / dlam``; with ``dlam/dt = (a' b - a b') / (a b)`` it is ``a' b / (..)``."""
    path = field.path
    t = path.t_of_lam(lam)
    da, b = path.da(t), path.b(t)
    return da * b / (da * b - path.a(t) * path.db(t))

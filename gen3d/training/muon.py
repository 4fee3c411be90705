"""Muon: momentum whose matrix updates are orthogonalised (Jordan et al., 2024).

An update ``G = U S V^T`` is replaced by about ``U V^T``, found by a few Newton-Schulz steps in
bf16, so that every direction of a weight matrix moves equally. Scaled by 0.2 sqrt(max(rows, cols))
its entries have the root mean square of an AdamW update (Liu et al., 2025, "Muon is scalable for
LLM training", eq. 4), so one learning rate serves matrices of all shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError

# Quintic whose fixed band is [0.7, 1.2]: steepest at 0 rather than exact at 1 (Jordan et al.).
_A, _B, _C = 3.4445, -4.7750, 2.0315
_RMS_MATCH = 0.2


def orthogonalise(
    matrices: Float[Tensor, "*batch rows cols"], steps: int = 5
) -> Float[Tensor, "*batch rows cols"]:
    """Map singular values of each matrix to about 1 (0.7 to 1.2), keeping its singular vectors.

    Args:
        matrices: Any dtype; the dtype given is the one computed in (bf16 is enough and fastest).
        steps: Newton-Schulz iterations.
    """
    batch = matrices.shape[:-2]
    x = matrices.reshape(-1, *matrices.shape[-2:])
    tall = x.shape[-2] > x.shape[-1]
    if tall:  # the Gram matrix below is then the smaller one
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C)
        x = torch.baddbmm(x, polynomial, x, beta=_A)
    if tall:
        x = x.mT
    return x.reshape(*batch, *x.shape[-2:])


@dataclass(frozen=True)
class _Bucket:
    """Equal-shaped chunks of several parameters, orthogonalised in one batched product."""

    parameters: list[Tensor]
    weights: list[Float[Tensor, "splits rows cols"]]  # views of the parameters
    stacked: Float[Tensor, "chunks rows cols"]  # bf16 work space, kept between steps
    slots: list[Float[Tensor, "splits rows cols"]]  # views of the work space, one per parameter


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay.

    Equal-shaped matrices are stacked, so a network of many small layers costs a few batched
    products per step.

    Args:
        params: Matrices (two-dimensional parameters), or groups of them as torch's optimisers
            take; a group may hold its own ``splits``.
        lr: Learning rate.
        momentum: Weight of the past in the running mean of gradients.
        weight_decay: Decoupled decay, times ``lr`` per step.
        steps: Newton-Schulz iterations.
        splits: Row chunks of each matrix that are orthogonalised separately (3 for packed qkv), in
            the order of ``params``; None: 1 for all.

    Raises:
        InputError: A parameter is no matrix, or its rows do not divide into its splits.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float = 3e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        steps: int = 5,
        splits: Sequence[int] | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "steps": steps,
            "splits": None if splits is None else list(splits),
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            _check_group(group)
        self._buckets: dict[int, tuple[tuple[int, ...], list[_Bucket]]] = {}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for index, group in enumerate(self.param_groups):
            for bucket in self._buckets_of(index, group):
                self._step_bucket(bucket, group)
        return loss

    def _step_bucket(self, bucket: _Bucket, group: dict[str, Any]) -> None:
        gradients = [p.grad for p in bucket.parameters if p.grad is not None]
        momenta = []
        for parameter in bucket.parameters:
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            momenta.append(state["momentum"])
        torch._foreach_lerp_(momenta, gradients, 1.0 - group["momentum"])  # pyright: ignore[reportPrivateImportUsage]
        nesterov = torch._foreach_lerp(gradients, momenta, group["momentum"])  # pyright: ignore[reportPrivateImportUsage]
        for slot, update in zip(bucket.slots, nesterov, strict=True):
            slot.copy_(update.view_as(slot))
        orthogonal = orthogonalise(bucket.stacked, group["steps"])
        rows, cols = bucket.stacked.shape[-2:]
        scale = group["lr"] * _RMS_MATCH * max(rows, cols) ** 0.5
        if group["weight_decay"]:
            torch._foreach_mul_(bucket.weights, 1.0 - group["lr"] * group["weight_decay"])  # pyright: ignore[reportPrivateImportUsage]
        counts = [len(slot) for slot in bucket.slots]
        torch._foreach_add_(bucket.weights, list(orthogonal.split(counts)), alpha=-scale)  # pyright: ignore[reportPrivateImportUsage]

    def _buckets_of(self, index: int, group: dict[str, Any]) -> list[_Bucket]:
        # Which parameters have gradients, and where they live, rarely changes: keep the plan.
        live = [i for i, p in enumerate(group["params"]) if p.grad is not None]
        key = (*live, *(group["params"][i].data_ptr() for i in live))
        known = self._buckets.get(index)
        if known is None or known[0] != key:
            known = (key, _make_buckets(group, live))
            self._buckets[index] = known
        return known[1]

    def __getstate__(self) -> dict[str, Any]:
        """Leave the work space out of pickles and deep copies: its views would not survive."""
        return {**super().__getstate__(), "_buckets": {}}


def _check_group(group: dict[str, Any]) -> None:
    if group["splits"] is None:
        group["splits"] = [1] * len(group["params"])
    if len(group["splits"]) != len(group["params"]):
        raise InputError(
            f"Muon got {len(group['splits'])} splits for {len(group['params'])} matrices"
        )
    for parameter, splits in zip(group["params"], group["splits"], strict=True):
        if parameter.ndim != 2:
            raise InputError(
                f"Muon trains matrices, got a parameter of shape {tuple(parameter.shape)}",
                hint="leave it to AdamW",
            )
        if splits < 1 or parameter.shape[0] % splits:
            raise InputError(f"{parameter.shape[0]} rows do not divide into {splits} chunks")


def _make_buckets(group: dict[str, Any], live: Sequence[int]) -> list[_Bucket]:
    by_shape: dict[tuple[int, int, torch.device], list[tuple[Tensor, int]]] = {}
    for i in live:
        parameter, splits = group["params"][i], group["splits"][i]
        key = (parameter.shape[0] // splits, parameter.shape[1], parameter.device)
        by_shape.setdefault(key, []).append((parameter, splits))
    buckets = []
    for (rows, cols, device), members in by_shape.items():
        counts = [splits for _, splits in members]
        stacked = torch.empty(sum(counts), rows, cols, dtype=torch.bfloat16, device=device)
        buckets.append(
            _Bucket(
                parameters=[p for p, _ in members],
                weights=[p.detach().view(splits, rows, cols) for p, splits in members],
                stacked=stacked,
                slots=list(stacked.split(counts)),
            )
        )
    return buckets

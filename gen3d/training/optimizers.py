"""Who trains which parameter: Muon the matrices that the objective names, AdamW the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gen3d.errors import InputError
from gen3d.training.config import TrainConfig
from gen3d.training.muon import Muon


@dataclass(frozen=True)
class Optimizers:
    """The optimisers of a run, by name, and the parameters whose gradients each one uses.

    Attributes:
        by_name: ``muon`` and ``adamw``, without those that have nothing to train.
        base_lr: Learning rate of each at schedule factor 1.
        clipped: Parameters whose gradients are clipped: AdamW's (Muon ignores their scale).
        free: The others.
    """

    by_name: dict[str, torch.optim.Optimizer]
    base_lr: dict[str, float]
    clipped: Sequence[Tensor]
    free: Sequence[Tensor]

    @property
    def trained(self) -> list[Tensor]:
        """All parameters, in an order that every process of a run shares."""
        return [*self.free, *self.clipped]

    def set_lr_factor(self, factor: float) -> dict[str, float]:
        """Scale all learning rates and return them by optimiser."""
        rates = {name: lr * factor for name, lr in self.base_lr.items()}
        for name, optimizer in self.by_name.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[name]
        return rates

    def clip(self, max_norm: float | None) -> Tensor:
        """Clip AdamW's gradients and return the norm of all gradients before that."""
        norms = []
        for parameters, limit in ((self.clipped, max_norm), (self.free, None)):
            gradients = [p.grad for p in parameters if p.grad is not None]
            if gradients:
                norm = torch.nn.utils.get_total_norm(gradients)
                if limit is not None:
                    nn.utils.clip_grads_with_norm_(parameters, limit, norm)
                norms.append(norm)
        return torch.linalg.vector_norm(torch.stack(norms)) if norms else torch.zeros(())

    def state(self) -> dict[str, Any]:
        """Return the running state of each optimiser, without its settings."""
        return {name: o.state_dict()["state"] for name, o in self.by_name.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state; settings stay those of this run."""
        for name, optimizer in self.by_name.items():
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state[name]})


def make_optimizers(module: nn.Module, splits: dict[str, int], config: TrainConfig) -> Optimizers:
    """Give each trainable parameter to its optimiser.

    Args:
        module: The network, already on its device.
        splits: Names of Muon's matrices and their row chunks, see ``Objective.muon_splits``.
        config: Learning rates and the rest.

    Raises:
        InputError: A name is not a trainable parameter, or there is nothing to train.
    """
    trainable = {n: p for n, p in module.named_parameters() if p.requires_grad}
    unknown = sorted(set(splits) - set(trainable))
    if unknown:
        raise InputError(f"muon_splits names no trainable parameter: {', '.join(unknown)}")
    if not trainable:
        raise InputError("the objective's module has no trainable parameters")
    rest = [p for n, p in trainable.items() if n not in splits]
    by_name: dict[str, torch.optim.Optimizer] = {}
    if splits:
        by_name["muon"] = Muon(
            [trainable[name] for name in splits],
            lr=config.muon.lr,
            momentum=config.muon.momentum,
            weight_decay=config.muon.weight_decay,
            steps=config.muon.newton_schulz_steps,
            splits=list(splits.values()),
        )
    if rest:
        vectors = [p for p in rest if p.ndim < 2]
        groups = [
            {"params": [p for p in rest if p.ndim >= 2]},
            {"params": vectors, "weight_decay": 0.0},
        ]
        by_name["adamw"] = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=config.adamw.lr,
            betas=config.adamw.betas,
            eps=config.adamw.eps,
            weight_decay=config.adamw.weight_decay,
            fused=True,
        )
    rates = {"muon": config.muon.lr, "adamw": config.adamw.lr}
    return Optimizers(
        by_name=by_name,
        base_lr={name: rates[name] for name in by_name},
        clipped=rest,
        free=[trainable[name] for name in splits],
    )

"""A tiny regression that stands for every objective."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d.training import LossResult, TrainConfig


class Regression:
    """Fits a small network with dropout to a fixed linear map.

    Args:
        on_step: Called with the step before its batch is drawn.
    """

    def __init__(self, on_step: Callable[[int], None] | None = None) -> None:
        generator = torch.Generator().manual_seed(5)
        self.module = nn.Sequential(
            nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 12), nn.Linear(12, 2)
        )
        with torch.no_grad():
            for parameter in self.module.parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
        self.target = torch.randn(4, 2, generator=generator)
        self.on_step = on_step

    def muon_splits(self) -> dict[str, int]:
        return {"0.weight": 1, "3.weight": 3}

    def loss(self, step: int, generator: torch.Generator) -> LossResult:
        if self.on_step is not None:
            self.on_step(step)
        x = torch.randn(16, 4, generator=generator)
        error = self._error(self.module, x)
        return LossResult(error, {"examples": 16, "error": error.sqrt(), "constant": 2.0})

    def validate(self, module: nn.Module) -> dict[str, float]:
        assert not module.training
        x = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
        return {"mse": self._error(module, x).item()}

    def _error(self, module: nn.Module, x: Float[Tensor, "batch 4"]) -> Float[Tensor, ""]:
        device = next(module.parameters()).device
        return (module(x.to(device)).float() - (x @ self.target).to(device)).square().mean()


@pytest.fixture
def make_objective() -> Callable[..., Regression]:
    return Regression


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., TrainConfig]:
    def make(**changes: Any) -> TrainConfig:
        settings: dict[str, Any] = {
            "output": tmp_path / "run",
            "steps": 20,
            "device": "cpu",
            "threads": 1,
            "log_every": 5,
        }
        return TrainConfig(**{**settings, **changes})

    return make

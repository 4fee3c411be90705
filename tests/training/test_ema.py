from __future__ import annotations

import pytest
import torch
from torch import nn

from gen3d.training import Ema


def test_average_follows_the_formula_with_warm_up() -> None:
    module = nn.Linear(1, 1, bias=False)
    ema = Ema(module, 0.3)
    expected = module.weight.item()
    for n, value in enumerate([1.0, -2.0, 4.0, 0.5, 3.0, 7.0]):
        nn.init.constant_(module.weight, value)
        ema.update()
        decay = min(0.3, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
        assert ema.module.weight.item() == pytest.approx(expected, rel=1e-5)


def test_buffers_are_copied_not_averaged() -> None:
    module = nn.BatchNorm1d(2)
    ema = Ema(module, 0.9)
    module(torch.randn(8, 2))
    assert torch.equal(ema.synchronise().running_mean, module.running_mean)


def test_averaged_network_takes_no_gradients_and_is_in_eval_mode() -> None:
    ema = Ema(nn.Linear(2, 2).train(), 0.9)
    assert not ema.module.training
    assert not any(p.requires_grad for p in ema.module.parameters())

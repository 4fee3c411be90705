"""Experts: the grouped form equals one token at a time."""

import pytest
import torch
from torch.nn.functional import gelu

from gen3d.nn.moe import MixtureOfExperts


def one_by_one(moe: MixtureOfExperts, x: torch.Tensor) -> torch.Tensor:
    """Follow the definition, one token at a time."""
    rows = []
    experts = moe.experts
    for token in x.flatten(0, 1):
        p = torch.softmax(moe.gate.weight @ token, dim=0)
        total = moe.shared.fc_out(gelu(moe.shared.fc_in(token)))
        for e in p.argsort(descending=True)[: moe.top].tolist():
            hidden = gelu(experts.in_weight[e] @ token + experts.in_bias[e])
            total = total + p[e] * (experts.out_weight[e] @ hidden + experts.out_bias[e])
        rows.append(total)
    return torch.stack(rows).view_as(x)


def make(top: int, dtype: torch.dtype = torch.float64) -> MixtureOfExperts:
    torch.manual_seed(0)
    moe = MixtureOfExperts(8, 24, experts=5, top=top)
    torch.nn.init.normal_(moe.experts.in_bias)
    torch.nn.init.normal_(moe.experts.out_bias)
    return moe.to(dtype).eval()


@pytest.mark.parametrize("top", [1, 2, 5])
def test_equals_one_token_at_a_time(top):
    moe, x = make(top), torch.randn(2, 7, 8, dtype=torch.float64)
    assert torch.allclose(moe(x), one_by_one(moe, x), atol=1e-12)


def test_experts_that_nobody_asks_do_no_harm():
    moe = make(1)
    with torch.no_grad():
        moe.gate.weight.zero_()
        moe.gate.weight[3] = 1.0
    x = torch.rand(1, 4, 8, dtype=torch.float64)
    assert torch.allclose(moe(x), one_by_one(moe, x), atol=1e-12)


def test_gradients_reach_gate_and_experts():
    moe, x = make(2), torch.randn(1, 6, 8, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(one_by_one(moe, x).square().sum(), x)
    moe(x).square().sum().backward()
    assert x.grad is not None and torch.allclose(x.grad, expected, atol=1e-10)
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in moe.parameters())


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@torch.no_grad()
def test_one_launch_on_the_gpu_equals_the_loop():
    torch.manual_seed(0)
    moe = MixtureOfExperts(16, 32, experts=5, top=2)
    x = torch.randn(1, 40, 16)
    expected = moe(x)
    found = moe.to("cuda", torch.bfloat16)(x.to("cuda", torch.bfloat16))
    assert torch.allclose(found.float().cpu(), expected, atol=0.1)

"""The short cuts of guided sampling: equal to the plain path, in double precision."""

import importlib.util
import math
from pathlib import Path

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import ClassifierFree, Guided, sample
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.plain_dit import PlainDiT
from gen3d.vecset.published_field import collapsed, flow_branches, flow_field

_SPEC = importlib.util.spec_from_file_location(
    "tiny_published", Path(__file__).with_name("tiny_published.py")
)
assert _SPEC is not None and _SPEC.loader is not None
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)


def network(family: str) -> ShapeDiT | PlainDiT:
    config = tiny.tiny_dit_config(family)
    made = PlainDiT(config) if family == "2.1" else ShapeDiT(config)
    return tiny.randomised(made).double()


def draws(count: int = 2, tokens: int = 37) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(count, 16, tiny.LATENT_DIM, generator=generator, dtype=torch.float64)
    context = torch.randn(count, tokens, tiny.WIDTH, generator=generator, dtype=torch.float64)
    return x, context


@pytest.mark.parametrize("family", ["2.0", "mv", "2.1"])
@pytest.mark.parametrize("grad", [False, True])
def test_guided_velocity_equals_the_plain_path(family, grad):
    dit = network(family)
    x, tokens = draws(tokens=74 if family == "mv" else 37)
    results: list[torch.Tensor] = []
    with torch.set_grad_enabled(grad):
        for shortcuts in (True, False):
            branches = flow_branches(dit, tokens, shortcuts=shortcuts)
            rule = ClassifierFree(5.0)
            guided = Guided(flow_field(dit), rule, branches.uncond, apart=branches.apart)
            results.append(guided(x, 0.3, branches.cond).value)
    assert results[0].dtype is torch.float64
    assert float(results[1].abs().max()) > 0.1
    assert float((results[0] - results[1]).abs().max()) <= 1e-12


def test_the_collapsed_branch_needs_its_bias():
    dit = network("2.0")
    x, tokens = draws()
    one = collapsed(tokens)
    assert one.tokens.shape == (2, 1, tiny.WIDTH) and one.repeats == 37
    t = torch.full((2,), 0.4, dtype=torch.float64)
    full = dit(x, t, Condition(torch.zeros_like(tokens)))
    bare = dit(x, t, Condition(one.tokens))
    assert float((dit(x, t, one) - full).abs().max()) <= 1e-12
    assert float((bare - full).abs().max()) > 1e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("count", [1370, 5480])
def test_rounded_biases_still_count_right(dtype, count):
    one = collapsed(torch.zeros(1, count, 1, dtype=dtype))
    bias = float(torch.tensor(math.log(one.repeats), dtype=dtype))
    counted = one.tokens.shape[1] * math.exp(bias)
    assert one.tokens.shape[1] <= 16
    assert counted == pytest.approx(count, rel=2e-3)


def test_constant_cross_attention_is_refused_where_keys_have_biases():
    config = tiny.tiny_dit_config("2.1").model_copy(update={"qkv_bias": True})
    dit = PlainDiT(config).eval()
    with pytest.raises(InputError, match="no constant"):
        dit.unconditional()
    tokens = torch.randn(1, 5, tiny.WIDTH)
    branches = flow_branches(dit, tokens)
    x, t = torch.randn(1, 4, tiny.LATENT_DIM), torch.tensor([0.5])
    with torch.no_grad():
        expected = dit(x, t, Condition(torch.zeros_like(tokens)))
        assert torch.allclose(dit(x, t, branches.uncond), expected, atol=1e-5)


@pytest.mark.parametrize("family", ["2.0", "2.1"])
def test_a_whole_run_equals_the_plain_path_and_counts_its_evaluations(family):
    dit = network(family)
    x, tokens = draws()
    runs = []
    for shortcuts in (True, False):
        branches = flow_branches(dit, tokens, shortcuts=shortcuts)
        runs.append(
            sample(
                flow_field(dit),
                x,
                steps=3,
                cond=branches.cond,
                uncond=branches.uncond,
                apart=branches.apart,
                guidance=ClassifierFree(2.0),
            )
        )
    assert runs[0].evaluations == runs[1].evaluations == 6
    assert float((runs[0].x0 - runs[1].x0).abs().max()) <= 1e-12


def test_time_runs_the_other_way_and_velocity_changes_sign():
    dit = network("2.0")
    x, tokens = draws()
    field = flow_field(dit)
    ours = field(x, 0.25, Condition(tokens)).value
    theirs = dit(x, torch.full((2,), 0.75, dtype=torch.float64), Condition(tokens))
    assert torch.equal(ours, -theirs)


def test_distilled_networks_take_the_strength_as_an_input():
    dit = network("mini-turbo")
    x, tokens = draws()
    weak, strong = (
        flow_field(dit, guidance=w)(x, 0.5, Condition(tokens)).value for w in (1.0, 5.0)
    )
    assert not torch.allclose(weak, strong)
    with pytest.raises(InputError, match="needs a guidance input"):
        flow_field(dit)(x, 0.5, Condition(tokens))

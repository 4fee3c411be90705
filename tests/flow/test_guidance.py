import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    LINEAR,
    ClassifierFree,
    CountedField,
    Guided,
    Heun,
    Kind,
    Path,
    SampleResult,
    SparseReducer,
    sample,
)
from tests.flow.oracle import gaussian, gaussian_flow

MEAN_COND, MEAN_UNCOND, STD = 0.8, -0.1, 0.5


def noise() -> Tensor:
    return torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(4, 3)


def means(value: float) -> Tensor:
    return torch.full((4, 1), value)


def run(guidance: ClassifierFree, path: Path = LINEAR, steps: int = 8) -> SampleResult:
    """Sample N(condition, STD^2) under guidance."""
    return sample(
        gaussian(0.0, STD, path),
        noise(),
        steps=steps,
        cond=means(MEAN_COND),
        uncond=means(MEAN_UNCOND)[:1],
        guidance=guidance,
        solver=Heun(),
    )


@pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0])
def test_guided_gaussians_have_the_extrapolated_mean(path: Path, weight: float) -> None:
    mean = MEAN_UNCOND + weight * (MEAN_COND - MEAN_UNCOND)
    reached = run(ClassifierFree(weight), path, steps=600).x0
    truth = gaussian_flow(mean, STD, path, noise(), 1.0, 0.0)
    torch.testing.assert_close(reached, truth, rtol=0, atol=3e-4)


def test_a_weight_per_sample_is_each_sample_under_its_own_weight() -> None:
    together = run(ClassifierFree(torch.tensor([0.0, 1.0, 2.0, 5.0]))).x0
    for row, weight in enumerate([0.0, 1.0, 2.0, 5.0]):
        torch.testing.assert_close(together[row], run(ClassifierFree(weight)).x0[row])


def test_unit_weight_is_the_conditional_flow_at_half_the_price() -> None:
    plain = sample(gaussian(0.0, STD), noise(), steps=8, cond=means(MEAN_COND), solver=Heun())
    unit = run(ClassifierFree(1.0))
    assert torch.equal(unit.x0, plain.x0)
    # Eight steps of Heun, the last one an Euler step.
    assert unit.evaluations == plain.evaluations == 15
    assert run(ClassifierFree(2.0)).evaluations == 30


def test_outside_the_interval_the_condition_goes_alone() -> None:
    counted = CountedField(gaussian(0.0, STD))
    guided = Guided(counted, ClassifierFree(3.0, (0.25, 0.75)), means(MEAN_UNCOND))
    prices = {}
    for t in (0.2, 0.25, 0.5, 0.75, 0.8):
        before = counted.rows
        guided(noise(), t, means(MEAN_COND))
        prices[t] = (counted.rows - before) // 4
    assert prices == {0.2: 1, 0.25: 2, 0.5: 2, 0.75: 2, 0.8: 1}
    assert counted.calls == 5


@pytest.mark.parametrize("kind", ["x0", "eps", "score", "v_salimans_ho"])
def test_guidance_does_not_depend_on_what_the_network_predicts(kind: Kind) -> None:
    rule, null, cond = ClassifierFree(3.0), means(MEAN_UNCOND), means(MEAN_COND)
    velocity = Guided(gaussian(0.0, STD), rule, null)(noise(), 0.4, cond).value
    other = Guided(gaussian(0.0, STD, kind=kind), rule, null)(noise(), 0.4, cond).value
    torch.testing.assert_close(other, velocity, rtol=1e-10, atol=1e-12)


def test_sparse_latents_are_guided_per_sample() -> None:
    sizes, weights = (3, 1), torch.tensor([1.0, 4.0])
    reducer = SparseReducer(sizes)
    sparse = Guided(gaussian(0.0, STD), ClassifierFree(weights), means(MEAN_UNCOND), reducer)
    rows = sparse(noise(), 0.4, means(MEAN_COND)).value
    for sample_rows, weight in (((0, 3), 1.0), ((3, 4), 4.0)):
        rule = ClassifierFree(weight)
        alone = Guided(gaussian(0.0, STD), rule, means(MEAN_UNCOND))(noise(), 0.4, means(MEAN_COND))
        torch.testing.assert_close(rows[slice(*sample_rows)], alone.value[slice(*sample_rows)])


def test_interval_must_lie_in_time() -> None:
    with pytest.raises(InputError, match="interval"):
        ClassifierFree(2.0, (0.8, 0.2))

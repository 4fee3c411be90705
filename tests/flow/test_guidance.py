import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    DENSE,
    LINEAR,
    RAAG,
    CFGZeroStar,
    ClassifierFree,
    CountedField,
    EmbeddedGuidance,
    Guidance,
    Guided,
    Heun,
    Interval,
    Kind,
    NetworkField,
    Path,
    Projected,
    Rescaled,
    SampleResult,
    ShiftedSchedule,
    SparseReducer,
    StepwiseClassifierFree,
    embedded_network,
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


def velocities(shape: tuple[int, ...] = (4, 3)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    first, second = torch.randn((2, *shape), generator=generator, dtype=torch.float64)
    return first, second


RULES = [
    CFGZeroStar(3.0),
    RAAG(),
    Rescaled(ClassifierFree(3.0)),
    Projected(3.0, radius=1.0),
    Interval(RAAG(), 0.2, 0.9),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_rules_treat_each_sparse_sample_as_if_it_were_alone(rule: Guidance) -> None:
    v_cond, v_uncond = velocities((5, 3))
    sizes = (2, 3)
    together = rule.combine(v_cond, v_uncond, v_cond, 0.5, SparseReducer(sizes))
    parts = zip(v_cond.split(sizes), v_uncond.split(sizes), strict=True)
    alone = [rule.combine(c[None], u[None], c[None], 0.5, DENSE)[0] for c, u in parts]
    torch.testing.assert_close(together, torch.cat(alone))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_rules_leave_equal_velocities_alone(rule: Guidance) -> None:
    velocity, _ = velocities()
    found = rule.combine(velocity, velocity, velocity, 0.5, DENSE)
    torch.testing.assert_close(found, velocity, rtol=1e-7, atol=1e-7)


def test_zero_star_does_not_see_the_scale_of_the_unconditional_velocity() -> None:
    v_cond, v_uncond = velocities()
    rule = CFGZeroStar(3.0)
    expected = rule.combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    for factor in (-2.0, 0.3, 10.0):
        found = rule.combine(v_cond, factor * v_uncond, v_cond, 0.5, DENSE)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_zero_star_projects_the_conditional_velocity() -> None:
    v_cond, v_uncond = velocities()
    scaled = CFGZeroStar(0.0).combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    torch.testing.assert_close(DENSE.dot(v_cond - scaled, v_uncond), torch.zeros(4).double())


@pytest.mark.parametrize(("zero_steps", "published", "still"), [(0, False, 0), (1, False, 1)])
def test_zero_init_holds_exactly_its_steps(zero_steps: int, published: bool, still: int) -> None:
    assert still_steps(zero_steps, published) == still


def test_published_zero_init_holds_one_step_more_than_it_says() -> None:
    assert still_steps(0, published=True) == 1
    assert still_steps(1, published=True) == 2


def still_steps(zero_steps: int, published: bool) -> int:
    """Count the first steps of a run that neither move nor cost anything."""
    schedule = ShiftedSchedule(2.0)
    rule = CFGZeroStar.on_grid(2.0, schedule, 6, zero_steps=zero_steps, published=published)
    run = sample(
        gaussian(0.0, STD),
        noise(),
        steps=6,
        cond=means(MEAN_COND),
        uncond=means(MEAN_UNCOND)[:1],
        guidance=rule,
        schedule=schedule,
        keep_trajectory=True,
    )
    assert run.trajectory is not None
    moved = [bool((a != b).any()) for a, b in itertools.pairwise(run.trajectory)]
    assert moved == sorted(moved)
    assert run.evaluations == 2 * sum(moved)
    return moved.count(False)


def test_zero_init_must_leave_a_step() -> None:
    with pytest.raises(InputError, match="cannot stand still"):
        CFGZeroStar.on_grid(2.0, ShiftedSchedule(2.0), 3, zero_steps=3)


@pytest.mark.parametrize("power", [1, 2])
def test_ratio_aware_weight_runs_from_its_maximum_to_one(power: int) -> None:
    _, v_uncond = velocities()
    direction = v_uncond / DENSE.broadcast(DENSE.norm(v_uncond), v_uncond)
    rule = RAAG(18.0, 12.0, power=power)

    def weight(ratio: float) -> Tensor:
        shift = ratio * DENSE.broadcast(DENSE.norm(v_uncond), v_uncond) * direction
        return rule.weight(v_uncond + shift, v_uncond, DENSE)

    for ratio in (0.0, 0.2, 0.5):
        expected = 1 + 17 * math.exp(-12 * ratio**power)
        torch.testing.assert_close(weight(ratio), torch.full((4,), expected).double())
    torch.testing.assert_close(weight(100.0), torch.ones(4).double())


def test_ratio_at_pure_noise_is_that_of_the_means() -> None:
    x = noise()
    v_cond = gaussian(MEAN_COND, STD)(x, 1.0).value
    v_uncond = gaussian(MEAN_UNCOND, STD)(x, 1.0).value
    # |mu_c - mu| / |eps - mu|, as x is the noise itself.
    rho = DENSE.norm(torch.full_like(x, MEAN_COND - MEAN_UNCOND)) / DENSE.norm(x - MEAN_UNCOND)
    expected = 1 + 17 * torch.exp(-12 * rho)
    torch.testing.assert_close(RAAG().weight(v_cond, v_uncond, DENSE), expected)


def test_rescaling_restores_the_spread_of_the_conditional_velocity() -> None:
    v_cond, v_uncond = velocities()
    full = Rescaled(ClassifierFree(5.0), 1.0).combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    torch.testing.assert_close(DENSE.std(full), DENSE.std(v_cond))
    none = Rescaled(ClassifierFree(5.0), 0.0).combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    plain = ClassifierFree(5.0).combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    torch.testing.assert_close(none, plain)


def test_projected_update_is_orthogonal_to_the_conditional_velocity() -> None:
    v_cond, v_uncond = velocities()
    found = Projected(3.0).combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    torch.testing.assert_close(DENSE.dot(found - v_cond, v_cond), torch.zeros(4).double())
    whole = Projected(3.0, parallel=1.0).combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    plain = ClassifierFree(3.0).combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    torch.testing.assert_close(whole, plain)


def test_projected_difference_is_no_longer_than_its_radius() -> None:
    v_cond, v_uncond = velocities()
    found = Projected(2.0, parallel=1.0, radius=0.5).combine(v_cond, v_uncond, v_cond, 0.5, DENSE)
    torch.testing.assert_close(DENSE.norm(found - v_cond), torch.full((4,), 0.5).double())


def test_interval_of_any_rule_saves_the_second_evaluation_outside() -> None:
    counted = CountedField(gaussian(0.0, STD))
    guided = Guided(counted, Interval(RAAG(), 0.25, 0.75), means(MEAN_UNCOND))
    for t in (0.2, 0.5, 0.8):
        guided(noise(), t, means(MEAN_COND))
    assert counted.rows == (1 + 2 + 1) * 4


def test_weights_by_step_hold_between_their_times() -> None:
    rule = StepwiseClassifierFree((1.0, 0.6, 0.3, 0.0), (3.0, 1.0, 0.0))
    assert [rule.weight(t) for t in (1.0, 0.61, 0.6, 0.31, 0.3, 0.0)] == [3, 3, 1, 1, 0, 0]
    assert [rule.branches(t) for t in (0.8, 0.5, 0.1)] == ["both", "cond", "uncond"]


def test_weight_zero_asks_the_unconditional_velocity_alone() -> None:
    counted = CountedField(gaussian(0.0, STD))
    rule = StepwiseClassifierFree((1.0, 0.0), (0.0,))
    # One null condition serves all four samples.
    found = Guided(counted, rule, means(MEAN_UNCOND)[:1])(noise(), 0.4, means(MEAN_COND))
    both = Guided(gaussian(0.0, STD), ClassifierFree(0.0), means(MEAN_UNCOND))
    torch.testing.assert_close(found.value, both(noise(), 0.4, means(MEAN_COND)).value)
    assert counted.rows == 4


def test_embedded_guidance_gives_the_network_its_weight_in_one_evaluation() -> None:
    def network(x: Tensor, t: Tensor, cond: Tensor, weight: Tensor) -> Tensor:
        mean = MEAN_UNCOND + weight[:, None] * (cond - MEAN_UNCOND)
        return gaussian(0.0, STD)(x, float(t[0]), mean).value

    field = NetworkField(embedded_network(network))
    for weight in (3.0, torch.tensor([0.0, 1.0, 2.0, 5.0], dtype=torch.float64)):
        rule = EmbeddedGuidance(weight)
        run = sample(field, noise(), steps=8, cond=means(MEAN_COND).double(), guidance=rule)
        plain = sample(
            gaussian(0.0, STD),
            noise(),
            steps=8,
            cond=means(MEAN_COND),
            uncond=means(MEAN_UNCOND),
            guidance=ClassifierFree(weight),
        )
        torch.testing.assert_close(run.x0, plain.x0, rtol=1e-6, atol=1e-6)
        assert run.evaluations == 8


@pytest.mark.parametrize(
    "make",
    [
        lambda: RAAG(power=3),
        lambda: RAAG(alpha=-1.0),
        lambda: Rescaled(ClassifierFree(2.0), 1.5),
        lambda: Projected(2.0, radius=0.0),
        lambda: Interval(RAAG(), 0.9, 0.1),
        lambda: StepwiseClassifierFree((1.0, 0.0), (1.0, 2.0)),
        lambda: StepwiseClassifierFree((0.0, 1.0), (1.0,)),
    ],
)
def test_rules_refuse_nonsense(make: Callable[[], Guidance]) -> None:
    with pytest.raises(InputError):
        make()

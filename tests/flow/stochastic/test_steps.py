import itertools
import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow import (
    COSINE,
    LINEAR,
    BoundField,
    Euler,
    History,
    Path,
    Prediction,
)
from gen3d.flow.stochastic import (
    CoefficientsPreserving,
    ConstantSDE,
    FlowSDE,
    PowerSDE,
    SDEDPMSolver,
    ShapedSDE,
    StochasticStep,
)
from tests.flow.oracle import Mixture, gaussian

both_paths = pytest.mark.parametrize("path", [LINEAR, COSINE], ids=["linear", "cosine"])
MEAN, STD = 0.7, 0.4
START, END = 0.95, 0.05


@dataclass(frozen=True)
class AffineRun:
    """Mean and variance of a run whose target is Gaussian, without a single random number.

    For such a target every step is affine in the state and its noise. The state is therefore kept
    as the coefficients of (1, initial noise, noise of step 1, noise of step 2, ...).
    """

    path: Path
    step: StochasticStep

    def moments(self, steps: int, start: float = START, end: float = END) -> tuple[float, float]:
        x = torch.zeros(steps + 2, dtype=torch.float64)
        x[0], x[1] = self.path.a(start) * MEAN, math.sqrt(self.variance(start))
        history: History = ()
        times = torch.linspace(start, end, steps + 1, dtype=torch.float64).tolist()
        for index, (s, t) in enumerate(itertools.pairwise(times)):
            kernel, history = self.step.propose(self.path, self.x0(x, s), x, s, t, history)
            x = kernel.mean.clone()
            x[index + 2] += kernel.std
        return x[0].item(), x[1:].square().sum().item()

    def x0(self, x: Tensor, t: float) -> Tensor:
        a = self.path.a(t)
        share = a * STD**2 / self.variance(t)
        constant = torch.zeros_like(x)
        constant[0] = MEAN
        return constant + share * (x - a * constant)

    def variance(self, t: float) -> float:
        return (self.path.a(t) * STD) ** 2 + self.path.b(t) ** 2

    def errors(self, steps: int) -> tuple[float, float]:
        mean, variance = self.moments(steps)
        return abs(mean - self.path.a(END) * MEAN), abs(variance - self.variance(END))

    def order(self) -> float:
        return math.log2(self.errors(160)[1] / self.errors(320)[1])


FIRST_ORDER: dict[str, StochasticStep] = {
    "flow-grpo": FlowSDE(0.7),
    "dance": ConstantSDE(0.3),
    "rbf": PowerSDE(3.0, 2.0),
    "sin": ShapedSDE("sin"),
    "tan": ShapedSDE("tan"),
    "exp": ShapedSDE("exp"),
    "clipping": ShapedSDE("clipping"),
    "sigma": ShapedSDE("sigma"),
    "sde-dpm-1": SDEDPMSolver(1),
}
each_first_order = pytest.mark.parametrize("step", FIRST_ORDER.values(), ids=FIRST_ORDER.keys())
each_second_order = pytest.mark.parametrize(
    "step", [SDEDPMSolver(2, "midpoint"), SDEDPMSolver(2, "heun")], ids=["midpoint", "heun"]
)


@each_first_order
def test_variance_converges_with_order_one(step: StochasticStep) -> None:
    assert 0.9 < AffineRun(LINEAR, step).order() < 1.2


@pytest.mark.parametrize("step", [FlowSDE(1.0), PowerSDE(), SDEDPMSolver(1)])
def test_variance_converges_on_a_curved_path_too(step: StochasticStep) -> None:
    assert 0.9 < AffineRun(COSINE, step).order() < 1.2


@each_first_order
def test_mean_is_exact_on_the_linear_path(step: StochasticStep) -> None:
    assert AffineRun(LINEAR, step).errors(20)[0] < 1e-14


def test_mean_converges_on_the_cosine_path() -> None:
    coarse, fine = (AffineRun(COSINE, PowerSDE()).errors(n)[0] for n in (20, 40))
    assert 1e-3 < fine < 0.6 * coarse


@both_paths
@each_second_order
def test_second_order_step_has_order_two(step: StochasticStep, path: Path) -> None:
    run = AffineRun(path, step)
    assert 1.9 < run.order() < 2.2
    assert run.errors(20)[0] < 1e-14


def test_second_order_beats_first_at_forty_steps() -> None:
    first, second = (AffineRun(LINEAR, SDEDPMSolver(n)).errors(40)[1] for n in (1, 2))
    assert second < first / 4


def test_coefficients_preserving_keeps_a_bias_in_the_variance() -> None:
    run = AffineRun(LINEAR, CoefficientsPreserving(0.7))
    assert run.errors(160)[0] < 1e-14
    assert 0.03 < run.errors(640)[1] < 0.05
    assert abs(run.order()) < 0.1


@pytest.mark.parametrize(
    "step",
    [FlowSDE(0), ConstantSDE(0), PowerSDE(0), SDEDPMSolver(1, eta=0), CoefficientsPreserving(0)],
)
def test_without_noise_every_rule_is_the_euler_step(step: StochasticStep) -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    for s, t in [(1.0, 0.8), (0.6, 0.45), (0.2, 0.0)]:
        kernel, _ = step.transition(BoundField(Mixture()), x, s, t, ())
        euler, _ = Euler().step(BoundField(Mixture()), x, s, t, ())
        assert kernel.std == 0
        torch.testing.assert_close(kernel.mean, euler, rtol=1e-13, atol=1e-13)


def test_flow_grpo_has_its_closed_form() -> None:
    # mean = x (1 + g^2 / (2 t) dt) + v (1 + g^2 (1 - t) / (2 t)) dt, std = g sqrt(-dt)
    x, (s, t), eta = torch.linspace(-2, 2, 9, dtype=torch.float64), (0.6, 0.45), 0.7
    field, g, dt = BoundField(Mixture()), eta * math.sqrt(s / (1 - s)), t - s
    kernel, _ = FlowSDE(eta).transition(field, x, s, t, ())
    v = field.velocity(x, s)
    mean = x * (1 + g**2 / (2 * s) * dt) + v * (1 + g**2 * (1 - s) / (2 * s)) * dt
    torch.testing.assert_close(kernel.mean, mean, rtol=1e-13, atol=1e-13)
    assert kernel.std == pytest.approx(g * math.sqrt(-dt), rel=1e-14)


def test_flow_grpo_takes_the_next_time_where_its_noise_would_be_infinite() -> None:
    assert FlowSDE(0.7).coefficient(LINEAR, 1.0, 0.9) == pytest.approx(0.7 * math.sqrt(1 / 0.1))
    assert FlowSDE(0.7).coefficient(LINEAR, 0.8, 0.7) == pytest.approx(0.7 * 2)


@both_paths
def test_drift_is_velocity_minus_half_g_squared_score(path: Path) -> None:
    x, (s, t) = torch.linspace(-2, 2, 9, dtype=torch.float64), (0.6, 0.5)
    kernel, _ = PowerSDE().transition(BoundField(Mixture(path=path)), x, s, t, ())
    g = 3 * s**2
    score = Mixture(path=path, kind="score").exact(x, s)
    velocity = Mixture(path=path).exact(x, s)
    drifted = x - (s - t) * velocity + (s - t) * g**2 / 2 * score
    torch.testing.assert_close(kernel.mean, drifted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ("sigma", 0.8),
        ("sin", math.sin(0.4 * math.pi)),
        ("clipping", 0.6),
        ("exp", math.exp(-0.16)),
        ("tan", math.tan(0.4 * math.pi)),
    ],
)
def test_shapes_of_the_noise(shape: str, value: float) -> None:
    step = ShapedSDE(shape, 2.0)  # pyright: ignore[reportArgumentType]
    assert step.coefficient(LINEAR, 0.8, 0.7) == pytest.approx(2 * value)


def test_tan_stays_finite_at_pure_noise() -> None:
    assert ShapedSDE("tan").coefficient(LINEAR, 1.0, 0.9) == pytest.approx(
        math.tan(0.475 * math.pi)
    )


@both_paths
@pytest.mark.parametrize("step", [SDEDPMSolver(1), SDEDPMSolver(2)], ids=["1", "2M"])
def test_exponential_steps_are_exact_at_both_ends(path: Path, step: StochasticStep) -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    x0 = torch.full_like(x, 0.3)
    first, _ = step.propose(path, x0, x, 1.0, 0.7, ())
    torch.testing.assert_close(first.mean, path.a(0.7) * x0)  # pure noise is forgotten
    assert first.std == pytest.approx(path.b(0.7))
    _, history = step.propose(path, x0, x, 0.7, 0.3, ())
    last, _ = step.propose(path, x0 + 0.1, x, 0.3, 0.0, history)
    torch.testing.assert_close(last.mean, x0 + 0.1)
    assert last.std == 0


@pytest.mark.parametrize("step", [SDEDPMSolver(1), SDEDPMSolver(2), SDEDPMSolver(2, "heun")])
def test_exponential_steps_do_not_depend_on_the_path(step: StochasticStep) -> None:
    generator = torch.Generator().manual_seed(3)
    noises = torch.randn(6, 9, dtype=torch.float64, generator=generator)
    ends = []
    for path in (LINEAR, COSINE):
        times = [path.t_of_lam(lam) for lam in (-3.0, -1.5, -0.5, 0.4, 1.5, 3.0)]
        x, history = path.b(times[0]) * noises[0] / LINEAR.b(LINEAR.t_of_lam(-3.0)), ()
        field = BoundField(Mixture(path=path))
        for index, (s, t) in enumerate(itertools.pairwise(times)):
            kernel, history = step.transition(field, x, s, t, history)
            x = kernel.sample(noises[index + 1])
        ends.append(x / path.b(times[-1]))
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-12, atol=1e-12)


def test_history_is_read_and_not_kept_on_the_rule() -> None:
    step, field = SDEDPMSolver(2), BoundField(Mixture())
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    _, history = step.transition(field, x, 0.9, 0.7, ())
    with_history, _ = step.transition(field, x, 0.7, 0.5, history)
    without, _ = step.transition(field, x, 0.7, 0.5, ())
    again, _ = step.transition(field, x, 0.7, 0.5, history)
    assert not torch.equal(with_history.mean, without.mean)
    assert torch.equal(with_history.mean, again.mean)


def test_a_step_costs_one_evaluation() -> None:
    calls = []

    def count(x: Tensor, t: float) -> Prediction:
        calls.append(t)
        return gaussian(0.0, 1.0)(x, t)

    class Counting:
        path = LINEAR

        def __call__(self, x: Tensor, t: float, cond: object = None) -> Prediction:
            return count(x, t)

    for step in (*FIRST_ORDER.values(), SDEDPMSolver(2), CoefficientsPreserving()):
        calls.clear()
        step.transition(BoundField(Counting()), torch.zeros(1, 2), 0.8, 0.6, ())
        assert calls == [0.8]


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="negative"):
        FlowSDE(-0.1)
    with pytest.raises(InputError, match="negative"):
        PowerSDE(power=float("nan"))
    with pytest.raises(InputError, match=r"0\.\.1"):
        CoefficientsPreserving(1.5)
    with pytest.raises(InputError, match="order 1 or 2"):
        SDEDPMSolver(3)
    with pytest.raises(InputError, match="unknown shape"):
        ShapedSDE("round")  # pyright: ignore[reportArgumentType]

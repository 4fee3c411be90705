"""All objectives against the Gaussian, whose average velocity is known."""

import pytest
import torch

from gen3d.errors import InputError
from gen3d.flow import ClassifierFree, Guided, NetworkField, UniformTimes, UShapedTimes
from gen3d.flow.distill import (
    Batch,
    Cast,
    FiniteDifference,
    ForwardMode,
    FreeFlow,
    GuidanceDistillation,
    GuidedTeacher,
    MeanFlow,
    PhasedConsistency,
    PseudoHuber,
    Reflow,
    Squared,
    VelocityMatching,
    jump_loss,
)
from gen3d.flow.guidance import WithWeight
from tests.flow.distill.gaussian import Gaussian, Shifted, slope_of

TRUTH = Gaussian()
EXACT = Cast(TRUTH.average_velocity, TRUTH.velocity)
JVP = ForwardMode()

ZERO_AT_TRUTH = {
    "meanflow": MeanFlow(derivative=JVP, norm=Squared()),
    "velocity matching": VelocityMatching(derivative=JVP),
    "velocity matching of several ends": VelocityMatching(derivative=JVP, ends=(0.0, 0.3)),
    "freeflow": FreeFlow(derivative=JVP, norm=Squared()),
    "guidance": GuidanceDistillation(),
}


@pytest.mark.parametrize("name", ZERO_AT_TRUTH)
def test_loss_is_zero_at_the_exact_average_velocity(name):
    assert ZERO_AT_TRUTH[name](EXACT, TRUTH.batch()).loss < 1e-20


@pytest.mark.parametrize("name", ZERO_AT_TRUTH)
def test_a_constant_error_is_the_square_root_of_the_loss_and_is_pushed_back(name):
    student = Shifted(TRUTH, 0.3)
    loss = ZERO_AT_TRUTH[name](Cast(student, TRUTH.velocity), TRUTH.batch()).loss
    assert slope_of(loss, student) > 0
    if name != "freeflow":  # which asks the teacher at the student's own, wrong, states
        assert loss.item() == pytest.approx(0.09)


def test_meanflow_from_data_has_its_minimum_at_the_truth():
    objective = MeanFlow(from_teacher=False, derivative=JVP, norm=Squared())
    batch = TRUTH.batch(20_000)
    student = Shifted(TRUTH, 0.0)
    slope = slope_of(objective(Cast(student, TRUTH.velocity), batch).loss, student)
    assert slope == pytest.approx(0, abs=0.03)


def test_difference_approaches_the_forward_derivative_linearly():
    batch = TRUTH.batch()
    t = torch.rand(64, dtype=torch.float64, generator=batch.generator) * 0.5 + 0.4
    r = torch.full_like(t, 0.2)
    v, u = TRUTH.velocity(batch.x0, t), TRUTH.average_velocity(batch.x0, t, r)
    truth = (v - u) / (t - r)[:, None]
    arguments = (TRUTH.average_velocity, batch.x0, t, r, v, None)
    assert torch.allclose(JVP.along(*arguments, value=u), truth)
    errors = [
        (FiniteDifference(h).along(*arguments, value=u) - truth).abs().max() for h in (0.02, 0.01)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)


def test_difference_in_the_end_agrees_with_the_forward_derivative():
    batch = TRUTH.batch()
    r = torch.linspace(0, 1, 64, dtype=torch.float64)[:-1]
    z = batch.x0[:-1]
    one = torch.ones_like(r)
    u = TRUTH.average_velocity(z, one, r)
    arguments = (TRUTH.average_velocity, z, one, r, None)
    exact = JVP.in_end(*arguments, value=u)
    near = FiniteDifference(1e-5).in_end(*arguments, value=u)
    assert torch.allclose(near[5:-5], exact[5:-5], atol=1e-3)


def test_difference_needs_a_positive_step():
    with pytest.raises(InputError, match="positive"):
        FiniteDifference(0.0)


def test_velocity_distillation_sees_no_gap_at_the_truth():
    objective = VelocityMatching(distillation_weight=1.0, derivative=JVP)
    result = objective(EXACT, TRUTH.batch())
    assert result.figures["vd_gap"] < 1e-20


@pytest.mark.parametrize(("exact_factor", "factor"), [(True, 0.5), (False, 1.0)])
def test_velocity_distillation_pushes_by_the_gap_times_its_factor(exact_factor, factor):
    # A constant shift is a gap of that size; E(1 - t) is 1/2 for uniform times.
    student = Shifted(TRUTH, 0.3)
    cast = Cast(student, TRUTH.velocity)

    def slope(weight):
        objective = VelocityMatching(
            times=UniformTimes(),
            distillation_weight=weight,
            derivative=JVP,
            exact_factor=exact_factor,
        )
        return slope_of(objective(cast, TRUTH.batch(256)).loss, student)

    assert slope(1.0) - slope(0.0) == pytest.approx(2 * 0.3 * factor, rel=0.02)


def test_released_stabiliser_all_but_removes_the_derivative():
    student = Shifted(TRUTH, 0.0)
    wide = torch.randn(8, 4000, dtype=torch.float64)
    batch = Batch(wide, None, torch.Generator().manual_seed(0))
    cast = Cast(student, TRUTH.velocity)
    errors = {
        kind: VelocityMatching(derivative=JVP, stabiliser=kind)(cast, batch).loss.item()
        for kind in ("none", "rms", "released")
    }
    assert errors["none"] < 1e-20 and errors["rms"] < 1e-20
    assert errors["released"] > 1e-3


def test_rms_stabiliser_limits_each_sample():
    student = Shifted(TRUTH, 0.0)
    objective = VelocityMatching(derivative=JVP, stabiliser="rms", limit=1e-9)
    loss = objective(Cast(student, TRUTH.velocity), TRUTH.batch()).loss
    assert loss.item() > 1e-3


def test_consistency_error_falls_with_the_fourth_power_of_the_interval():
    losses = [
        PhasedConsistency(5, n, Squared())(EXACT, TRUTH.batch(4000)).loss.item() for n in (50, 100)
    ]
    assert losses[0] / losses[1] == pytest.approx(16, rel=0.35)


def test_consistency_jumps_end_at_the_bounds_of_phases():
    asked = []

    def student(x, t, r, cond):
        asked.append((t, r))
        return torch.zeros_like(x)

    PhasedConsistency(phases=5)(Cast(student, TRUTH.velocity), TRUTH.batch(500))
    for t, r in asked:
        assert torch.allclose(r * 5, (r * 5).round())
        assert bool(((t - r) > -1e-9).all()) and bool(((t - r) < 0.2 + 1e-9).all())


def test_consistency_takes_the_slow_copy_for_the_target():
    student, slow = Shifted(TRUTH, 0.2), Shifted(TRUTH, 0.2)
    objective = PhasedConsistency(1, norm=Squared())
    cast = Cast(student, TRUTH.velocity, averaged=slow)
    objective(cast, TRUTH.batch()).loss.backward()
    assert student.shift.grad is not None and student.shift.grad > 0
    assert slow.shift.grad is None


def test_consistency_needs_whole_phases():
    with pytest.raises(InputError, match="do not divide"):
        PhasedConsistency(3, 100)


def guided_teacher(weight):
    def network(x, t, cond):
        return TRUTH.velocity(x, t, cond)

    return GuidedTeacher(network, weight, torch.zeros_like)


def test_guided_teacher_agrees_with_the_guided_field():
    x = torch.randn(4, 3, dtype=torch.float64)
    cond = torch.full((4, 1), 0.5, dtype=torch.float64)
    t = torch.full((4,), 0.6, dtype=torch.float64)
    field = Guided(NetworkField(TRUTH.velocity), ClassifierFree(3.0), torch.zeros_like(cond))
    assert torch.allclose(guided_teacher(3.0)(x, t, cond), field(x, 0.6, cond).value)
    assert torch.equal(guided_teacher(1)(x, t, cond), TRUTH.velocity(x, t, cond))


def test_guidance_distillation_draws_weights_for_both_networks():
    cond = torch.full((64, 1), 0.5, dtype=torch.float64)
    batch = TRUTH.batch()
    batch = Batch(batch.x0, cond, batch.generator)
    teacher, seen = guided_teacher(1.0), []

    def student(x, t, r, cond):
        assert isinstance(cond, WithWeight)
        seen.append(cond.weight)
        return teacher(x, t, cond)

    loss = GuidanceDistillation(weights=(2.0, 5.0))(Cast(student, teacher), batch).loss
    assert loss.item() == 0
    assert 2 <= seen[0].min() < 2.5 and 4.5 < seen[0].max() <= 5


def test_freeflow_correction_pulls_a_shifted_student_back():
    # Its samples are N(mean - .2, std), whose velocity the critic knows.
    student = Shifted(TRUTH, 0.2)
    made = Gaussian(TRUTH.mean - 0.2, TRUTH.std)
    cast = Cast(student, TRUTH.velocity, critic=made.velocity)
    batch = TRUTH.batch(2000)
    without, with_it = (
        slope_of(FreeFlow(derivative=JVP, correction_weight=w)(cast, batch).loss, student)
        for w in (0.0, 1.0)
    )
    assert with_it > without > 0


def test_freeflow_correction_needs_a_critic():
    with pytest.raises(InputError, match="critic"):
        FreeFlow(derivative=JVP, correction_weight=1.0)(EXACT, TRUTH.batch())


REFLOWS = {
    "reflow": Reflow(),
    "rf++": Reflow(UShapedTimes(), PseudoHuber(), data_weighted=True),
    "rectified diffusion": Reflow(norm=PseudoHuber(1e-3, elementwise=True), in_data=True),
    "jump to the end": Reflow(from_end=True),
}


@pytest.mark.parametrize("name", REFLOWS)
def test_reflow_is_zero_on_straight_pairs(name):
    # x_0 = m + s eps lies on a line to its noise that only one point x_t belongs to.
    batch = TRUTH.batch()
    noise = (batch.x0 - TRUTH.mean) / TRUTH.std
    batch = Batch(batch.x0, None, batch.generator, noise)

    def student(x, t, r, cond):
        scale = ((1 - t) * TRUTH.std + t)[:, None]
        eps = (x - (1 - t)[:, None] * TRUTH.mean) / scale
        return eps - (TRUTH.mean + TRUTH.std * eps)

    right = REFLOWS[name](Cast(student, TRUTH.velocity), batch).loss
    wrong = REFLOWS[name](EXACT, batch).loss
    assert right < 1e-12 < 1e-6 < wrong


def test_reflow_needs_the_noise_of_its_data():
    with pytest.raises(InputError, match="pairs"):
        Reflow()(EXACT, TRUTH.batch())


def test_jump_loss_is_zero_on_trajectories_of_the_teacher():
    x = TRUTH.batch().x0
    t, r = torch.full((64,), 0.9).double(), torch.full((64,), 0.3).double()
    error = jump_loss(TRUTH.average_velocity, x, TRUTH.carry(x, t, r), t, r)
    assert error.shape == (64,) and error.max() < 1e-25

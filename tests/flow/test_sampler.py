import pytest
import torch
from torch import Tensor

from gen3d.errors import CancelledError, InputError
from gen3d.flow import (
    DENSE,
    CancelHook,
    ClassifierFree,
    Euler,
    Heun,
    Hook,
    NetworkField,
    PreviewHook,
    ProgressHook,
    ShiftedSchedule,
    Solver,
    Step,
    item_generators,
    sample,
)
from tests.flow.oracle import Mixture, gaussian


class Sink:
    def __init__(self) -> None:
        self.events: list[object] = []

    def stage_started(self, name: str, total: int | None) -> None:
        self.events.append((name, total))

    def advance(self, n: int = 1, **info: float | str) -> None:
        self.events.append(info["t"])

    def stage_finished(self) -> None:
        self.events.append("finished")


def noise(batch: int = 4, seed: int = 1) -> Tensor:
    return DENSE.randn((batch, 5, 3), item_generators(seed, batch))


@pytest.mark.parametrize(("solver", "price"), [(Euler(), 10), (Heun(), 19)])
def test_evaluations_are_counted(solver: Solver, price: int) -> None:
    result = sample(Mixture(), noise(), steps=10, solver=solver)
    assert result.evaluations == price
    assert result.trajectory is None


def test_same_seed_gives_the_same_bits() -> None:
    first, second = (sample(Mixture(), noise(), steps=6, solver=Heun()).x0 for _ in range(2))
    assert torch.equal(first, second)


def test_an_item_does_not_depend_on_its_batch() -> None:
    guidance, cond = ClassifierFree(2.0), torch.tensor([[[0.5]], [[-0.5]], [[1.0]], [[0.0]]])

    def run(batch: int) -> Tensor:
        return sample(
            Mixture(),
            noise(batch),
            steps=6,
            cond=cond[:batch],
            uncond=torch.zeros(1, 1, 1),
            guidance=guidance,
        ).x0

    assert torch.equal(run(4)[:1], run(1))
    assert torch.equal(run(4)[:3], run(3))


def test_trajectory_runs_from_noise_to_data() -> None:
    result = sample(Mixture(), noise(), steps=6, keep_trajectory=True)
    assert result.trajectory is not None
    assert result.trajectory.shape == (7, 4, 5, 3)
    assert torch.equal(result.trajectory[0], noise())
    assert torch.equal(result.trajectory[-1], result.x0)


def test_half_precision_noise_is_widened() -> None:
    assert sample(Mixture(), noise().bfloat16(), steps=2).x0.dtype == torch.float32


def test_progress_reports_each_step_and_the_end() -> None:
    sink = Sink()
    sample(Mixture(), noise(), steps=4, hooks=[ProgressHook(sink)])
    assert sink.events == [("sampling", 4), 0.75, 0.5, 0.25, 0.0, "finished"]


def test_cancelling_stops_and_still_closes_the_stage() -> None:
    sink = Sink()
    steps_made: list[Step] = []

    class Watch(Hook):
        def on_step(self, step: Step) -> None:
            steps_made.append(step)

    cancel = CancelHook(lambda: len(steps_made) == 2)
    with pytest.raises(CancelledError, match="after 2 of 9 steps"):
        sample(Mixture(), noise(), steps=9, hooks=[Watch(), ProgressHook(sink), cancel])
    assert len(steps_made) == 2
    assert sink.events[-1] == "finished"


def test_previews_come_on_time_and_end_with_the_result() -> None:
    shown: list[tuple[int, Tensor]] = []
    preview = PreviewHook(lambda x0, step: shown.append((step.index, x0)), every=3)
    result = sample(Mixture(), noise(), steps=7, hooks=[preview])
    assert [index for index, _ in shown] == [2, 5, 6]
    torch.testing.assert_close(shown[-1][1], result.x0)


def test_the_preview_of_a_straight_flow_is_its_end() -> None:
    shown: list[Tensor] = []
    preview = PreviewHook(lambda x0, step: shown.append(x0))
    sample(gaussian(0.25, 0.0), noise(), steps=4, hooks=[preview])
    for x0 in shown:
        torch.testing.assert_close(x0, torch.full_like(x0, 0.25))


def test_watching_x0_changes_nothing_and_replacing_it_chains() -> None:
    class Watch(Hook):
        seen = 0

        def on_x0(self, x0: Tensor, x: Tensor, t: float) -> Tensor | None:
            self.seen += 1
            return None

    class Constant(Hook):
        def on_x0(self, x0: Tensor, x: Tensor, t: float) -> Tensor | None:
            return torch.full_like(x0, 4.0)

    class Halve(Hook):
        def on_x0(self, x0: Tensor, x: Tensor, t: float) -> Tensor | None:
            return x0 / 2

    watch = Watch()
    plain = sample(Mixture(), noise(), steps=5, solver=Heun()).x0
    watched = sample(Mixture(), noise(), steps=5, solver=Heun(), hooks=[watch]).x0
    assert torch.equal(watched, plain)
    assert watch.seen == 9
    replaced = sample(Mixture(), noise(), steps=5, hooks=[Constant(), Halve()]).x0
    torch.testing.assert_close(replaced, torch.full_like(replaced, 2.0))


def test_a_hook_may_replace_the_state() -> None:
    class Pin(Hook):
        def on_x(self, x: Tensor, t: float) -> Tensor | None:
            return torch.cat([torch.full_like(x[:1], 9.0), x[1:]])

    plain = sample(Mixture(), noise(), steps=5).x0
    pinned = sample(Mixture(), noise(), steps=5, hooks=[Pin()]).x0
    assert (pinned[0] == 9).all()
    assert torch.equal(pinned[1:], plain[1:])


def test_gradients_flow_only_if_asked() -> None:
    field = NetworkField(lambda x, t, cond: x * scale)
    scale = torch.tensor(0.5, requires_grad=True)
    assert not sample(field, noise(), steps=3).x0.requires_grad
    result = sample(field, noise(), steps=3, differentiable=True).x0
    (slope,) = torch.autograd.grad(result.sum(), scale)
    # x_0 = (1 - scale / 3)^3 x_T
    expected = -((1 - scale.detach() / 3) ** 2) * noise().sum()
    torch.testing.assert_close(slope, expected)


def test_shifted_schedules_are_walked_as_given() -> None:
    times: list[float] = []

    class Watch(Hook):
        def on_step(self, step: Step) -> None:
            times.append(step.s)

    schedule = ShiftedSchedule(3.0)
    sample(Mixture(), noise(), steps=5, schedule=schedule, hooks=[Watch()])
    assert times == schedule.grid(5)[:-1].tolist()


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 step"):
        sample(Mixture(), noise(), steps=0)
    with pytest.raises(InputError, match="floats"):
        sample(Mixture(), torch.zeros(2, 3, dtype=torch.int64), steps=1)
    with pytest.raises(InputError, match="does not determine"):
        sample(Mixture(kind="eps"), noise(), steps=1)

"""The sampler: from noise to data along a schedule."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import BoundField, CountedField, Field, X0Hook
from gen3d.flow.guidance import Guidance, Guided
from gen3d.flow.hooks import Hook, Step
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.schedules import UNIFORM, Schedule
from gen3d.flow.solvers import EULER, History, Solver


@dataclass(frozen=True)
class SampleResult:
    """What a run gives.

    Attributes:
        x0: The state at the end of the schedule: the data, where that is t = 0.
        evaluations: Network evaluations per sample; a guided step counts both of its halves.
        trajectory: All states from the first to the last, if they were asked for.
    """

    x0: Float[Tensor, "*shape"]
    evaluations: int
    trajectory: Float[Tensor, "steps_plus_1 ..."] | None = None


def sample(
    field: Field,
    x_T: Float[Tensor, "*shape"],
    *,
    steps: int,
    cond: Condition = None,
    guidance: Guidance | None = None,
    uncond: Condition = None,
    apart: bool = False,
    schedule: Schedule = UNIFORM,
    solver: Solver = EULER,
    hooks: Sequence[Hook] = (),
    reducer: Reducer = DENSE,
    keep_trajectory: bool = False,
    differentiable: bool = False,
) -> SampleResult:
    """Carry ``x_T`` from the first time of a schedule to its last.

    Args:
        field: The generative field.
        x_T: The state at the schedule's first time, as a rule noise from ``reducer.randn``. It is
            widened to float32 if it is narrower, and stays so.
        steps: Steps to make, at least 1.
        cond: Handed to the field.
        guidance: Rule of guidance; None for the conditional field alone.
        uncond: The condition that stands for "none"; used under guidance only.
        apart: Ask for the guided and the unguided half one after the other: see `Guided`.
        schedule: Where the steps lie.
        solver: How a step is made.
        hooks: Called in this order; each sees what the one before it changed.
        reducer: Knows the samples in ``x_T``.
        keep_trajectory: Whether to return every state.
        differentiable: Whether gradients shall flow through the run.

    Raises:
        InputError: ``steps`` is less than 1, or ``x_T`` holds no floats.
        CancelledError: A hook stopped the run.

    Example:
        >>> field = NetworkField(network)
        >>> noise = DENSE.randn((4, 256, 32), item_generators(seed, 4))
        >>> rule = ClassifierFree(3.0, interval=(0.1, 1.0))
        >>> latents = sample(field, noise, steps=16, cond=text, guidance=rule, uncond=empty).x0
    """
    if not x_T.is_floating_point():
        raise InputError(f"x_T must hold floats, got {x_T.dtype}")
    guided, counted = guided_field(field, guidance, uncond, reducer, apart=apart)
    bound = BoundField(guided, cond, _x0_hook(hooks))
    times: list[float] = schedule.grid(steps).tolist()
    x = x_T.to(torch.promote_types(x_T.dtype, torch.float32))
    trajectory = [x]
    history: History = ()
    with torch.set_grad_enabled(differentiable), _announced(hooks, steps):
        for index, (s, t) in enumerate(itertools.pairwise(times)):
            x_s = x
            x, history = solver.step(bound, x_s, s, t, history)
            x = _after_hooks(hooks, x, t)
            if keep_trajectory:
                trajectory.append(x)
            step = Step(index, steps, s, t, x_s, x, field.path)
            for hook in hooks:
                hook.on_step(step)
    return SampleResult(
        x0=x,
        evaluations=counted.rows // max(reducer.batch_size(x), 1),
        trajectory=torch.stack(trajectory) if keep_trajectory else None,
    )


def guided_field(
    field: Field,
    guidance: Guidance | None,
    uncond: Condition,
    reducer: Reducer = DENSE,
    *,
    apart: bool = False,
) -> tuple[Field, CountedField]:
    """Put guidance, if any, on a field whose evaluations are counted; return both fields."""
    counted = CountedField(field, reducer)
    if guidance is None:
        return counted, counted
    return Guided(counted, guidance, uncond, reducer, apart=apart), counted


@contextlib.contextmanager
def _announced(hooks: Sequence[Hook], steps: int) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for hook in hooks:
            hook.on_start(steps)
            stack.callback(hook.on_end)
        yield


def _x0_hook(hooks: Sequence[Hook]) -> X0Hook | None:
    """Chain the hooks that look at x_0; None if none does, which saves the conversions."""
    watchers = [hook for hook in hooks if type(hook).on_x0 is not Hook.on_x0]
    if not watchers:
        return None

    def on_x0(x0: Tensor, x: Tensor, t: float) -> Tensor | None:
        latest = x0
        for hook in watchers:
            changed = hook.on_x0(latest, x, t)
            latest = latest if changed is None else changed
        return None if latest is x0 else latest

    return on_x0


def _after_hooks(hooks: Sequence[Hook], x: Tensor, t: float) -> Tensor:
    for hook in hooks:
        changed = hook.on_x(x, t)
        x = x if changed is None else changed
    return x

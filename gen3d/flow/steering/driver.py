"""The one driver of all ways of steering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import BoundField, CountedField, Field
from gen3d.flow.guidance import Guidance, Guided
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.schedules import UNIFORM, Schedule
from gen3d.flow.steering.problem import Objective, Problem, SteeringMethod


@dataclass(frozen=True)
class SteerResult:
    """What steering gives.

    Attributes:
        x0: The data.
        loss: The objective of each sample.
        evaluations: Network evaluations per sample; gradients through the network not counted.
    """

    x0: Float[Tensor, "*shape"]
    loss: Float[Tensor, " batch"]
    evaluations: int


def steer(
    field: Field,
    objective: Objective,
    x: Float[Tensor, "*shape"],
    *,
    method: SteeringMethod,
    steps: int,
    cond: Condition = None,
    guidance: Guidance | None = None,
    uncond: Condition = None,
    schedule: Schedule = UNIFORM,
    generators: Sequence[torch.Generator] = (),
    reducer: Reducer = DENSE,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> SteerResult:
    """Make data with a flow that fulfils an objective which the flow was not trained for.

    Args:
        field: The generative field.
        objective: Loss of each sample as a function of the data, differentiable.
        x: Where to start. Methods whose ``starts_from`` is ``noise``: the state at the schedule's
            first time; ``data``: an estimate of the data.
        method: How: ``FlowChef``, ``FLAIR``, ``FlowOpt`` or ``AdjointDPM``.
        steps: Steps of the schedule, at least 1.
        cond: Handed to the field.
        guidance: Rule of guidance; None for the conditional field alone.
        uncond: The condition that stands for "none"; used under guidance only.
        schedule: Where the steps lie.
        generators: One CPU generator per sample, for methods that draw noise.
        reducer: Knows the samples in ``x``.
        report: Called after every round with its number, from 1, and that of all rounds; may raise
            to stop.

    Raises:
        InputError: ``x`` holds no floats, the number of generators is not that of the samples, or
            the method cannot work with what it got.

    Example:
        >>> known = squared_distance(target, mask)
        >>> steer(field, known, noise, method=FlowChef(rate=1.0), steps=20).x0
    """
    if not x.is_floating_point():
        raise InputError(f"x must hold floats, got {x.dtype}")
    if generators and len(generators) != reducer.batch_size(x):
        raise InputError(
            f"expected one generator per sample ({reducer.batch_size(x)}), got {len(generators)}"
        )
    counted = CountedField(field, reducer)
    guided: Field = counted
    if guidance is not None:
        guided = Guided(counted, guidance, uncond, reducer)
    problem = Problem(
        field=BoundField(guided, cond),
        objective=objective,
        times=tuple(schedule.grid(steps).tolist()),
        generators=tuple(generators),
        reducer=reducer,
        report=report,
    )
    x0 = method.run(problem, x.to(torch.promote_types(x.dtype, torch.float32)))
    with torch.no_grad():
        loss = objective(x0)
    return SteerResult(x0, loss, counted.rows // max(reducer.batch_size(x), 1))

"""Sampling with stochastic steps, keeping what a policy gradient needs of each."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import BoundField, Field
from gen3d.flow.guidance import Guidance
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.sampler import guided_field
from gen3d.flow.schedules import UNIFORM, Schedule
from gen3d.flow.solvers import EULER, History, Solver
from gen3d.flow.stochastic.step import StochasticStep


@dataclass(frozen=True)
class Move:
    """One stochastic step that was made.

    Under another policy its density is ``step.transition(field, x_s, s, t, history)`` at ``x_t``.

    Attributes:
        index: Number of the step in the run, from 0.
        s: Time before.
        t: Time after.
        x_s: State before.
        x_t: State after.
        history: What the step knew of the ones before it.
        mean: Mean of the kernel.
        std: Standard deviation of the kernel.
        log_prob: Log-density of ``x_t`` per sample, as a mean over its elements.
    """

    index: int
    s: float
    t: float
    x_s: Float[Tensor, "*shape"]
    x_t: Float[Tensor, "*shape"]
    history: History
    mean: Float[Tensor, "*shape"]
    std: float | Tensor
    log_prob: Float[Tensor, " batch"]


@dataclass(frozen=True)
class Rollout:
    """A run with stochastic steps.

    Attributes:
        x0: The state at the end of the schedule.
        moves: The stochastic steps, in order.
        evaluations: Network evaluations per sample; a guided step counts both of its halves.
    """

    x0: Float[Tensor, "*shape"]
    moves: tuple[Move, ...]
    evaluations: int


def sample_stochastic(
    field: Field,
    x_T: Float[Tensor, "*shape"],
    *,
    step: StochasticStep,
    steps: int,
    generators: Sequence[torch.Generator],
    window: Collection[int] | None = None,
    cond: Condition = None,
    guidance: Guidance | None = None,
    uncond: Condition = None,
    schedule: Schedule = UNIFORM,
    solver: Solver = EULER,
    reducer: Reducer = DENSE,
    differentiable: bool = False,
) -> Rollout:
    """Carry ``x_T`` along a schedule by stochastic steps inside a window, by a solver outside.

    The last step of a schedule that ends at t = 0 belongs to the solver, unless the window says
    otherwise: noise added there would stay in the data. A solver and a stochastic step do not
    read each other's history; each starts afresh where it takes over.

    Args:
        field: The generative field.
        x_T: The state at the schedule's first time; widened to float32 if it is narrower.
        step: The rule of the stochastic steps.
        steps: Steps to make, at least 1.
        generators: One CPU generator per sample, for the noise of the steps.
        window: Indices of the stochastic steps; None: all that do not reach t = 0.
        cond: Handed to the field.
        guidance: Rule of guidance; None for the conditional field alone.
        uncond: The condition that stands for "none"; used under guidance only.
        schedule: Where the steps lie.
        solver: How the other steps are made.
        reducer: Knows the samples in ``x_T``.
        differentiable: Whether gradients shall flow through the run.

    Raises:
        InputError: ``steps`` is less than 1, the window lies outside of them or holds a step
            without noise, ``x_T`` holds no floats, or the generators are not one per sample.

    Example:
        >>> rollout = sample_stochastic(
        ...     field, noise, step=FlowSDE(0.7), steps=10, generators=item_generators(seed, 8)
        ... )
        >>> old = [move.log_prob for move in rollout.moves]
    """
    if not x_T.is_floating_point():
        raise InputError(f"x_T must hold floats, got {x_T.dtype}")
    guided, counted = guided_field(field, guidance, uncond, reducer)
    bound = BoundField(guided, cond)
    times: list[float] = schedule.grid(steps).tolist()
    noisy = set(range(steps - (times[-1] == 0)) if window is None else window)
    if not noisy <= set(range(steps)):
        raise InputError(f"the window must lie in 0..{steps - 1}, got {sorted(noisy)}")
    x = x_T.to(torch.promote_types(x_T.dtype, torch.float32))
    moves: list[Move] = []
    history: History = ()
    with torch.set_grad_enabled(differentiable):
        for index, (s, t) in enumerate(itertools.pairwise(times)):
            if index and (index in noisy) != (index - 1 in noisy):
                history = ()
            if index in noisy:
                x, history = _move(bound, step, x, index, s, t, history, generators, reducer, moves)
            else:
                x, history = solver.step(bound, x, s, t, history)
    return Rollout(x, tuple(moves), counted.rows // max(reducer.batch_size(x), 1))


def _move(
    field: BoundField,
    step: StochasticStep,
    x: Tensor,
    index: int,
    s: float,
    t: float,
    history: History,
    generators: Sequence[torch.Generator],
    reducer: Reducer,
    moves: list[Move],
) -> tuple[Tensor, History]:
    kernel, after = step.transition(field, x, s, t, history)
    x_t = kernel.sample(reducer.randn(x.shape, generators, device=x.device, dtype=x.dtype))
    log_prob = kernel.log_prob(x_t, reducer)
    moves.append(Move(index, s, t, x, x_t, history, kernel.mean, kernel.std, log_prob))
    return x_t, after

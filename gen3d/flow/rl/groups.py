"""Rollouts of groups that share their noise up to the window, as MixGRPO samples them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition, spread_condition
from gen3d.flow.fields import CountedField, Field
from gen3d.flow.guidance import Guidance
from gen3d.flow.sampler import sample
from gen3d.flow.schedules import UNIFORM, FixedSchedule, Schedule
from gen3d.flow.solvers import EULER, Solver
from gen3d.flow.stochastic import Move, StochasticStep, sample_stochastic


@dataclass(frozen=True)
class GroupRollout:
    """Groups of runs, the members of a group one after the other.

    Attributes:
        x0: Where the runs ended.
        moves: The stochastic steps.
        evaluations: Network evaluations of all runs together.
    """

    x0: Float[Tensor, "groups_times_members ..."]
    moves: tuple[Move, ...]
    evaluations: int


@dataclass(frozen=True)
class Policy:
    """What acts: a field under guidance.

    Attributes:
        field: The generative field.
        cond: One condition per group.
        guidance: Rule of guidance; None for the conditional field alone.
        uncond: The condition that stands for "none", one per group.
    """

    field: Field
    cond: Condition = None
    guidance: Guidance | None = None
    uncond: Condition = None

    def repeated(self, times: int) -> Policy:
        """Return the policy for so many samples of each group in place of one."""
        return dataclasses.replace(
            self,
            cond=spread_condition(self.cond, times),
            uncond=spread_condition(self.uncond, times),
        )


def sample_groups(
    policy: Policy,
    x_T: Float[Tensor, "groups ..."],
    *,
    members: int,
    step: StochasticStep,
    steps: int,
    window: range,
    generators: Sequence[torch.Generator],
    schedule: Schedule = UNIFORM,
    solver: Solver = EULER,
    after: Solver | None = None,
    after_ratio: float = 1.0,
) -> GroupRollout:
    """Carry one noise per group to the window, split it into members there, and finish them.

    MixGRPO (arXiv 2507.21802, algorithm 1): members of a group start from equal noise and differ
    by what the window adds. The steps before it are therefore made once per group. Its Flash
    variant makes the steps after the window with a solver of higher order, and fewer of them.

    Args:
        policy: What acts.
        x_T: Noise, one per group.
        members: Samples of each group.
        step: The rule of the stochastic steps.
        steps: Steps of a run.
        window: The stochastic steps.
        generators: One per sample, all members of a group one after the other.
        schedule: Where the steps lie.
        solver: Of the steps before the window, and after it by default.
        after: Of the steps after the window; DPM-Solver++ 2M in MixGRPO-Flash.
        after_ratio: How many of these are made, 0 to 1; 0.4 in MixGRPO-Flash.

    Raises:
        InputError: The window does not lie in the run, or a number is out of range.
    """
    if not 0 <= window.start < window.stop <= steps or window.step != 1:
        raise InputError(f"the window {window} does not lie in {steps} steps")
    if not 0 < after_ratio <= 1:
        raise InputError(f"the ratio of later steps must lie in 0..1, got {after_ratio}")
    times: list[float] = schedule.grid(steps).tolist()
    counted = CountedField(policy.field)
    one = dataclasses.replace(policy, field=counted)
    x = follow(one, x_T, times[: window.start + 1], solver)
    many = one.repeated(members)
    inside = times[window.start : window.stop + 1]
    noisy = sample_stochastic(
        counted,
        x.repeat_interleave(members, 0),
        step=step,
        steps=len(window),
        window=range(len(window)),
        generators=generators,
        cond=many.cond,
        guidance=many.guidance,
        uncond=many.uncond,
        schedule=FixedSchedule.of(inside),
    )
    rest = compressed(times[window.stop :], after_ratio)
    x0 = follow(many, noisy.x0, rest, after or solver)
    moves = tuple(dataclasses.replace(m, index=m.index + window.start) for m in noisy.moves)
    return GroupRollout(x0, moves, counted.rows)


def follow(
    policy: Policy, x: Float[Tensor, "batch ..."], times: Sequence[float], solver: Solver
) -> Float[Tensor, "batch ..."]:
    """Carry states along the flow through given times; a single time is where they are."""
    if len(times) < 2:
        return x
    return sample(
        policy.field,
        x,
        steps=len(times) - 1,
        cond=policy.cond,
        guidance=policy.guidance,
        uncond=policy.uncond,
        schedule=FixedSchedule.of(times),
        solver=solver,
    ).x0


def compressed(times: Sequence[float], ratio: float) -> list[float]:
    """Return fewer times of the same spacing: a share ``ratio`` of the steps, at least one.

    Example:
        >>> compressed([0.8, 0.6, 0.4, 0.2, 0.0], 0.5)
        [0.8, 0.4, 0.0]
    """
    steps = len(times) - 1
    if steps < 1:
        return list(times)
    kept = max(1, int(ratio * steps))
    positions = torch.linspace(0, steps, kept + 1, dtype=torch.float64)
    low = positions.floor().long().clamp(max=steps - 1)
    known = torch.tensor(times, dtype=torch.float64)
    return torch.lerp(known[low], known[low + 1], positions - low).tolist()

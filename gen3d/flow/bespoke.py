"""Bespoke solvers: the weights of a linear multistep method, fitted to one field.

Shaul et al. 2024 (arXiv 2403.01329): with few evaluations no general rule is good, but all of them
are ``x_{i+1} = a_i x_T + sum_{j <= i} b_ij v_j``, and these few numbers can be fitted to a field.
The network stays as it is. Since a step may ask the conditional or the unconditional velocity
alone (`StepwiseClassifierFree` with the weights 1 and 0), guidance needs no second evaluation at
every step: its difference is carried on by the weights.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.guidance import StepwiseClassifierFree
from gen3d.flow.schedules import FixedSchedule
from gen3d.flow.solvers import Evaluation, History, Solver
from gen3d.flow.solvers.solver import entries

_KIND = "bespoke"


@dataclass(frozen=True)
class BespokeSolver(Solver):
    """``x_{i+1} = a_i x_T + sum_{j <= i} b_ij v_j`` at the times that it was fitted for.

    Hooks that change the state have no lasting effect: every state is made from the noise anew.

    Args:
        times: ``t_0 > ... > t_n``; the schedule must be `FixedSchedule` of them.
        guidance: Weight of guidance at each of the n evaluations: 1 asks the conditional and 0
            the unconditional velocity, for one evaluation; any other takes two.
        noise: a, one per step.
        velocities: b, row i with i + 1 weights.

    Raises:
        InputError: The numbers do not fit each other.
    """

    times: tuple[float, ...]
    guidance: tuple[float, ...]
    noise: tuple[float, ...]
    velocities: tuple[tuple[float, ...], ...]

    order: ClassVar[int] = 1  # of no meaning: there is no finer grid to go to
    evaluations: ClassVar[int] = 1

    def __post_init__(self) -> None:
        steps = FixedSchedule(self.times).steps
        rows = [len(row) for row in self.velocities]
        lengths = (len(self.guidance), len(self.noise))
        if lengths != (steps, steps) or rows != list(range(1, steps + 1)):
            raise InputError(
                f"{steps} steps need as many weights of guidance and noise, and rows of 1 to "
                f"{steps} weights; got {lengths[0]}, {lengths[1]} and {rows}"
            )

    def to_json(self) -> str:
        """Return the solver as JSON, which keeps every number exactly."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> BespokeSolver:
        """Read what `to_json` wrote.

        Raises:
            InputError: The text is something else.
        """
        try:
            values = json.loads(text)
            return cls(
                times=tuple(values["times"]),
                guidance=tuple(values["guidance"]),
                noise=tuple(values["noise"]),
                velocities=tuple(tuple(row) for row in values["velocities"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"this is no bespoke solver: {error}") from error

    @property
    def schedule(self) -> FixedSchedule:
        """The schedule to sample with."""
        return FixedSchedule(self.times)

    @property
    def rule(self) -> StepwiseClassifierFree:
        """The guidance to sample with."""
        return StepwiseClassifierFree(self.times, self.guidance)

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Evaluate, then add up all that is known.

        Raises:
            InputError: The step is not the one that follows on the history.
        """
        # The oldest entry is the noise itself, all others are velocities.
        started = entries(history, _KIND) or (Evaluation(s, x, _KIND),)
        index = len(started) - 1
        if (s, t) != self.times[index : index + 2]:
            raise InputError(
                f"step {index} was fitted for {self.times[index : index + 2]}, got {(s, t)}"
            )
        known = (Evaluation(s, field.velocity(x, s), _KIND), *started)
        weights = (*reversed(self.velocities[index]), self.noise[index])
        reached = sum(
            (weight * entry.value for weight, entry in zip(weights, known, strict=True)),
            start=torch.zeros_like(x),
        )
        return reached, known


@torch.no_grad()
def fit_bespoke(
    field: BoundField,
    states: Float[Tensor, "steps_plus_1 ..."],
    times: Float64[Tensor, " steps_plus_1"],
    guidance: tuple[float, ...],
    *,
    ridge: float = 1e-6,
) -> BespokeSolver:
    """Fit one step after the other by least squares, each from where the fitted ones have led.

    In closed form and with one run of the solver; the paper descends the gradient of the last
    state's error instead.

    Args:
        field: The field under ``StepwiseClassifierFree(times, guidance)``, with its condition.
        states: A fine reference's states at the times, on a few samples.
        times: Of the steps, falling.
        guidance: See `BespokeSolver`.
        ridge: Keeps weights small, relative to the mean square of what they weigh.

    Raises:
        InputError: The numbers do not fit each other.
    """
    moments = tuple(times.tolist())
    basis = [states[0]]
    x, noise, velocities = states[0], [], []
    for (s, _), target in zip(itertools.pairwise(moments), states[1:], strict=True):
        basis.append(field.velocity(x, s))
        weights = _least_squares(torch.stack(basis), target, ridge)
        x = torch.einsum("k,k...->...", weights.to(x), torch.stack(basis))
        noise.append(weights[0].item())
        velocities.append(tuple(weights[1:].tolist()))
    return BespokeSolver(moments, guidance, tuple(noise), tuple(velocities))


def _least_squares(
    basis: Float[Tensor, "k ..."], target: Float[Tensor, ...], ridge: float
) -> Float64[Tensor, " k"]:
    rows = basis.flatten(1).double()
    gram = rows @ rows.T
    gram.diagonal().mul_(1 + ridge)
    return torch.linalg.solve(gram, rows @ target.flatten().double())

"""Dynamic compensation, DC-Solver (Zhao et al. 2024, arXiv 2409.03755).

A predictor-corrector evaluates x_0 at the point that it predicted, not at the one that it
corrected to. DC-Solver makes up for this misalignment by moving the newest value along the history,
as if it had been made a little earlier or later: to the time ``t' = t_1 + rho (t_0 - t_1)``, by
Lagrange interpolation *in time* of the last three values. One number rho per step is fitted to a
fine trajectory of the same model on a few samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.fields import BoundField
from gen3d.flow.paths import Path
from gen3d.flow.reduce import DENSE, Reducer
from gen3d.flow.solvers.data_history import X0, DataMultistep
from gen3d.flow.solvers.runge_kutta import Heun
from gen3d.flow.solvers.solver import Evaluation, History, Solver
from gen3d.flow.solvers.stretch import weigh_all
from gen3d.flow.solvers.unipc import UniPC

_POINTS = 3
_UNIPC = UniPC(2)
_HEUN = Heun()
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Compensated(Solver):
    """A multistep solver whose newest estimate of x_0 is moved before each step.

    The first two steps, whose history is too short, stay as they are; so does any with ratio 1.

    Args:
        solver: `UniPC` as a rule; any that remembers x_0.
        ratios: rho of each step.
        times: Time at which each step begins. Ratios are fitted to a grid of times and to a
            guidance weight, and say nothing of others.

    Raises:
        InputError: There are not as many ratios as times.
    """

    solver: DataMultistep
    ratios: tuple[float, ...]
    times: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.ratios) != len(self.times):
            raise InputError(
                f"expected a ratio for each of {len(self.times)} times, got {len(self.ratios)}"
            )

    @property
    def order(self) -> int:
        """That of the wrapped solver."""
        return self.solver.order

    @property
    def evaluations(self) -> int:
        """Those of the wrapped solver."""
        return self.solver.evaluations

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Ask, revise, move the answer, advance.

        Raises:
            InputError: The ratios were not fitted for a step from ``s``.
        """
        ratio = next((r for r, u in zip(self.ratios, self.times, strict=True) if _same(u, s)), None)
        if ratio is None:
            raise InputError(
                f"the compensation knows no step from t = {s:.6g}",
                hint=f"sample on the grid that it was fitted to: {self.times}",
            )
        x, past = self.solver.ask(field, x, s, history)
        return self.solver.advance(field.path, x, t, compensated(past, ratio))


def compensated(past: History, ratio: float) -> History:
    """Move the newest of the last three values to ``t_1 + ratio (t_0 - t_1)``; 1 moves nothing."""
    if ratio == 1 or len(past) < _POINTS:
        return past
    times = [entry.t for entry in past[:_POINTS]]
    moved = times[1] + ratio * (times[0] - times[1])
    weights = [
        math.prod((moved - other) / (time - other) for other in times if other != time)
        for time in times
    ]
    value = weigh_all(weights, [entry.value for entry in past[:_POINTS]])
    return (Evaluation(past[0].t, value, X0), *past[1:])


def fit_compensation(
    field: BoundField,
    x_T: Float[Tensor, "*shape"],
    times: Sequence[float],
    *,
    solver: DataMultistep = _UNIPC,
    reference: Solver = _HEUN,
    substeps: int = 20,
    bounds: tuple[float, float] = (0.0, 2.0),
    reducer: Reducer = DENSE,
) -> Compensated:
    """Fit the ratios of a solver's steps, one after the other, to a fine trajectory.

    Each ratio minimises the mean squared distance between the trajectory and the state that its
    step predicts, which takes no evaluation of the field. The authors descend the gradient of the
    state after the next correction, through the network; on a mixture of Gaussians, where held-out
    errors can be measured exactly, that fits the noise-side steps worse and gains less.

    Args:
        field: The field, with its guidance and condition.
        x_T: States at the first time; the paper uses 10.
        times: The grid, from the first time to the last.
        solver: The solver to be compensated.
        reference: Makes the fine trajectory.
        substeps: Steps of the reference in each step of the grid.
        bounds: The least and the greatest ratio.
        reducer: Knows the samples in ``x_T``.

    Raises:
        InputError: Fewer than two times, or bounds that do not contain 1.
    """
    low, high = bounds
    if len(times) < 2 or not low <= 1 <= high:
        raise InputError(f"expected two times or more and bounds around 1, got {times}, {bounds}")
    x, history, ratios = x_T, (), []
    truth = x_T
    with torch.no_grad():
        for s, t in itertools.pairwise(times):
            truth = _refined(field, truth, s, t, reference, substeps)
            x, past = solver.ask(field, x, s, history)
            loss = _StepLoss(solver, field.path, x, t, past, truth, reducer)
            ratio = _minimum(loss, low, high) if len(past) >= _POINTS else 1.0
            ratios.append(ratio)
            x, history = solver.advance(field.path, x, t, compensated(past, ratio))
    return Compensated(solver, tuple(ratios), tuple(times[:-1]))


@dataclass(frozen=True)
class _StepLoss:
    """Distance to the truth of the state that a step predicts, as a function of its ratio."""

    solver: DataMultistep
    path: Path
    x: Tensor
    t: float
    past: History
    truth: Tensor
    reducer: Reducer

    def __call__(self, ratio: float) -> float:
        past = compensated(self.past, ratio)
        x, _ = self.solver.advance(self.path, self.x, self.t, past)
        return float(self.reducer.mean((x - self.truth).square()).mean())


def _refined(
    field: BoundField, x: Tensor, s: float, t: float, solver: Solver, substeps: int
) -> Tensor:
    history: History = ()
    times = torch.linspace(s, t, substeps + 1, dtype=torch.float64).tolist()
    for start, end in itertools.pairwise(times):
        x, history = solver.step(field, x, start, end, history)
    return x


def _minimum(loss: Callable[[float], float], low: float, high: float) -> float:
    """Minimise over a coarse grid and 1, then by the golden section around the best."""
    grid = sorted({1.0, *torch.linspace(low, high, 9, dtype=torch.float64).tolist()})
    losses = [loss(ratio) for ratio in grid]
    best = min(range(len(grid)), key=losses.__getitem__)
    left, right = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    known = {grid[best]: losses[best]}
    for _ in range(6):
        width = _GOLDEN * (right - left)
        inner = (right - width, left + width)
        first, second = (known.setdefault(ratio, loss(ratio)) for ratio in inner)
        left, right = (left, inner[1]) if first < second else (inner[0], right)
    return min(known, key=known.__getitem__)


def _same(s: float, t: float) -> bool:
    return math.isclose(s, t, rel_tol=1e-9, abs_tol=1e-9)

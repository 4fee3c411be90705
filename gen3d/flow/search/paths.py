"""Search over paths: back into the noise and down again, keeping the best each time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from gen3d.errors import InputError
from gen3d.flow.search.candidates import Candidates
from gen3d.flow.search.method import SearchMethod
from gen3d.flow.search.problem import Problem


@dataclass(frozen=True)
class SearchOverPaths(SearchMethod):
    """Re-noise a nearly finished sample several times, solve each down, keep the best, repeat.

    Ma et al. 2025 (arXiv 2501.09732, section 3.3), with the settings of Kim et al. 2025 (arXiv
    2503.19385): one sample is solved to time ``start``; each round adds noise for ``forward`` and
    solves for ``backward``, until t = 0 is reached. Noise is added by the forward kernel

        x_u = (a_u / a_t) x_t + sqrt(b_u^2 - (a_u / a_t)^2 b_t^2) z.

    The budget decides how many ways down a round tries. Steps are equal in time, as many per unit
    as the schedule has over its whole length.

    Args:
        start: Time to which the first sample is solved.
        forward: Time that a round adds.
        backward: Time that a round then takes away; more than ``forward``.

    Raises:
        InputError: The times do not fit each other.
    """

    start: float = 0.12
    forward: float = 0.78
    backward: float = 0.81

    def __post_init__(self) -> None:
        if not (self.start > 0 and self.forward > 0 and self.start + self.forward <= 1):
            raise InputError("start and forward must be positive, with a sum of at most 1")
        if not self.backward > self.forward:
            raise InputError(
                f"a round must end below its start: backward {self.backward} is not more than "
                f"forward {self.forward}"
            )

    def run(self, problem: Problem) -> Candidates:
        """Go up and down."""
        descent = _stretch(problem, problem.times[0], self.start)
        rounds = self._rounds(problem)
        first = problem.solve_price(descent)
        each = sum(
            problem.solve_price(times) + (problem.price(times[-1]) if times[-1] else 0)
            for times in rounds
        )
        problem.require(first + each)
        ways = range((problem.budget - first) // each)
        x, t = problem.solve(problem.noise([0]), descent), self.start
        best: Candidates | None = None
        for times in rounds:
            noisy = self._renoise(problem, x.expand(len(ways), *x.shape[1:]), t, times[0], ways)
            best = problem.estimate(problem.solve(noisy, times), times[-1]).best()
            x, t = best.x, times[-1]
        assert best is not None
        return best

    def _rounds(self, problem: Problem) -> list[list[float]]:
        """Return the times of the way down of each round."""
        count = math.ceil(self.start / (self.backward - self.forward) - 1e-9)
        ends = [self.start - (self.backward - self.forward) * k for k in range(1, count)] + [0.0]
        tops = [self.start + self.forward] + [end + self.forward for end in ends[:-1]]
        return [_stretch(problem, top, end) for top, end in zip(tops, ends, strict=True)]

    def _renoise(
        self, problem: Problem, x: torch.Tensor, t: float, u: float, ways: range
    ) -> torch.Tensor:
        path = problem.field.path
        shrink = path.a(u) / path.a(t)
        spread = math.sqrt(path.b(u) ** 2 - (shrink * path.b(t)) ** 2)
        return shrink * x + spread * problem.noise(ways)


def _stretch(problem: Problem, top: float, end: float) -> list[float]:
    """Return equal steps from ``top`` to ``end``, as dense as the problem's grid."""
    whole = problem.times[0] - problem.times[-1]
    steps = max(1, math.ceil((len(problem.times) - 1) * (top - end) / whole - 1e-9))
    return torch.linspace(top, end, steps + 1, dtype=torch.float64).tolist()

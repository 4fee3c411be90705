"""Best of N: whole samples, as many as the budget pays for."""

from __future__ import annotations

from dataclasses import dataclass

from gen3d.flow.search.candidates import Candidates, better
from gen3d.flow.search.method import SearchMethod
from gen3d.flow.search.problem import Problem


@dataclass(frozen=True)
class BestOfN(SearchMethod):
    """Draw independent samples by the solver and keep the best.

    Sample i does not depend on the budget, so a larger one only adds to what a smaller one tried.

    Args:
        batch: Samples to draw at once.
    """

    batch: int = 8

    def run(self, problem: Problem) -> Candidates:
        """Draw and compare."""
        price = problem.solve_price(problem.times)
        problem.require(price)
        count = problem.budget // price
        best: Candidates | None = None
        for first in range(0, count, self.batch):
            particles = range(first, min(first + self.batch, count))
            x = problem.solve(problem.noise(particles), problem.times)
            best = better(best, problem.estimate(x, problem.times[-1]).best())
        assert best is not None
        return best

"""Rollover budget forcing: what an early success saves is spent where success is harder."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float64
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.schedules import UNIFORM, Schedule
from gen3d.flow.search.candidates import Candidates, better
from gen3d.flow.search.method import SearchMethod
from gen3d.flow.search.problem import Problem
from gen3d.flow.stochastic import PowerSDE, StochasticStep

# Keeps a share such as 0.1 of 200 from falling below the whole number that it means.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class RolloverBudgetForcing(SearchMethod):
    """Kim et al. 2025 (arXiv 2503.19385, algorithm 1).

    Each chain starts from the best of some noises. At every step it draws successors one by one.
    One that beats everything before is accepted at once, and what is left of the step's quota
    rolls over to the next step; if the quota runs out first, the best successor of this step goes
    on. The last stochastic step keeps drawing until the budget is gone. The result is the best
    candidate of the steps that the chains stand at in the end: not the best ever scored, since
    estimates from early times are blurred averages, whose reward means little. Where they are
    samples already, as those of a flow map, ``keep_best`` takes the best ever scored.

    As published it runs on the variance-preserving path with ``g = 3 t^2``: see ``path`` of
    :func:`gen3d.flow.search.search`, and `QuarterCircleSchedule`.

    Args:
        step: The proposal.
        chains: Independent chains, which share the budget evenly.
        seeds: Starting noises of a chain; None: as many as ``seed_share`` allows.
        seed_share: Share of a chain's budget for its starting noises; a tenth as published.
        quota: Evaluated successors per step; None: what spreads the budget over all steps. With
            both numbers given, a larger budget begins as a smaller one does.
        keep_best: Return the best estimate of any time.

    Raises:
        InputError: A number is out of its range.
    """

    step: StochasticStep = field(default_factory=PowerSDE)
    chains: int = 2
    seeds: int | None = None
    seed_share: float = 0.1
    quota: int | None = None
    keep_best: bool = False

    def __post_init__(self) -> None:
        for name, value in (("chains", self.chains), ("seeds", self.seeds), ("quota", self.quota)):
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        if not 0 <= self.seed_share < 1:
            raise InputError(f"seed_share must lie in [0, 1), got {self.seed_share}")

    def run(self, problem: Problem) -> Candidates:
        """Run the chains one after the other; keep the better end."""
        if len(problem.times) < 3:
            raise InputError("rollover budget forcing needs at least 2 steps")
        start = problem.price(problem.times[0])
        problem.require(self.chains * ((self.seeds or 1) * start + problem.run_price))
        best: Candidates | None = None
        for chain in range(self.chains):
            best = better(best, self._run_chain(problem, chain, problem.budget // self.chains))
        assert best is not None
        return best

    def _run_chain(self, problem: Problem, chain: int, budget: int) -> Candidates:
        times, limit = problem.times, problem.spent + budget
        start = problem.price(times[0])
        affordable = (budget - problem.run_price) // start
        wanted = int(self.seed_share * budget / start + _ROUNDING)
        seeds = self.seeds or max(1, min(wanted, affordable))
        quota = self.quota or (budget - seeds * start) // problem.run_price
        # The very noises that best-of-N begins with, so that both meet the same luck.
        noises = problem.noise(range(chain * seeds, (chain + 1) * seeds))
        node = best = problem.estimate(noises, times[0]).best()
        top, index, allowance, used = node.reward.item(), 0, quota, 1
        local: Candidates | None = None
        while problem.spent + problem.price(times[index + 1]) <= limit:
            x, history = problem.propose(self.step, node, times[index + 1], [chain])
            drawn = problem.estimate(x, times[index + 1], history)
            local, best = better(local, drawn), better(best, drawn)
            improved = drawn.reward.item() > top
            top = max(top, drawn.reward.item())
            if index < len(times) - 3 and (improved or used == allowance):
                # An improvement is the best of its step too.
                node, local = local, None
                allowance = quota + (allowance - used if improved else 0)
                index, used = index + 1, 0
            used += 1
        return best if self.keep_best else local or node


@dataclass(frozen=True)
class QuarterCircleSchedule(Schedule):
    """``t = sqrt(1 - (1 - u)^2)``: the released schedule of rollover budget forcing.

    It lingers near the noise, where successors differ most.

    Args:
        base: Gives u.
    """

    base: Schedule = UNIFORM

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the base's times, bent."""
        return (1 - (1 - self.base.grid(steps)).square()).sqrt()

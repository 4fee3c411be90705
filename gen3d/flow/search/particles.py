"""Methods that keep a population of particles: sequential Monte Carlo, and SVDD's selection."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.search.candidates import Candidates
from gen3d.flow.search.method import SearchMethod
from gen3d.flow.search.problem import Problem
from gen3d.flow.stochastic import FlowSDE, StochasticStep


@dataclass(frozen=True)
class SMC(SearchMethod):
    """Sequential Monte Carlo towards ``p(x) exp(r(x) / temperature)``.

    Particles move by a stochastic step; a particle's weight grows by ``exp((r_t - r_s) /
    temperature)``, the change of its estimate's reward. When the effective sample size falls below
    a share of the particles, they are drawn anew by their weights (Wu et al. 2023, arXiv
    2306.17775; Kim et al. 2025, arXiv 2503.19385, section 3.2). The result is the particle with
    the best estimate after the last stochastic step; that estimate is where a solver's last step
    would land.

    Args:
        step: The proposal.
        temperature: In units of the reward; the smaller, the greedier.
        threshold: Share of the particles below which the effective size calls for resampling, 0
            (never) to 1 (always).

    Raises:
        InputError: A number is out of its range.
    """

    step: StochasticStep = field(default_factory=FlowSDE)
    temperature: float = 0.1
    threshold: float = 0.5

    def __post_init__(self) -> None:
        _check_temperature(self.temperature)
        if not 0 <= self.threshold <= 1:
            raise InputError(f"the threshold must lie in 0..1, got {self.threshold}")

    def run(self, problem: Problem) -> Candidates:
        """Move, weigh, resample."""
        problem.require(problem.run_price)
        particles = range(problem.budget // problem.run_price)
        alive = problem.estimate(problem.noise(particles), problem.times[0])
        weights = alive.reward / self.temperature
        for t in problem.times[1:-1]:
            if effective_size(weights) < self.threshold * len(particles):
                alive = alive.select(systematic_resample(weights, problem.uniform()))
                weights = torch.zeros_like(weights)
            x, history = problem.propose(self.step, alive, t, particles)
            moved = problem.estimate(x, t, history)
            weights = weights + (moved.reward - alive.reward) / self.temperature
            alive = moved
        return alive.best()


@dataclass(frozen=True)
class SVDD(SearchMethod):
    """Soft value-based decoding: after each step one of several successors goes on.

    Li et al. 2024 (arXiv 2408.08252). The chosen one is drawn by ``exp(r / temperature)``, or is
    the best at temperature 0. The first choice is among starting noises, the last one, always for
    the best, gives the result.

    Args:
        step: The proposal.
        temperature: In units of the reward; 0 takes the best.

    Raises:
        InputError: The temperature is negative.
    """

    step: StochasticStep = field(default_factory=FlowSDE)
    temperature: float = 0.0

    def __post_init__(self) -> None:
        if self.temperature:
            _check_temperature(self.temperature)

    def run(self, problem: Problem) -> Candidates:
        """Branch, score, choose."""
        problem.require(problem.run_price)
        particles = range(problem.budget // problem.run_price)
        tried = problem.estimate(problem.noise(particles), problem.times[0])
        for t in problem.times[1:-1]:
            parents = tried.select([self._choose(tried, problem)] * len(particles))
            x, history = problem.propose(self.step, parents, t, particles)
            tried = problem.estimate(x, t, history)
        return tried.best()

    def _choose(self, tried: Candidates, problem: Problem) -> int:
        if not self.temperature:
            return int(tried.reward.argmax())
        shares = (tried.reward / self.temperature).softmax(0)
        return min(int((shares.cumsum(0) <= problem.uniform()).sum()), len(tried) - 1)


def effective_size(log_weights: Float64[Tensor, " k"]) -> float:
    """Return ``1 / sum w^2`` of the normalised weights: between 1 and their number."""
    return 1 / log_weights.softmax(0).square().sum().item()


def systematic_resample(log_weights: Float64[Tensor, " k"], uniform: float) -> Int64[Tensor, " k"]:
    """Draw as many indices as there are weights, by one uniform number.

    Index i is drawn ``k w_i`` times, rounded down or up, in rising order (Kitagawa 1996).

    Args:
        log_weights: Unnormalised.
        uniform: In [0, 1).
    """
    count = len(log_weights)
    marks = (torch.arange(count, dtype=torch.float64) + uniform) / count
    edges = log_weights.double().softmax(0).cumsum(0)
    return torch.searchsorted(edges, marks, right=True).clamp(max=count - 1)


def _check_temperature(temperature: float) -> None:
    if not temperature > 0:
        raise InputError(f"the temperature must be positive, got {temperature}")

"""The driver of all methods of search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.fields import Field
from gen3d.flow.guidance import Guidance
from gen3d.flow.interpolants import OnPath
from gen3d.flow.paths import Path
from gen3d.flow.sampler import guided_field
from gen3d.flow.schedules import UNIFORM, Schedule
from gen3d.flow.search.candidates import Reward
from gen3d.flow.search.method import SearchMethod
from gen3d.flow.search.problem import Problem, Progress
from gen3d.flow.solvers import EULER, Solver
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import check_seed

_PRICES = {"both": 2, "cond": 1, "uncond": 1, "none": 0}


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        x0: The data, batch 1.
        reward: Its reward.
        evaluations: Network evaluations spent, at most the budget; a guided step counts both of
            its halves.
        trace: Best reward seen so far, after every scoring; never falls. It may exceed ``reward``
            where a method does not trust estimates from early times.
    """

    x0: Float[Tensor, "1 ..."]
    reward: float
    evaluations: int
    trace: tuple[Progress, ...]

    def best_so_far(self, evaluations: int) -> float:
        """Return the best reward that was seen with so many evaluations.

        Raises:
            InputError: Nothing had been scored by then.
        """
        seen = [point.reward for point in self.trace if point.evaluations <= evaluations]
        if not seen:
            raise InputError(
                f"nothing was scored within {evaluations} evaluations, "
                f"the first time was at {self.trace[0].evaluations}"
            )
        return seen[-1]


@torch.no_grad()
def search(
    field: Field,
    reward: Reward,
    shape: Sequence[int],
    *,
    method: SearchMethod,
    budget: int,
    steps: int,
    seed: int,
    cond: Condition = None,
    guidance: Guidance | None = None,
    uncond: Condition = None,
    schedule: Schedule = UNIFORM,
    path: Path | None = None,
    solver: Solver = EULER,
    device: torch.device | str = "cpu",
    progress: ProgressSink | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> SearchResult:
    """Spend a budget of evaluations on one sample with a high reward.

    States are dense, with the particles as their batch.

    Args:
        field: The generative field.
        reward: From estimates of the data (k, ...) to k finite numbers; higher is better.
        shape: Shape of one sample, without the batch.
        method: How to search.
        budget: Evaluations of the network, a guided one counted twice; never exceeded.
        steps: Steps of the schedule.
        seed: Of all noise; equal seeds give equal results.
        cond: The sample's condition, with batch 1.
        guidance: Rule of guidance; None for the conditional field alone.
        uncond: The condition that stands for "none"; used under guidance only.
        schedule: Where the steps lie, in the time of ``path``.
        path: Path to search on; None: the field's own. A rule of guidance always sees the times
            of the field's own.
        solver: How deterministic stretches are made.
        device: Where states live.
        progress: Hears of every evaluation, and of the best reward so far.
        cancelled: Asked before every evaluation; True stops.

    Raises:
        InputError: The budget, the steps or the seed is out of range.
        Gen3dError: The reward is not finite, or not one per estimate.
        CancelledError: ``cancelled`` said so.

    Example:
        >>> method = RolloverBudgetForcing(step=FlowSDE(0.7))
        >>> found = search(field, reward, (48, 16), method=method, budget=200, steps=10, seed=1)
    """
    if budget < 1:
        raise InputError(f"the budget must be at least 1 evaluation, got {budget}")
    guided, counted = guided_field(field, guidance, uncond)
    own = field.path

    def price(t: float) -> int:
        if guidance is None:
            return 1
        return _PRICES[guidance.branches(t if path is None else own.t_of_lam(path.lam(t)))]

    sink = progress or NullProgress()
    problem = Problem(
        field=guided if path is None else OnPath(guided, path),
        counted=counted,
        price=price,
        cond=cond,
        reward=reward,
        shape=tuple(shape),
        times=schedule.grid(steps).tolist(),
        solver=solver,
        budget=budget,
        seed=check_seed(seed),
        device=device,
        sink=sink,
        cancelled=cancelled,
    )
    sink.stage_started("searching", budget)
    try:
        found = method.run(problem)
    finally:
        sink.stage_finished()
    return SearchResult(found.x0, found.reward.item(), problem.spent, tuple(problem.trace))

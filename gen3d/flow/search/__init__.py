"""Search at inference time: spend more evaluations on one sample to raise its reward."""

from gen3d.flow.search.best_of_n import BestOfN
from gen3d.flow.search.candidates import Candidates, Reward
from gen3d.flow.search.method import SearchMethod
from gen3d.flow.search.particles import SMC, SVDD, effective_size, systematic_resample
from gen3d.flow.search.paths import SearchOverPaths
from gen3d.flow.search.problem import Problem, Progress
from gen3d.flow.search.rollover import QuarterCircleSchedule, RolloverBudgetForcing
from gen3d.flow.search.search import SearchResult, search

__all__ = [
    "SMC",
    "SVDD",
    "BestOfN",
    "Candidates",
    "Problem",
    "Progress",
    "QuarterCircleSchedule",
    "Reward",
    "RolloverBudgetForcing",
    "SearchMethod",
    "SearchOverPaths",
    "SearchResult",
    "effective_size",
    "search",
    "systematic_resample",
]

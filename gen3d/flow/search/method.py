"""The protocol of the methods."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gen3d.flow.search.candidates import Candidates
from gen3d.flow.search.problem import Problem


class SearchMethod(ABC):
    """A way to spend a budget of evaluations on one sample."""

    @abstractmethod
    def run(self, problem: Problem) -> Candidates:
        """Search, and return the one candidate that is the result.

        Raises:
            InputError: The budget or the number of steps is too small for the method.
            CancelledError: The user stopped.
        """

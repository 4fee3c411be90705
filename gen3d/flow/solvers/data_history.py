"""What multistep solvers in half-log-SNR share: a history of estimates of x_0."""

from __future__ import annotations

from abc import abstractmethod

from jaxtyping import Float
from torch import Tensor

from gen3d.flow.fields import BoundField
from gen3d.flow.paths import Path
from gen3d.flow.solvers.solver import Evaluation, History, Solver, entries
from gen3d.flow.solvers.stretch import Stretch

X0 = "x0"
ASSUMED = "mean of x0 over the step"
_KEPT = 3


class DataMultistep(Solver):
    """A solver that asks for x_0 once, at the start of a step, and remembers it.

    A step has two parts, which `Compensated` takes apart: ``ask`` the field, which may ``revise``
    the state in the light of the answer, and ``advance`` by a ``guess`` of the mean of x_0.
    """

    @abstractmethod
    def guess(self, stretch: Stretch, past: History) -> Float[Tensor, "*shape"]:
        """Guess the mean of x_0 over a stretch that does not end at t = 0.

        Args:
            stretch: From ``past[0].t`` onwards; it knows the positions of all of ``past``.
            past: At least one estimate of x_0, the newest first.
        """

    def values_used(self) -> int:
        """Return how many estimates of x_0 ``guess`` looks at."""
        return self.order

    def step(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, t: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Ask, then advance.

        Raises:
            InputError: ``s`` is pure data, which no solver in half-log-SNR can leave.
        """
        x, past = self.ask(field, x, s, history)
        return self.advance(field.path, x, t, past)

    def ask(
        self, field: BoundField, x: Float[Tensor, "*shape"], s: float, history: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Return the state at ``s``, revised, and all estimates of x_0, the newest first."""
        newest = Evaluation(s, field.x0(x, s), X0)
        return self.revise(field.path, x, newest, history), (newest, *remembered(s, history))

    def revise(
        self, path: Path, x: Float[Tensor, "*shape"], newest: Evaluation, history: History
    ) -> Float[Tensor, "*shape"]:
        """Return a better state at the start of this step; by default the one that came.

        Args:
            path: Of the field.
            x: The state that the step before has reached.
            newest: The estimate of x_0 made there.
            history: As the step before has left it.
        """
        return x

    def advance(
        self, path: Path, x: Float[Tensor, "*shape"], t: float, past: History
    ) -> tuple[Float[Tensor, "*shape"], History]:
        """Go from ``past[0].t`` to ``t`` without asking the field.

        Args:
            path: Of the field.
            x: The state at ``past[0].t``.
            t: The time to reach.
            past: Estimates of x_0, the newest first.

        Returns:
            The state at ``t``, and the history for the next step: the mean that was guessed and
            the newest estimates.
        """
        used = past[: self.values_used()]
        stretch = Stretch(path, past[0].t, t, [entry.t for entry in used])
        mean = past[0].value if t == 0 else self.guess(stretch, used)
        return stretch.carry(x, mean), (Evaluation(t, mean, ASSUMED), *past[:_KEPT])


def remembered(s: float, history: History) -> History:
    """Return the estimates of x_0 made before time ``s``, newest first."""
    return tuple(entry for entry in entries(history, X0) if entry.t != s)

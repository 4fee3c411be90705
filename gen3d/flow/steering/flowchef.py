"""FlowChef: gradients of the data's estimate steer the state, past the network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.predictions import Prediction
from gen3d.flow.steering.problem import Descent, Problem, Rule, SteeringMethod, check_positive


@dataclass(frozen=True)
class FlowChef(SteeringMethod):
    """Gradient skipping (Patel et al. 2024, arXiv 2412.00100).

    At every step the velocity is asked for once and frozen; then, ``inner`` times,
    ``x_t <- x_t - rate * grad L`` at ``x_0 = x_t - t v``: the derivative of the estimate by the
    state is taken for 1, so nothing is differentiated through the network. An Euler step with the
    same velocity follows.

    Args:
        rate: Step length.
        inner: Descents per step.
        until: Steer only before this time; 0 steers to the end.
        rule: Plain steps, or Adam's, whose moments then last for the whole run.

    Raises:
        InputError: A setting is out of its range.
    """

    rate: float = 0.5
    inner: int = 1
    until: float = 0.0
    rule: Rule = "gradient"

    def __post_init__(self) -> None:
        check_positive(rate=self.rate, inner=self.inner)
        if not 0 <= self.until < 1:
            raise InputError(f"until must lie in 0..1, got {self.until}")

    @torch.no_grad()
    def run(self, problem: Problem, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Steer from noise to data."""
        descent = Descent(self.rule, self.rate)
        for number, (s, t) in enumerate(problem.intervals(), 1):
            velocity = problem.field.velocity(x, s)
            if s > self.until:
                for _ in range(self.inner):
                    prediction = Prediction("velocity", velocity)
                    x0 = prediction.to("x0", problem.field.path, x, s).value
                    x = descent.move(x, problem.gradient(x0))
            x = x + (t - s) * velocity
            problem.report(number, len(problem.times) - 1)
        return x

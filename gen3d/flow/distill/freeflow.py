"""Flow map distillation without data (FreeFlow, arXiv 2511.19428).

The student jumps from pure noise z to any time r: ``x_r = z - (1 - r) u(z, 1, r)``. It is the
teacher's trajectory exactly if ``dx_r/dr = v(x_r, r)``, that is ``u - (1 - r) du/dr = v``: only
noise is needed. A correction against accumulated error compares the teacher's velocity with that
of the student's samples, which a critic learns.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.distill.cast import Batch, Cast, Distillation, Distilled, interpolate
from gen3d.flow.distill.derivatives import FINITE_DIFFERENCE, Derivative
from gen3d.flow.distill.errors import ADAPTIVE, ErrorNorm
from gen3d.flow.times import UNIFORM_TIMES, LogitNormalTimes, TimeDistribution

_NOISY = LogitNormalTimes(0.8, 1.6)


@dataclass(frozen=True)
class FreeFlow(Distillation):
    """Prediction, and with ``correction_weight`` correction.

    Args:
        ends: Distribution of r.
        derivative: How du/dr is taken.
        norm: Of the prediction's error.
        correction_weight: Length of the correction's gradient over the prediction's; robust from
            0.3 to 3 according to the paper; 0 leaves it out.
        correction_times: Where velocities are compared; leans to the noise, and must reach 1.
    """

    ends: TimeDistribution = UNIFORM_TIMES
    derivative: Derivative = FINITE_DIFFERENCE
    norm: ErrorNorm = ADAPTIVE
    correction_weight: float = 0.0
    correction_times: TimeDistribution = _NOISY

    def __call__(self, cast: Cast, batch: Batch) -> Distilled:
        """Predict from fresh noise; correct, and train the critic, on the student's samples."""
        reducer, z = cast.reducer, batch.draw_noise()
        r = self.ends.sample(reducer.batch_size(z), batch.generator).to(z)
        one = torch.ones_like(r)
        u = cast.student(z, one, r, batch.cond)
        slope = self.derivative.in_end(
            cast.student, z, one, r, batch.cond, value=u, reducer=reducer
        )
        left = reducer.broadcast(1 - r, z)
        with torch.no_grad():
            target = cast.teacher(z - left * u, r, batch.cond) + left * slope
        error = u - target
        loss = self.norm(error, reducer).mean()
        figures = {"prediction_mse": reducer.mean(error.detach().square()).mean()}
        if self.correction_weight == 0:
            return Distilled(loss, figures)
        correction, critic = self._correct(cast, batch, error.detach())
        figures["critic_mse"] = critic.detach()
        return Distilled(loss + correction + critic, figures)

    def _correct(
        self, cast: Cast, batch: Batch, error: Tensor
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Return the correction and the critic's own loss.

        Raises:
            InputError: There is no critic.
        """
        if cast.critic is None:
            raise InputError("the correction of FreeFlow needs a critic")
        reducer, z = cast.reducer, batch.draw_noise()
        one = z.new_ones(reducer.batch_size(z))
        u = cast.student(z, one, torch.zeros_like(one), batch.cond)
        x0, noise = (z - u).detach(), batch.draw_noise()
        s = self.correction_times.sample(len(one), batch.generator).to(z)
        x_s = interpolate(x0, noise, s, reducer)
        v = cast.critic(x_s, s, batch.cond)
        with torch.no_grad():
            push = v - cast.teacher(x_s, s, batch.cond)
            ratio = reducer.norm(error).mean() / (reducer.norm(push).mean() + 1e-8)
            # As the adaptive norm of the prediction has gradients of about unit length.
            push = self.correction_weight * ratio * push
        correction = 2 * reducer.mean(push * u).mean()
        critic = reducer.mean((v - (noise - x0)).square()).mean()
        return correction - correction.detach(), critic

"""Schedules moved to the noise, as far as the number of tokens asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float64
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.schedules.schedule import UNIFORM, Schedule

_FLUX_ANCHORS = ((256, 0.5), (4096, 1.15))


@dataclass(frozen=True)
class ShiftedSchedule(Schedule):
    """Moves the times of another schedule: ``t' = s t / (1 + (s - 1) t)``.

    That is ``logit t' = logit t + ln s``: with s > 1 more steps go to the noise, as latents with
    more tokens want it (Stable Diffusion 3, arXiv 2403.03206, eq. 23; the same as TRELLIS's
    ``rescale_t``). How far is a matter of `shift_by_ratio` or `flux_shift`. The ends 0 and 1 stay.

    Args:
        shift: The factor s; 1 changes nothing.
        base: The schedule to be shifted.

    Raises:
        InputError: ``shift`` is not positive.
    """

    shift: float
    base: Schedule = UNIFORM

    def __post_init__(self) -> None:
        if not self.shift > 0:
            raise InputError(f"the shift must be positive, got {self.shift}")

    def grid(self, steps: int) -> Float64[Tensor, " steps_plus_1"]:
        """Return the shifted times."""
        t = self.base.grid(steps)
        return self.shift * t / (1 + (self.shift - 1) * t)


def shift_by_ratio(tokens: int, reference: int) -> float:
    """Return ``sqrt(m / n)``: equal noise on m tokens hides less than it does on n.

    Stable Diffusion 3, arXiv 2403.03206, eq. 23.

    Args:
        tokens: m, of the latents to be sampled.
        reference: n, of those that need no shift.

    Raises:
        InputError: A count is not positive.
    """
    if min(tokens, reference) < 1:
        raise InputError(f"token counts must be positive, got {tokens} and {reference}")
    return math.sqrt(tokens / reference)


def flux_mu(tokens: int) -> float:
    """Return FLUX's mu, linear in the number of tokens: 0.5 at 256 and 1.15 at 4096."""
    (n0, mu0), (n1, mu1) = _FLUX_ANCHORS
    return mu0 + (mu1 - mu0) * (tokens - n0) / (n1 - n0)


def flux_shift(tokens: int) -> float:
    """Return ``e^mu``: FLUX's ``e^mu / (e^mu + 1/t - 1)`` is the shift by this factor.

    Args:
        tokens: Of one sample's latents, at least 1.

    Raises:
        InputError: There are no tokens.
    """
    if tokens < 1:
        raise InputError(f"the number of tokens must be positive, got {tokens}")
    return math.exp(flux_mu(tokens))

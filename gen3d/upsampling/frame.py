"""The frame in which clouds are upsampled: centred, in the unit ball."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class UnitFrame:
    """Centre and radius of a cloud, in float64.

    Attributes:
        centre: Mean of the points.
        radius: Largest distance from it; 1 where all points are equal.
    """

    centre: Float[np.ndarray, " 3"]
    radius: float

    @classmethod
    def of(cls, points: Float[np.ndarray, "n 3"]) -> UnitFrame:
        """Measure a cloud of one point or more."""
        centre = points.mean(axis=0, dtype=np.float64)
        radius = float(np.sqrt(((points - centre) ** 2).sum(axis=1).max()))
        return cls(centre, radius if radius > 0 and np.isfinite(radius) else 1.0)

    def enter(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Return points in the frame, float32."""
        return ((points - self.centre) / self.radius).astype(np.float32)

    def leave(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Undo :meth:`enter`."""
        return (points.astype(np.float64) * self.radius + self.centre).astype(np.float32)

"""What upsampling returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from gen3d.geometry.cloud import PointCloud
from gen3d.io import save


@dataclass(frozen=True)
class UpsampleReport:
    """How a dense cloud came to be.

    Attributes:
        points_in: Points given.
        duplicates: Of these, equal to an earlier one.
        outliers: Of these, left out.
        points_out: Points made, kept ones included.
        tiles: Into how many the cloud was cut.
        steps: Of the flow; 0 without a network.
    """

    points_in: int
    duplicates: int
    outliers: int
    points_out: int
    tiles: int
    steps: int


@dataclass(frozen=True)
class UpsampleResult:
    """A dense cloud.

    Attributes:
        cloud: The points, in the frame of the input and with its shift; its metadata holds the
            record.
        origin: False where an input point was kept, True where a point is new.
        confidence: How well each point is supported, 0 to 1; 1 for kept ones.
        report: How it came to be.
        record: Everything needed to make it again, and no times.
        seed: The seed used.
        warnings: What the user should know, in sentences.
        timings_s: Seconds by stage.
    """

    cloud: PointCloud
    origin: Bool[np.ndarray, " n"]
    confidence: Float[np.ndarray, " n"]
    report: UpsampleReport
    record: dict[str, Any]
    seed: int
    warnings: tuple[str, ...]
    timings_s: dict[str, float]

    def save(self, path: Path | str, *, format: str | None = None) -> None:
        """Write the cloud with its record; the format follows the extension by default.

        Raises:
            FormatError: The format is unknown, or holds no clouds.
            OutputError: The file cannot be written.
        """
        save(self.cloud, path, format=format)

"""From files with clouds to the figures that tables print."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gen3d.errors import FormatError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.cloud_metrics import CONVENTIONS, FACTORS, CloudComparison, compare_clouds
from gen3d.geometry.mesh import Mesh
from gen3d.io import load, load_mesh


@dataclass(frozen=True)
class ReportedMetrics:
    """A comparison with the factors of tables.

    Attributes:
        comparison: The plain numbers.
        points: Points of the made cloud and of the true one.
    """

    comparison: CloudComparison
    points: tuple[int, int]

    def rows(self) -> list[list[str]]:
        """Return convention, CD, HD and P2F of each convention, with its factors."""
        made = []
        for name in CONVENTIONS:
            scores = self.comparison.scores[name]
            values = (scores.cd, scores.hd, scores.p2f)
            made.append([name, *map(_scaled, values, FACTORS[name])])
        return made

    def lines(self) -> list[str]:
        """Return one line of text for every other figure."""
        it = self.comparison
        lines = [f"EMD {it.emd:.5g}"]
        floor = "" if it.jsd_floor is None else f" (two samplings of the mesh: {it.jsd_floor:.4f})"
        lines.append(f"JSD {it.jsd:.4f}{floor}")
        for share, value in it.uniformity.items():
            shown = "too few points" if value is None else f"{value:.5g}"
            lines.append(f"uniformity at {share:.1%} of the area: {shown}")
        if it.normal_consistency is not None:
            lines.append(f"normal consistency {it.normal_consistency:.4f}")
        return lines

    def figures(self) -> dict[str, Any]:
        """Return all numbers for JSON, without factors; these come beside them."""
        plain = asdict(self.comparison)
        plain["uniformity"] = {f"{share:g}": value for share, value in plain["uniformity"].items()}
        factors = {
            name: dict(zip(("cd", "hd", "p2f"), FACTORS[name], strict=True)) for name in CONVENTIONS
        }
        made, true = self.points
        return {**plain, "table_factors": factors, "points": {"made": made, "true": true}}


def compare_files(
    made: Path | str, true: Path | str, *, mesh: Path | str | None = None, seed: int = 0
) -> ReportedMetrics:
    """Compare clouds in files.

    Args:
        made: The cloud to judge.
        true: The true one.
        mesh: The surface that both are of.
        seed: Of the samplings.

    Raises:
        UserError: A file cannot be used.
    """
    first, second = _cloud(made), _cloud(true)
    surface = None if mesh is None else load_mesh(mesh)
    comparison = compare_clouds(first, second, surface, seed=seed)
    return ReportedMetrics(comparison, (len(first), len(second)))


def _cloud(path: Path | str) -> PointCloud:
    shape = load(path)
    if isinstance(shape, Mesh):
        raise FormatError(f"{path} holds a mesh, a point cloud was expected")
    return shape


def _scaled(value: float | None, factor: float) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if factor == 1 else f"{value * factor:.4f} e-{len(f'{factor:.0f}') - 1}"

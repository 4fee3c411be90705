"""From sparse clouds to dense ones."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gen3d.api.completion import file_entry
from gen3d.errors import ModelError
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io import check_target, load, save
from gen3d.io.tensors import sha256_of
from gen3d.runtime.devices import resolve_device
from gen3d.runtime.memory import peak_memory_bytes
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import check_seed
from gen3d.upsampling.checkpoints import DEFAULT_MODEL, load_upsampler, shipped_path
from gen3d.upsampling.options import UpsampleOptions, check_rate
from gen3d.upsampling.pipeline import UpsamplePipeline
from gen3d.upsampling.result import UpsampleReport, UpsampleResult

MIDPOINT = "midpoint"
"""The model that only interpolates: the baseline."""


@dataclass(frozen=True)
class UpsampleRun:
    """What one command made.

    Attributes:
        path: The file.
        seed: Seed used.
        report: How the cloud came to be.
        record: What the file carries.
        warnings: What the user should know.
        timings_s: Seconds by stage.
        total_s: Seconds from reading the input to the written file.
    """

    path: Path
    seed: int
    report: UpsampleReport
    record: dict[str, Any]
    warnings: tuple[str, ...]
    timings_s: dict[str, float]
    total_s: float

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files written."""
        return (self.path,)

    def figures(self) -> dict[str, Any]:
        """Return everything measured, times and memory included, as JSON values."""
        return {
            "path": str(self.path),
            "seed": self.seed,
            "total_s": self.total_s,
            "points_per_s": self.report.points_out / self.total_s,
            "peak_memory_bytes": peak_memory_bytes(),
            "timings_s": self.timings_s,
            "warnings": list(self.warnings),
            **asdict(self.report),
            "record": self.record,
        }

    def summary(self, *, stages: bool) -> list[str]:
        """Return lines for people; with ``stages``, seconds too."""
        report = self.report
        counts = f"{report.points_in} -> {report.points_out} points"
        tiles = f", {report.tiles} tiles" if report.tiles > 1 else ""
        lines = [f"{self.path.name}: seed {self.seed}, {counts}{tiles}"]
        if stages:
            lines.append("  " + ", ".join(f"{k} {v:.2f} s" for k, v in self.timings_s.items()))
        peak = peak_memory_bytes()
        memory = f", {peak / 1e9:.2f} GB" if peak else ""
        return [*lines, f"{self.total_s:.1f} s{memory}"]


def load_upsample_pipeline(
    model: str | Path = DEFAULT_MODEL, *, device: str = "auto"
) -> UpsamplePipeline:
    """Load an upsampling model.

    Args:
        model: ``pufm-mini``, ``midpoint`` (no network: interpolation only), or a file: one that
            ``gen3d train`` made, or a published checkpoint of PUFM++ or PUFM.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ModelError: There is no such model, or its weights are damaged.
        InputError: The device does not exist.
    """
    where = resolve_device(device)
    if str(model) == MIDPOINT:
        return UpsamplePipeline(None, device=where, name=MIDPOINT)
    if str(model) == DEFAULT_MODEL and not shipped_path().exists():
        raise ModelError(
            f"the network {DEFAULT_MODEL!r} does not come with this version of gen3d",
            hint=f"--model {MIDPOINT} needs none; configs/upsampling train one: --model FILE",
        )
    upsampler = load_upsampler(model, device=where)
    files = {upsampler.path.name: sha256_of(upsampler.path)}
    return UpsamplePipeline(upsampler, device=where, name=Path(model).stem, fingerprint=files)


def upsample(
    cloud: PointCloud | Float[np.ndarray, "n 3"],
    rate: float,
    *,
    model: str | Path | UpsamplePipeline = DEFAULT_MODEL,
    steps: int | None = None,
    seed: int | None = None,
    options: UpsampleOptions | None = None,
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> UpsampleResult:
    """Make a cloud dense: exactly round(rate * n) points on the surface that it samples.

    Args:
        cloud: With all that belongs to its points; or bare positions, of any size in float64.
        rate: New points over points, more than 1 and at most 64.
        model: See :func:`load_upsample_pipeline`; or a loaded one.
        steps: Steps of the flow; None: the model's.
        seed: Random seed; drawn if None.
        options: Everything else; ``steps`` goes before what it says.
        device: Where to run, for a model that is not loaded yet.
        progress: Where to report.

    Raises:
        UserError: Something given cannot be used.

    Example:
        upsample(np.loadtxt("scan.xyz"), 4).save("dense.ply")
    """
    options = _with_steps(options or UpsampleOptions(), steps)
    options.check()
    check_rate(rate)
    if not isinstance(cloud, PointCloud):
        cloud = PointCloud.from_positions(cloud)
    if not isinstance(model, UpsamplePipeline):
        model = load_upsample_pipeline(model, device=device)
    return model.upsample(cloud, rate, seed=seed, options=options, progress=progress)


def upsample_to_file(
    source: Path | str,
    out: Path | str,
    rate: float,
    *,
    model: str | Path = DEFAULT_MODEL,
    seed: int | None = None,
    options: UpsampleOptions | None = None,
    format: str | None = None,
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> UpsampleRun:
    """Read a cloud, make it dense, and write it.

    Args:
        source: File with points; of a mesh, its vertices.
        out: File to write.
        rate: New points over points, more than 1 and at most 64.
        model: See :func:`load_upsample_pipeline`.
        seed: Random seed; drawn if None.
        options: How.
        format: Format, where the extension does not tell.
        device: Where to run.
        progress: Where to report.

    Raises:
        UserError: Something given cannot be used; nothing was written.
        CancelledError: The user stopped.
    """
    began = time.perf_counter()
    options = options or UpsampleOptions()
    options.check()
    check_rate(rate)
    if seed is not None:
        check_seed(seed)
    check_target(out, format=format)
    cloud, remarks = read_cloud(source)
    pipeline = load_upsample_pipeline(model, device=device)
    read_s = time.perf_counter() - began
    result = pipeline.upsample(cloud, rate, seed=seed, options=options, progress=progress)
    record = {**result.record, "source": file_entry(source)}
    started = time.perf_counter()
    dense = result.cloud.with_(metadata={**result.cloud.metadata, "gen3d": record})
    save(dense, out, format=format)
    now = time.perf_counter()
    return UpsampleRun(
        path=Path(out),
        seed=result.seed,
        report=result.report,
        record=record,
        warnings=(*remarks, *result.warnings),
        timings_s={"read": read_s, **result.timings_s, "write": now - started},
        total_s=now - began,
    )


def read_cloud(path: Path | str) -> tuple[PointCloud, tuple[str, ...]]:
    """Read a cloud, and what the user should know about it.

    Raises:
        InputError: The file cannot be read.
        FormatError: The format is unknown, or the file is malformed.
    """
    shape = load(path)
    if isinstance(shape, Mesh):
        line = f"{Path(path).name} holds a mesh: its {len(shape.vertices)} vertices were taken"
        return PointCloud(shape.vertices, shape.normals, shape.colors), (line,)
    return shape, ()


def _with_steps(options: UpsampleOptions, steps: int | None) -> UpsampleOptions:
    return options if steps is None else replace(options, steps=steps)

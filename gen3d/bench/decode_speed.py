"""Time and memory of one decode with extraction, by mode and by path."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d.api.models import load_text_model
from gen3d.bench.rows import Row
from gen3d.errors import Gen3dError
from gen3d.ops.isosurface import marching_cubes, marching_cubes_edges
from gen3d.vecset.decode import (
    DecodedField,
    DecodeMode,
    Field,
    Grid,
    GridSampler,
    PointField,
    QueryGroups,
    closed_field,
    decode_field,
)
from gen3d.vecset.edge_roots import refine_vertices
from gen3d.vecset.extract import shape_field
from gen3d.vecset.vae import DecodedShape, ShapeVAE

_REPEATS = 3
_REPORT = """
from gen3d.runtime.memory import peak_memory_bytes
print(peak_memory_bytes() // 1024)
"""


class TimedField:
    """A field that adds up the seconds and the queries spent in it."""

    def __init__(self, field: Field) -> None:
        self.field, self.seconds, self.queries = field, 0.0, 0

    def __call__(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """Return values at points."""
        return self._timed(lambda: self.field(points), len(points))

    def on_grid(self, grid: Grid) -> GridSampler:
        """Prepare to sample a grid; that counts too."""
        began = time.perf_counter()
        sampler = self.field.on_grid(grid)
        self.seconds += time.perf_counter() - began

        def sample(
            index: Int[Tensor, "n 3"], groups: QueryGroups | None = None, /
        ) -> Float[Tensor, " n"]:
            return self._timed(lambda: sampler(index, groups), len(index))

        return sample

    def _timed(self, function: Callable[[], Tensor], queries: int) -> Tensor:
        began = time.perf_counter()
        values = function()
        if values.is_cuda:
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - began
        self.queries += queries
        return values


@torch.no_grad()
def speed_row(vae: ShapeVAE, shape: DecodedShape, resolution: int, *, dense: bool = False) -> Row:
    """Time decode and extraction of one shape, keys and values given.

    Args:
        vae: The autoencoder.
        shape: A batch of one.
        resolution: Cells per axis.
        dense: Also by the plain network in torch at every corner (once), and by the kernel.

    Returns:
        ``sparse_s`` and ``flashvdm_s`` (medians of three runs, alternating), of both also
        ``.._bookkeeping_s`` (all but the field) and ``.._evaluations``; ``refine_s`` for the
        vertices' refinement that pipelines add; with ``dense``, ``dense_s`` and ``dense_torch_s``.
    """
    bounds = (-vae.config.bounds, vae.config.bounds)
    device = vae.from_latent.weight.device
    plain = shape_field(vae, shape)

    def run(field: Field, mode: DecodeMode) -> tuple[float, DecodedField]:
        began = time.perf_counter()
        found = decode_field(field, resolution, mode=mode, bounds=bounds, device=device)
        marching_cubes(found.cells, found.corner_values, resolution=found.resolution, bounds=bounds)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began, found

    decode_field(plain, min(64, resolution), bounds=bounds, device=device)
    modes: tuple[DecodeMode, ...] = ("sparse", "flashvdm")
    runs: dict[str, list[tuple[float, float]]] = {mode: [] for mode in modes}
    row: Row = {}
    for _ in range(_REPEATS):
        for mode in modes:
            timed = TimedField(plain)
            seconds, found = run(timed, mode)
            runs[mode].append((seconds, seconds - timed.seconds))
            row[f"{mode}_evaluations"] = found.report.evaluations
    for mode, times in runs.items():
        row[f"{mode}_s"], row[f"{mode}_bookkeeping_s"] = sorted(times)[len(times) // 2]
    row["refine_s"] = _refinement_s(plain, run(plain, "sparse")[1])
    if dense:
        row["dense_s"] = run(plain, "dense")[0]

        def network(points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
            return vae.occupancy(points[None], shape)[0]

        row["dense_torch_s"] = run(PointField(closed_field(network, bounds)), "dense")[0]
    return row


def _refinement_s(field: Field, found: DecodedField) -> float:
    lo, hi = found.bounds
    grid = Grid(lo, (hi - lo) / found.resolution, found.resolution + 1)
    *_, edges = marching_cubes_edges(
        found.cells, found.corner_values, resolution=found.resolution, bounds=found.bounds
    )
    began = time.perf_counter()
    refine_vertices(edges, field, grid)
    return time.perf_counter() - began


def memory_row(model: str, latent: Float[Tensor, "latents channels"], resolution: int) -> Row:
    """Measure the peak memory of a process that loads a model and decodes one shape.

    Args:
        model: Name or folder.
        latent: As the autoencoder takes it.
        resolution: Cells per axis.

    Returns:
        ``peak_gb``, and ``torch_import_gb`` of a process that imports torch alone.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "latent.npy"
        np.save(path, latent.cpu().numpy())
        body = (
            "from gen3d.bench.decode_speed import decode_once\n"
            f"decode_once({model!r}, {str(path)!r}, {resolution})"
        )
        return {"peak_gb": _peak_gb(body), "torch_import_gb": _peak_gb("import torch")}


def decode_once(model: str, latent_file: str, resolution: int) -> None:
    """Load a model and decode and extract one shape on the CPU."""
    vae = load_text_model(model, device="cpu").vae
    bounds = (-vae.config.bounds, vae.config.bounds)
    with torch.no_grad():
        shape = vae.decode(torch.from_numpy(np.load(latent_file))[None])
        found = decode_field(shape_field(vae, shape), resolution, bounds=bounds)
        marching_cubes(found.cells, found.corner_values, resolution=resolution, bounds=bounds)


def _peak_gb(body: str) -> float:
    code = f"import sys; sys.path[:] = {sys.path!r}\n{body}\n{_REPORT}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Gen3dError(f"the process whose memory is measured failed: {done.stderr[-500:]}")
    return int(done.stdout.split()[-1]) * 1024 / 1e9

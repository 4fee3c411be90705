"""From a file with part of a shape to files with the whole."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from gen3d.api.generation import GenerationRun, Targets
from gen3d.api.models import load_text_model
from gen3d.conditioning.text import validate_prompt
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.sample import sample_surface
from gen3d.io import load as load_shape
from gen3d.io.files import read_bytes
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.completion import complete, frame_of
from gen3d.vecset.config import Mesher
from gen3d.vecset.surface_encoding import SURFACE_POINTS

_POINTS_SEED = 0


def complete_to_files(
    partial: Path | str,
    out: Path | str,
    *,
    prompt: str | None = None,
    fit: bool = False,
    scale: float = 1.0,
    seed: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    resolution: int | None = None,
    faces: int | None = None,
    mesher: Mesher = "marching-cubes",
    format: str | None = None,
    count: int = 1,
    model: str = "mini",
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> GenerationRun:
    """Complete a shape from part of its surface and write it, one file per seed.

    Args:
        partial: File with points, or with a mesh that has holes.
        out: File to write; with several, ``NAME-1.EXT``, ``NAME-2.EXT``, ...
        prompt: What the whole is; None lets the points decide.
        fit: Centre and scale the points: see :func:`gen3d.vecset.completion.frame_of`.
        scale: Likewise.
        seed: Seed of the first; drawn if None.
        steps: Steps of the flow.
        guidance: Strength of the prompt.
        resolution: Grid cells per axis.
        faces: Face budget.
        mesher: ``marching-cubes`` or ``dual-contouring``.
        format: Format, where the extension does not tell.
        count: How many, 1 to 64.
        model: Name or folder.
        device: Where to run.
        progress: Where to report.

    Raises:
        UserError: Something given cannot be used; nothing was written.
        CancelledError: The user stopped; files of finished items stay, whole.
    """
    began = time.perf_counter()
    prompt = None if prompt is None else validate_prompt(prompt)
    targets = Targets.checked(out, count=count, seed=seed, format=format)
    cloud = load_points(partial)
    frame_of(cloud, fit=fit, scale=scale)  # before the model is loaded
    pipeline = load_text_model(model, device=device)
    return targets.fill(
        lambda seed: complete(
            pipeline,
            cloud,
            prompt=prompt,
            fit=fit,
            scale=scale,
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            progress=progress,
            source=file_entry(partial),
        ),
        began=began,
    )


def load_points(path: Path | str) -> PointCloud:
    """Read a point cloud; from a mesh, points are drawn (the same ones each time).

    Raises:
        InputError: The file cannot be read, or the mesh has no area.
        FormatError: The format is unknown, or the file is malformed.
    """
    shape = load_shape(path)
    if isinstance(shape, Mesh):
        return sample_surface(shape, SURFACE_POINTS, make_generator(_POINTS_SEED))
    return shape


def file_entry(path: Path | str) -> dict[str, str]:
    """Describe an input file for a record: its name and the hash of its content."""
    path = Path(path)
    return {"file": path.name, "sha256": hashlib.sha256(read_bytes(path)).hexdigest()}

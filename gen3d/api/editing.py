"""From a mesh and a sentence to files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from gen3d.api.completion import file_entry
from gen3d.api.generation import GenerationRun, Targets
from gen3d.api.models import load_text_model
from gen3d.conditioning.text import validate_prompt
from gen3d.errors import InputError
from gen3d.io import load_mesh
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.config import Mesher
from gen3d.vecset.editing import STRENGTH, Box, edit, mesh_frame


def edit_to_files(
    mesh: Path | str,
    prompt: str,
    out: Path | str,
    *,
    box: Sequence[float] | None = None,
    strength: float = STRENGTH,
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
    """Change a mesh as a sentence says and write it, one file per seed.

    Args:
        mesh: File with a mesh.
        prompt: What the result shall be, as a whole.
        out: File to write; with several, ``NAME-1.EXT``, ``NAME-2.EXT``, ...
        box: ``x0, y0, z0, x1, y1, z1`` in the file's coordinates: where the mesh may change; None:
            anywhere.
        strength: How far it may change, above 0 and at most 1.
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
    prompt = validate_prompt(prompt)
    region = None if box is None else box_of(box)
    targets = Targets.checked(out, count=count, seed=seed, format=format)
    shape = load_mesh(mesh)
    mesh_frame(shape, region)  # before the model is loaded
    pipeline = load_text_model(model, device=device)
    return targets.fill(
        lambda seed: edit(
            pipeline,
            shape,
            prompt,
            box=region,
            strength=strength,
            seed=seed,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            progress=progress,
            source=file_entry(mesh),
        ),
        began=began,
    )


def box_of(numbers: Sequence[float]) -> Box:
    """Return the box with corners ``x0, y0, z0`` and ``x1, y1, z1``.

    Raises:
        InputError: There are not six numbers, or the box is empty.
    """
    if len(numbers) != 6:
        raise InputError(f"a box has 6 numbers, got {len(numbers)}", hint="give x0,y0,z0,x1,y1,z1")
    x0, y0, z0, x1, y1, z1 = numbers
    return Box((x0, y0, z0), (x1, y1, z1))

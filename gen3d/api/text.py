"""From a sentence to files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gen3d.api.models import load
from gen3d.conditioning.text import validate_prompt
from gen3d.errors import InputError
from gen3d.io import check_target
from gen3d.runtime.memory import peak_memory_bytes
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import check_seed, draw_seed, item_seed
from gen3d.vecset.pipeline import TextTo3DResult

MAX_COUNT = 64


@dataclass(frozen=True)
class TextRun:
    """What one ``gen3d text`` made.

    Attributes:
        paths: Files, in order.
        seeds: Seed of each.
        results: Reports and times of each; meshes are in the files.
        warnings: What the user should know, each once.
        total_s: Seconds from loading the model to the last file.
    """

    paths: tuple[Path, ...]
    seeds: tuple[int, ...]
    results: tuple[TextTo3DResult, ...]
    warnings: tuple[str, ...]
    total_s: float

    def figures(self) -> dict[str, Any]:
        """Return everything measured, times and memory included, as JSON values."""
        return {
            "total_s": self.total_s,
            "peak_memory_bytes": peak_memory_bytes(),
            "warnings": list(self.warnings),
            "items": [
                {
                    "path": str(path),
                    "seed": result.seed,
                    "timings_s": result.timings_s,
                    "vertices": len(result.mesh.vertices),
                    "faces": result.report.faces,
                    "faces_asked": result.report.faces_asked,
                    "components": result.report.components,
                    "floaters_removed": result.report.floaters_removed,
                    "watertight": result.report.watertight,
                    "record": result.record,
                }
                for path, result in zip(self.paths, self.results, strict=True)
            ],
        }

    def summary(self, *, stages: bool) -> list[str]:
        """Return lines for people: seed and mesh of each file; with ``stages``, seconds too."""
        lines = []
        for path, result in zip(self.paths, self.results, strict=True):
            report = result.report
            faces = f"{report.faces} faces"
            if report.faces_asked is not None:
                faces += f" (asked {report.faces_asked})"
            state = "watertight" if report.watertight else "not watertight"
            lines.append(f"{path.name}: seed {result.seed}, {faces}, {state}")
            if stages:
                times = ", ".join(f"{k} {v:.2f} s" for k, v in result.timings_s.items())
                lines.append(f"  {times}")
        peak = peak_memory_bytes()
        memory = f", {peak / 1e9:.2f} GB" if peak else ""
        return [*lines, f"{self.total_s:.1f} s{memory}"]


def text_to_files(
    prompt: str,
    out: Path | str,
    *,
    seed: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    resolution: int | None = None,
    faces: int | None = None,
    format: str | None = None,
    count: int = 1,
    model: str = "mini",
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> TextRun:
    """Make one or more meshes from a sentence and write them.

    Args:
        prompt: What to make.
        out: File to write; with several, ``NAME-1.EXT``, ``NAME-2.EXT``, ...
        seed: Seed of the first; drawn if None. Item i of several has a seed derived from it.
        steps: Sampling steps.
        guidance: Guidance strength.
        resolution: Grid cells per axis.
        faces: Face budget.
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
    if not 1 <= count <= MAX_COUNT:
        raise InputError(f"-n must lie in 1..{MAX_COUNT}, got {count}")
    prompt = validate_prompt(prompt)
    paths = numbered_paths(Path(out), count)
    for path in paths:
        check_target(path, format=format)
    first = draw_seed() if seed is None else check_seed(seed)
    pipeline = load(model, device=device)
    results = []
    for index, path in enumerate(paths):
        result = pipeline.text_to_3d(
            prompt,
            seed=item_seed(first, index),
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            progress=progress,
        )
        result.save(path, format=format)
        results.append(result)
    return TextRun(
        paths=tuple(paths),
        seeds=tuple(result.seed for result in results),
        results=tuple(results),
        warnings=_unique([w for result in results for w in result.warnings]),
        total_s=time.perf_counter() - began,
    )


def numbered_paths(out: Path, count: int) -> list[Path]:
    """Return the names of ``count`` files: ``out`` itself, or ``out`` with numbers from 1."""
    if count == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{i}{out.suffix}") for i in range(1, count + 1)]


def _unique(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lines))

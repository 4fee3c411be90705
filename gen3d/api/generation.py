"""What the generating commands share: several seeds, files with numbers, figures and summaries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gen3d.errors import FormatError, InputError
from gen3d.io import FORMATS, check_target, format_of
from gen3d.runtime.memory import peak_memory_bytes
from gen3d.runtime.seeds import check_seed, draw_seed, item_seed
from gen3d.vecset.result import ShapeResult

MAX_COUNT = 64
DEFAULT_TEXTURE = 1024


@dataclass(frozen=True)
class GenerationRun:
    """What one command made.

    Attributes:
        paths: Files, in order.
        seeds: Seed of each.
        results: Reports and times of each; meshes are in the files.
        warnings: What the user should know, each once.
        total_s: Seconds from loading the model to the last file.
        details: How it was run, in lines for those who ask.
    """

    paths: tuple[Path, ...]
    seeds: tuple[int, ...]
    results: tuple[ShapeResult, ...]
    warnings: tuple[str, ...]
    total_s: float
    details: tuple[str, ...] = ()

    def figures(self) -> dict[str, Any]:
        """Return everything measured, times and memory included, as JSON values."""
        return {
            "total_s": self.total_s,
            "peak_memory_bytes": peak_memory_bytes(),
            "warnings": list(self.warnings),
            "details": list(self.details),
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
                    "cavities_filled": result.report.cavities_filled,
                    "watertight": result.report.watertight,
                    "record": result.record,
                }
                for path, result in zip(self.paths, self.results, strict=True)
            ],
        }

    def summary(self, *, stages: bool) -> list[str]:
        """Return lines for people: seed and mesh of each file; with ``stages``, seconds too."""
        lines = list(self.details) if stages else []
        for path, result in zip(self.paths, self.results, strict=True):
            report = result.report
            faces = f"{report.faces} faces"
            if report.faces_asked is not None:
                faces += f" (asked {report.faces_asked})"
            state = "watertight" if report.watertight else "not watertight"
            line = f"{path.name}: seed {result.seed}, {faces}, {state}"
            if "search" in result.record:
                line += f", reward {result.record['search']['reward']:.3f}"
            lines.append(line)
            if stages:
                times = ", ".join(f"{k} {v:.2f} s" for k, v in result.timings_s.items())
                lines.append(f"  {times}")
        peak = peak_memory_bytes()
        memory = f", {peak / 1e9:.2f} GB" if peak else ""
        return [*lines, f"{self.total_s:.1f} s{memory}"]


@dataclass(frozen=True)
class Targets:
    """The files that a command is to write, and their seeds; checked before any work.

    Attributes:
        paths: ``out`` itself, or with numbers from 1.
        seeds: One for each; item i of several has a seed derived from the first.
        format: Format, where the extension does not tell.
    """

    paths: tuple[Path, ...]
    seeds: tuple[int, ...]
    format: str | None

    @staticmethod
    def checked(
        out: Path | str, *, count: int, seed: int | None, format: str | None = None
    ) -> Targets:
        """Choose names and seeds.

        Args:
            out: File to write; with several, ``NAME-1.EXT``, ``NAME-2.EXT``, ...
            count: How many, 1 to 64.
            seed: Seed of the first; drawn if None.
            format: Format, where the extension does not tell.

        Raises:
            UserError: A value is out of its range, or a file cannot be written.
        """
        if not 1 <= count <= MAX_COUNT:
            raise InputError(f"-n must lie in 1..{MAX_COUNT}, got {count}")
        paths = numbered_paths(Path(out), count)
        for path in paths:
            check_target(path, format=format)
        first = draw_seed() if seed is None else check_seed(seed)
        return Targets(tuple(paths), tuple(item_seed(first, i) for i in range(count)), format)

    def fill(
        self, make: Callable[[int], ShapeResult], *, began: float, details: Sequence[str] = ()
    ) -> GenerationRun:
        """Make and write one shape after the other.

        Args:
            make: From a seed to a shape.
            began: ``time.perf_counter()`` when the command's work began.
            details: See :class:`GenerationRun`.

        Raises:
            CancelledError: The user stopped; files of finished items stay, whole.
        """
        results = []
        for path, seed in zip(self.paths, self.seeds, strict=True):
            result = make(seed)
            result.save(path, format=self.format)
            results.append(result)
        return GenerationRun(
            paths=self.paths,
            seeds=self.seeds,
            results=tuple(results),
            warnings=_unique([w for result in results for w in result.warnings]),
            total_s=time.perf_counter() - began,
            details=tuple(details),
        )


def texture_size(
    wanted: int | Literal["auto"] | None, out: Path | str, format: str | None = None
) -> int | None:
    """Return the texels per side of a texture, or None where colours stay at the vertices.

    Args:
        wanted: A size, None for vertex colours, or ``auto``: 1,024 for formats that hold textures.
        out: File to write.
        format: Its format, where the extension does not tell.

    Raises:
        FormatError: The format is unknown, or holds no textures and one was asked for.
    """
    name = format_of(out, format=format)
    holds = FORMATS[name].textures
    if wanted == "auto":
        return DEFAULT_TEXTURE if holds else None
    if wanted is not None and not holds:
        able = ", ".join(key for key, value in FORMATS.items() if value.textures)
        raise FormatError(f"{name} files hold no textures", hint=f"formats that do: {able}")
    return wanted


def numbered_paths(out: Path, count: int) -> list[Path]:
    """Return the names of ``count`` files: ``out`` itself, or ``out`` with numbers from 1."""
    if count == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{i}{out.suffix}") for i in range(1, count + 1)]


def _unique(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lines))

"""What a pipeline of this room returns, and the steps that all of them share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from gen3d.errors import CancelledError, InputError
from gen3d.geometry.lod import lod_chain
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.printing import check_print
from gen3d.io import format_of, save
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.record import make_record
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.config import Mesher, SamplingConfig
from gen3d.vecset.extract import ExtractedMesh, MeshReport

MIN_FACES = 100


@dataclass(frozen=True)
class ShapeResult:
    """One generated shape.

    Attributes:
        mesh: Public frame, with normals, and colours if the model has them; its metadata holds the
            record.
        report: How the mesh came to be.
        record: Everything needed to make it again, and no times.
        seed: The seed used.
        warnings: What the user should know, in sentences.
        timings_s: Seconds by stage.
    """

    mesh: Mesh
    report: MeshReport
    record: dict[str, Any]
    seed: int
    warnings: tuple[str, ...]
    timings_s: dict[str, float]

    def save(self, path: Path | str, *, format: str | None = None) -> None:
        """Write the mesh with its record; the format follows the extension by default.

        Height, compression of GLB files and levels of detail (``NAME_lod1.EXT``, ...: what Unity,
        Unreal and Godot take) are those of the options.

        Raises:
            FormatError: The format is unknown.
            OutputError: The file cannot be written.
        """
        asset, path = self.record["asset"], Path(path)
        compress = asset["compress"] if format_of(path, format=format) == "glb" else None
        levels = lod_chain(self.mesh, asset["lod"]) if asset["lod"] else []
        for level, mesh in reversed(list(enumerate([self.mesh, *levels]))):
            # Coarser versions are a little lower; one scale keeps them in place.
            share = _height(mesh) / _height(self.mesh) if level else 1.0
            height_mm = None if asset["height_mm"] is None else asset["height_mm"] * share
            target = path.with_name(f"{path.stem}_lod{level}{path.suffix}") if level else path
            save(mesh, target, format=format, height_mm=height_mm, compress=compress)


@dataclass(frozen=True)
class ResolvedOptions:
    """The options of one generation.

    Attributes:
        steps: Sampling steps.
        guidance: Guidance strength.
        resolution: Grid cells per axis.
        faces: Face budget, if any.
        mesher: How the mesh is made.
        asset: What becomes of the mesh then.
    """

    steps: int
    guidance: float
    resolution: int
    faces: int | None
    mesher: Mesher
    asset: AssetOptions = field(default_factory=AssetOptions)


def resolve_options(
    defaults: SamplingConfig,
    *,
    steps: int | None = None,
    guidance: float | None = None,
    resolution: int | None = None,
    faces: int | None = None,
    mesher: Mesher = "marching-cubes",
    asset: AssetOptions | None = None,
) -> ResolvedOptions:
    """Fill in a model's defaults and check ranges.

    Raises:
        InputError: A value is out of its range.
    """
    options = ResolvedOptions(
        steps=defaults.steps if steps is None else steps,
        guidance=defaults.guidance if guidance is None else guidance,
        resolution=defaults.resolution if resolution is None else resolution,
        faces=faces,
        mesher=mesher,
        asset=asset or AssetOptions(),
    )
    if mesher not in get_args(Mesher):
        raise InputError(f"mesher must be one of {', '.join(get_args(Mesher))}, got {mesher!r}")
    _check_range("steps", options.steps, 1, 1000)
    _check_range("guidance", options.guidance, 0, 100)
    _check_range("resolution", options.resolution, 16, 512)
    if faces is not None and faces < MIN_FACES:
        raise InputError(f"faces must be at least {MIN_FACES}, got {faces}")
    options.asset.check(faces)
    return options


@contextlib.contextmanager
def decoding(sink: ProgressSink, cancelled: Callable[[], bool]) -> Iterator[Callable[[], None]]:
    """Announce the decoding stage; yield what to call between its steps, which may stop it.

    Raises:
        CancelledError: From the yielded function, when ``cancelled`` says so.
    """

    def check() -> None:
        if cancelled():
            raise CancelledError("cancelled while decoding")

    sink.stage_started("decoding", None)
    try:
        yield check
    finally:
        sink.stage_finished()


def make_result(
    task: str,
    extracted: ExtractedMesh,
    options: ResolvedOptions,
    *,
    seed: int,
    timings_s: dict[str, float],
    warnings: Sequence[str] = (),
    **record: Any,
) -> ShapeResult:
    """Join a mesh with the record of how it was made.

    Args:
        task: What made it, e.g. ``text_to_3d``.
        extracted: The mesh and its report.
        options: The options used.
        seed: Likewise the seed.
        timings_s: Seconds of the stages before the extraction.
        warnings: What the user should know; remarks on the mesh are added.
        **record: What else is needed to make it again, JSON values only.
    """
    full = make_record(task, seed=seed, **record, **asdict(options))
    return ShapeResult(
        mesh=extracted.mesh.with_(metadata={"gen3d": full}),
        report=extracted.report,
        record=full,
        seed=seed,
        warnings=(*warnings, *_remarks(extracted.report), *_print_remarks(extracted, options)),
        timings_s={**timings_s, **extracted.timings_s},
    )


def _check_range(name: str, value: float, low: float, high: float) -> None:
    # A NaN fails every comparison, so the test is for being inside.
    if not low <= value <= high:
        raise InputError(f"{name} must lie in {low}..{high}, got {value}")


def _height(mesh: Mesh) -> float:
    low, high = mesh.bounds[:, 1].tolist()
    return high - low


def _remarks(report: MeshReport) -> tuple[str, ...]:
    remarks = []
    if not report.watertight:
        remarks.append("the mesh is not watertight")
    if report.faces_asked is not None and report.faces > report.faces_asked:
        remarks.append(
            f"{report.faces} faces instead of {report.faces_asked}: "
            "fewer would have torn the surface open"
        )
    return tuple(remarks)


def _print_remarks(extracted: ExtractedMesh, options: ResolvedOptions) -> tuple[str, ...]:
    height_mm = options.asset.height_mm
    if height_mm is None:
        return ()
    return check_print(extracted.mesh, height_mm=height_mm).warnings

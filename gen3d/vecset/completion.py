"""From part of a surface, as points, to the whole shape."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.conditioning.text import validate_prompt
from gen3d.data.procedural.sketch import LONGEST_SIDE
from gen3d.errors import InputError
from gen3d.flow.steering import FlowChef
from gen3d.geometry.cloud import PointCloud
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import check_seed, draw_seed
from gen3d.vecset.config import Mesher
from gen3d.vecset.evidence import KnownField
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.result import ShapeResult, decoding, make_result
from gen3d.vecset.steering import (
    Frame,
    candidate_generators,
    condition_on,
    decode_states,
    known_objective,
    mesh_of,
    noised,
    steer_shape,
)
from gen3d.vecset.surface_encoding import (
    SurfacePoints,
    encode_surface,
    surface_points,
)

# Chosen on shapes of the val split.
START = 0.6
STEPS = 12
CANDIDATES = 2
METHOD = FlowChef(rate=0.05, inner=3, rule="adam")
_POINTS = 512
# The network's cube ends at 1.0; points may lie a little outside of where shapes end.
_REACH = 0.99
_SMALLEST = 0.1
# Nats per point; shapes that fit have 0.25 to 0.45.
_BAD_FIT = 0.8


@dataclasses.dataclass(frozen=True)
class Completion:
    """A completed state.

    Attributes:
        x: What the flow network works on.
        misfit: Nats per observed point; about 0.25 where all points lie on the surface.
        evaluations: Network evaluations per candidate.
    """

    x: Float[Tensor, "1 latents channels"]
    misfit: float
    evaluations: int


def frame_of(cloud: PointCloud, *, fit: bool = False, scale: float = 1.0) -> Frame:
    """Say where in the network's frame a cloud lies.

    How large the whole is cannot be seen from a part. So points are taken to be in the public
    frame (longest side of the whole 1, its centre at the origin), times ``scale``. With ``fit``,
    the middle of the points is taken for that of the whole, and their longest side for ``scale``
    times that of the whole.

    Args:
        cloud: At least one point.
        fit: See above.
        scale: Public-frame lengths per unit of the file; with ``fit``, the part of the whole's
            longest side that the points span.

    Raises:
        InputError: The scale is not positive, or the points lie outside the public frame or fill
            next to nothing of it.
    """
    if not (scale > 0 and math.isfinite(scale)):
        raise InputError(f"the scale must be positive, got {scale}")
    low, high = cloud.bounds.astype(float)
    longest = float((high - low).max())
    if not longest > 0:
        raise InputError("the cloud is a single point: nothing can be completed")
    frame = Frame(scale=LONGEST_SIDE * scale)
    if fit:
        middle = (low + high) / 2
        frame = Frame(
            (float(middle[0]), float(middle[1]), float(middle[2])), LONGEST_SIDE * scale / longest
        )
    reach = float(frame.to_network(torch.from_numpy(cloud.bounds)).abs().max())
    if reach > _REACH:
        raise InputError(
            f"the points reach {reach / LONGEST_SIDE:.3g} from the origin, in the public frame a "
            "shape ends at 0.5",
            hint="give --fit to centre and scale them, or --scale FACTOR",
        )
    if longest * frame.scale < _SMALLEST:
        raise InputError(
            f"the points span {longest * frame.scale / LONGEST_SIDE:.3g} of the public frame's 1",
            hint="give --fit to centre and scale them, or --scale FACTOR",
        )
    return frame


def complete_surface(
    pipeline: VecsetPipeline,
    surface: SurfacePoints,
    *,
    seed: int,
    prompt: str | None = None,
    guidance: float = 1.0,
    steps: int = STEPS,
    candidates: int = CANDIDATES,
    start: float = START,
    method: FlowChef = METHOD,
    sink: ProgressSink | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Completion:
    """Find the latents of a shape that a surface is part of.

    The points are encoded as if they were all: the autoencoder knows few shapes that end so, and
    already closes much. That estimate is noised up to ``start`` and carried back by the flow,
    steered (FlowChef) towards shapes with a surface at the points; of several tries the one that
    fits the points best is returned.

    Args:
        pipeline: The model.
        surface: What was seen.
        seed: Of the noise.
        prompt: What the whole is, if known.
        guidance: Strength of the prompt.
        steps: Steps of the flow.
        candidates: Tries.
        start: Time up to which the estimate is noised.
        method: How to steer.
        sink: Where to report.
        cancelled: Asked after each step.

    Raises:
        ModelError: The model cannot encode parts of surfaces.
        CancelledError: ``cancelled`` said so.
    """
    tokens = pipeline.latent_shape[0]
    latents, surface = encode_surface(pipeline.vae, surface, tokens=tokens)
    known = KnownField.of_surface(surface)
    result = steer_shape(
        pipeline,
        noised(pipeline, latents, start, candidate_generators(seed, candidates)),
        known_objective(pipeline, known, points=_POINTS, seed=seed),
        condition_on(pipeline, prompt, candidates, guidance=guidance),
        method,
        start=start,
        steps=steps,
        sink=sink or NullProgress(),
        cancelled=cancelled,
    )
    with torch.no_grad():
        misfit = known.loss(pipeline.vae, decode_states(pipeline, result.x0))
    best = int(misfit.argmin())
    return Completion(result.x0[best : best + 1], float(misfit[best]), result.evaluations)


def complete(
    pipeline: VecsetPipeline,
    cloud: PointCloud,
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
    progress: ProgressSink | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    source: dict[str, str] | None = None,
) -> ShapeResult:
    """Make a whole shape from part of its surface; the mesh lies where the points lie.

    Args:
        pipeline: The model.
        cloud: At least 32 points, better with normals; colours are kept if there are any.
        prompt: What the whole is; None lets the points decide.
        fit: See :func:`frame_of`.
        scale: Likewise.
        seed: Random seed, 0 to 2^31 - 1; drawn if None.
        steps: Steps of the flow; 12 by default.
        guidance: Strength of the prompt.
        resolution: Grid cells per axis.
        faces: Face budget.
        mesher: ``marching-cubes`` or ``dual-contouring``.
        progress: Where to report.
        cancelled: Asked between steps and stages; True stops the work.
        source: Name and hash of the file that the points came from, for the record.

    Raises:
        InputError: The points or an option cannot be used.
        ModelError: The model cannot encode parts of surfaces.
        EmptySurfaceError: The shape found has no surface.
        CancelledError: ``cancelled`` said so.
    """
    prompt = None if prompt is None else validate_prompt(prompt)
    options = pipeline.resolve(
        steps=STEPS if steps is None else steps,
        guidance=guidance,
        resolution=resolution,
        faces=faces,
        mesher=mesher,
    )
    seed = draw_seed() if seed is None else check_seed(seed)
    frame, sink = frame_of(cloud, fit=fit, scale=scale), progress or NullProgress()
    began = time.perf_counter()
    placed = cloud.with_(points=frame.to_network(torch.from_numpy(cloud.points)).numpy())
    found = complete_surface(
        pipeline,
        surface_points(placed, seed=seed, device=pipeline.device),
        seed=seed,
        prompt=prompt,
        guidance=options.guidance,
        steps=options.steps,
        sink=sink,
        cancelled=cancelled,
    )
    steered_s = time.perf_counter() - began
    with decoding(sink, cancelled) as check:
        extracted = mesh_of(pipeline, found.x, options, check)
    extracted = dataclasses.replace(extracted, mesh=frame.from_network(extracted.mesh))
    return make_result(
        "completion",
        extracted,
        options,
        seed=seed,
        timings_s={"steer": steered_s},
        warnings=_remarks(found.misfit),
        prompt=prompt,
        points=len(cloud),
        fit=fit,
        scale=scale,
        misfit=round(found.misfit, 4),
        source=source,
        model=pipeline.name,
        files=pipeline.fingerprint,
        device=pipeline.device.type,
    )


def _remarks(misfit: float) -> list[str]:
    if misfit < _BAD_FIT:
        return []
    return [
        f"the shape found fits the points badly (misfit {misfit:.2f}, a good one has 0.3): the "
        "model knows few shapes like it, or the points have another size than --scale and --fit say"
    ]

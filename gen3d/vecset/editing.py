"""A mesh changed by a sentence, inside a box or as a whole."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.conditioning.text import validate_prompt
from gen3d.data.procedural.sketch import LONGEST_SIDE
from gen3d.errors import InputError
from gen3d.flow import BoundField, NetworkField, UniformSchedule
from gen3d.flow.steering import FlowChef, FlowOpt, invert, squared_distance
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.metrics import volume_iou
from gen3d.geometry.sample import sample_surface
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import check_seed, draw_seed, make_generator
from gen3d.vecset.config import Mesher
from gen3d.vecset.evidence import ASIDE, KnownField
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
    SURFACE_POINTS,
    SurfacePoints,
    encode_surface,
    surface_points,
)
from gen3d.vecset.vae import DecodedShape

Corner = tuple[float, float, float]

STRENGTH = 0.9
CANDIDATES = 2
INSIDE_BOX = FlowChef(rate=0.05, inner=3, rule="adam")
# Few and short steps: what is left of the distance to the mesh is the edit.
AS_A_WHOLE = FlowOpt(iterations=6, eta=0.2)
_POINTS = 1024
_NEAR_SIGMA = 0.06
_VOLUME_POINTS = 1 << 15
_BADLY_ENCODED = 0.85
_MESH_SEED = 0


@dataclass(frozen=True)
class Box:
    """Where a mesh may change, in the mesh's own coordinates.

    Args:
        low: The lowest corner.
        high: The highest corner.

    Raises:
        InputError: The box is empty.
    """

    low: Corner
    high: Corner

    def __post_init__(self) -> None:
        sides = [h - low for low, h in zip(self.low, self.high, strict=True)]
        if not all(math.isfinite(side) and side > 0 for side in sides):
            raise InputError(
                f"the box from {self.low} to {self.high} is empty",
                hint="give x0,y0,z0,x1,y1,z1 with x0 < x1, y0 < y1, z0 < z1",
            )

    def contains(self, points: Float[Tensor, "n 3"], frame: Frame) -> Bool[Tensor, " n"]:
        """Tell which points, in the network's frame, lie inside."""
        low, high = (frame.to_network(points.new_tensor(c)) for c in (self.low, self.high))
        return ((points >= low) & (points <= high)).all(-1)


@dataclass(frozen=True)
class Source:
    """A mesh as the model sees it.

    Attributes:
        x: What the flow network works on.
        shape: The same, decoded.
        surface: The points that were encoded.
        frame: From the mesh's coordinates to the network's.
        accuracy: How often the decoded shape puts the inside where the mesh has it, at points just
            beside the surface.
    """

    x: Float[Tensor, "1 latents channels"]
    shape: DecodedShape
    surface: SurfacePoints
    frame: Frame
    accuracy: float


def encode_source(pipeline: VecsetPipeline, mesh: Mesh) -> Source:
    """Encode a mesh; the same mesh gives the same latents.

    Raises:
        InputError: The mesh has no area.
        ModelError: The model cannot encode surfaces.
    """
    frame = mesh_frame(mesh)
    cloud = sample_surface(mesh, SURFACE_POINTS, make_generator(_MESH_SEED))
    placed = cloud.with_(points=frame.to_network(torch.from_numpy(cloud.points)).numpy())
    surface = surface_points(placed, seed=_MESH_SEED, device=pipeline.device)
    tokens = pipeline.latent_shape[0]
    latents, surface = encode_surface(pipeline.vae, surface, tokens=tokens)
    with torch.no_grad():
        x = pipeline.dit.normalise(latents * pipeline.vae.config.scale_factor).float()
        shape = decode_states(pipeline, x)
        step = ASIDE * surface.normals
        sides = torch.cat([surface.points - step, surface.points + step])
        inside = pipeline.vae.occupancy(sides[None], shape)[0] > 0
        behind, before = inside.chunk(2)
        accuracy = float(torch.cat([behind, ~before]).double().mean())
    return Source(x, shape, surface, frame, accuracy)


def mesh_frame(mesh: Mesh, box: Box | None = None) -> Frame:
    """Return the frame in which a mesh is centred and as long as the model's shapes.

    Args:
        mesh: With some extent.
        box: If given, it must meet the mesh's surroundings.

    Raises:
        InputError: The mesh has no extent, or the box lies outside.
    """
    if not len(mesh.faces):
        raise InputError("a mesh without faces cannot be edited")
    low, high = mesh.bounds.astype(np.float64)
    longest, middle = float((high - low).max()), (low + high) / 2
    if not longest > 0:
        raise InputError("a mesh without extent cannot be edited")
    if box is not None and not bool((np.minimum(high, box.high) > np.maximum(low, box.low)).all()):
        raise InputError(
            f"the box {box.low} to {box.high} lies outside the mesh, which reaches from "
            f"{_written(low)} to {_written(high)}",
            hint="boxes are in the file's own coordinates",
        )
    return Frame((float(middle[0]), float(middle[1]), float(middle[2])), LONGEST_SIDE / longest)


def edit(
    pipeline: VecsetPipeline,
    mesh: Mesh,
    prompt: str,
    *,
    box: Box | None = None,
    strength: float = STRENGTH,
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
    """Change a mesh as a sentence says; the result lies where the mesh lies.

    With a box, the mesh's latents are noised up to time ``strength`` and brought back under the
    prompt, steered (FlowChef) towards the mesh's own field and colours outside of the box. Without
    one, the latents are inverted to noise and brought back under the prompt, and the noise is
    corrected (FlowOpt) so that the result stays near the mesh.

    Args:
        pipeline: The model.
        mesh: What to change; best of a kind that the model knows.
        prompt: What the result shall be, as a whole.
        box: Where it may change; None: anywhere.
        strength: Time up to which the mesh is noised, above 0 and at most 1.
        seed: Random seed, 0 to 2^31 - 1; drawn if None.
        steps: Steps of the flow; the model's default if None.
        guidance: Strength of the prompt.
        resolution: Grid cells per axis.
        faces: Face budget.
        mesher: ``marching-cubes`` or ``dual-contouring``.
        progress: Where to report.
        cancelled: Asked between steps and stages; True stops the work.
        source: Name and hash of the mesh's file, for the record.

    Raises:
        InputError: The mesh, the box, the prompt or an option cannot be used.
        ModelError: The model cannot encode surfaces.
        EmptySurfaceError: The shape found has no surface.
        CancelledError: ``cancelled`` said so.
    """
    prompt = validate_prompt(prompt)
    if not 0 < strength <= 1:
        raise InputError(f"strength must lie above 0 and at most at 1, got {strength}")
    options = pipeline.resolve(
        steps=pipeline.sampling.steps if steps is None else steps,
        guidance=guidance,
        resolution=resolution,
        faces=faces,
        mesher=mesher,
    )
    seed, sink = draw_seed() if seed is None else check_seed(seed), progress or NullProgress()
    mesh_frame(mesh, box)
    began = time.perf_counter()
    origin = encode_source(pipeline, mesh)
    work = _Edit(pipeline, origin, prompt, options.guidance, options.steps, strength, seed)
    with torch.no_grad():
        x = work.as_a_whole(sink, cancelled) if box is None else work.inside(box, sink, cancelled)
        kept = outside_iou(pipeline, origin, decode_states(pipeline, x), box)
    steered_s = time.perf_counter() - began
    with decoding(sink, cancelled) as check:
        extracted = mesh_of(pipeline, x, options, check)
    extracted = dataclasses.replace(extracted, mesh=origin.frame.from_network(extracted.mesh))
    return make_result(
        "edit",
        extracted,
        options,
        seed=seed,
        timings_s={"steer": steered_s},
        warnings=_remarks(origin, kept, box),
        prompt=prompt,
        box=None if box is None else [*box.low, *box.high],
        strength=strength,
        kept_iou=round(kept, 4),
        encoded_accuracy=round(origin.accuracy, 4),
        source=source,
        model=pipeline.name,
        files=pipeline.fingerprint,
        device=pipeline.device.type,
    )


def outside_iou(
    pipeline: VecsetPipeline, source: Source, shape: DecodedShape, box: Box | None
) -> float:
    """Return how much of the source's solid outside of a box another shape shares.

    Intersection over union at random points of the model's cube.
    """
    generator = make_generator(_MESH_SEED)
    points = (2 * torch.rand(_VOLUME_POINTS, 3, generator=generator) - 1).to(source.x.device)
    if box is not None:
        points = points[~box.contains(points, source.frame)]
    with torch.no_grad():
        before, after = (
            pipeline.vae.occupancy(points[None], s)[0] > 0 for s in (source.shape, shape)
        )
    return float(volume_iou(before, after))


@dataclass(frozen=True)
class _Edit:
    pipeline: VecsetPipeline
    source: Source
    prompt: str
    guidance: float
    steps: int
    strength: float
    seed: int

    def inside(self, box: Box, sink: ProgressSink, cancelled: Callable[[], bool]) -> Tensor:
        """Let a box change; of several tries take the one that keeps the outside best."""
        pipeline, source = self.pipeline, self.source
        known = self._outside(box)
        latents = pipeline.dit.denormalise(source.x) / pipeline.vae.config.scale_factor
        result = steer_shape(
            pipeline,
            noised(pipeline, latents, self.strength, candidate_generators(self.seed, CANDIDATES)),
            known_objective(pipeline, known, points=_POINTS, seed=self.seed),
            condition_on(pipeline, self.prompt, CANDIDATES, guidance=self.guidance),
            INSIDE_BOX,
            start=self.strength,
            steps=self.steps,
            sink=sink,
            cancelled=cancelled,
        )
        misfit = known.loss(pipeline.vae, decode_states(pipeline, result.x0))
        best = int(misfit.argmin())
        return result.x0[best : best + 1]

    def as_a_whole(self, sink: ProgressSink, cancelled: Callable[[], bool]) -> Tensor:
        """Invert without a prompt, then come back with one."""
        nothing = condition_on(self.pipeline, None, 1, guidance=1.0)
        times = UniformSchedule(self.strength, 0.0).grid(self.steps).tolist()
        field = BoundField(NetworkField(self.pipeline.dit), nothing.cond)
        return steer_shape(
            self.pipeline,
            invert(field, self.source.x, times),
            squared_distance(self.source.x),
            condition_on(self.pipeline, self.prompt, 1, guidance=self.guidance),
            AS_A_WHOLE,
            start=self.strength,
            steps=self.steps,
            sink=sink,
            cancelled=cancelled,
        ).x0

    def _outside(self, box: Box) -> KnownField:
        """Take the source's own field, as probabilities, and its colours outside of the box."""
        source, generator = self.source, make_generator(_MESH_SEED)
        points = source.surface.points
        offset = _NEAR_SIGMA * torch.randn(points.shape, generator=generator).to(points)
        cube = 2 * torch.rand(len(points), 3, generator=generator).to(points) - 1
        where = torch.cat([points + offset, points, cube])
        where = where[~box.contains(where, source.frame)]
        on_surface = ~box.contains(points, source.frame)
        logits = self.pipeline.vae.occupancy(where[None], source.shape)[0]
        return KnownField(
            where, logits.sigmoid(), points[on_surface], source.surface.colours[on_surface]
        )


def _remarks(source: Source, kept: float, box: Box | None) -> list[str]:
    place = "the shape" if box is None else "what lies outside the box"
    remarks = [f"kept of {place}: IoU {kept:.2f}"]
    if source.accuracy < _BADLY_ENCODED:
        remarks.append(
            f"the model's idea of the mesh is right at {source.accuracy:.0%} of its surface only: "
            "it knows few shapes like this one, and what is kept is that idea"
        )
    return remarks


def _written(corner: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in corner) + ")"

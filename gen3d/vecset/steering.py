"""What completion and editing share: the model as a steerable flow over shapes that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.data.procedural.sketch import LONGEST_SIDE
from gen3d.errors import CancelledError
from gen3d.flow import ClassifierFree, NetworkField, UniformSchedule
from gen3d.flow.steering import SteeringMethod, SteerResult, steer
from gen3d.geometry.mesh import Mesh
from gen3d.geometry.normals import vertex_normals
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import item_seed, make_generator
from gen3d.vecset.dit import Condition
from gen3d.vecset.evidence import KnownField
from gen3d.vecset.extract import ExtractedMesh, extract_mesh
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.result import ResolvedOptions
from gen3d.vecset.vae import DecodedShape

# Any words: what stands for "none" has the shape of a condition and no content.
_NO_WORDS = "a"


@dataclass(frozen=True)
class Frame:
    """The map between a file's coordinates and the network's, whose shapes are 1.9 long.

    Attributes:
        centre: The point of the file that is the network's origin.
        scale: Network units per unit of the file.
    """

    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = LONGEST_SIDE

    def to_network(self, points: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        """Map points of the file."""
        return (points - points.new_tensor(self.centre)) * self.scale

    def from_network(self, mesh: Mesh) -> Mesh:
        """Map a mesh back to the file."""
        moved = torch.from_numpy(mesh.vertices).double() / self.scale
        moved = moved + moved.new_tensor(self.centre)
        mesh = mesh.with_(vertices=moved.numpy())
        return mesh.with_(normals=vertex_normals(mesh))


@dataclass(frozen=True)
class Prompted:
    """A condition with its guidance, for a batch.

    Attributes:
        cond: What the samples shall show; without a prompt, nothing.
        guidance: The rule; None without a prompt.
        uncond: The condition that stands for nothing.
    """

    cond: Condition
    guidance: ClassifierFree | None
    uncond: Condition


def conditions_on(
    pipeline: VecsetPipeline, prompts: Sequence[str | None], *, guidance: float = 1.0
) -> Prompted:
    """Return the condition of a batch, in which None stands for no prompt.

    Where no item has a prompt there is no guidance either.
    """
    cond = pipeline.condition([prompt or _NO_WORDS for prompt in prompts])
    without = torch.tensor([prompt is None for prompt in prompts], device=cond.tokens.device)
    cond = cond.dropped(without)
    if bool(without.all()):
        return Prompted(cond, None, cond)
    rule = ClassifierFree(guidance, interval=pipeline.sampling.guidance_interval)
    return Prompted(cond, rule, cond.unconditional())


def condition_on(
    pipeline: VecsetPipeline, prompt: str | None, count: int, *, guidance: float
) -> Prompted:
    """Return the condition of ``count`` samples of one prompt, or of none."""
    return conditions_on(pipeline, [prompt] * count, guidance=guidance)


def decode_states(
    pipeline: VecsetPipeline, x: Float[Tensor, "batch latents channels"]
) -> DecodedShape:
    """Decode what the flow network works on."""
    latents = pipeline.dit.denormalise(x) / pipeline.vae.config.scale_factor
    return pipeline.vae.decode(latents)


def known_objective(
    pipeline: VecsetPipeline, known: KnownField, *, points: int, seed: int
) -> Callable[[Tensor], Tensor]:
    """Return the objective of a known field, on other random points at each call."""
    generator = make_generator(seed)

    def objective(x: Float[Tensor, "batch latents channels"]) -> Float[Tensor, " batch"]:
        return known.picked(points, generator).loss(pipeline.vae, decode_states(pipeline, x))

    return objective


def noised(
    pipeline: VecsetPipeline,
    latents: Float[Tensor, "1 latents channels"],
    start: float,
    generators: list[torch.Generator],
) -> Float[Tensor, "batch latents channels"]:
    """Carry the latents of one shape to time ``start``, once for every generator."""
    x0 = pipeline.dit.normalise(latents * pipeline.vae.config.scale_factor).float()
    shape = x0.shape[1:]
    noise = torch.stack([torch.randn(shape, generator=one) for one in generators]).to(x0)
    return NetworkField(pipeline.dit).path.interpolate(x0, noise, start)


def steer_shape(
    pipeline: VecsetPipeline,
    x: Float[Tensor, "batch latents channels"],
    objective: Callable[[Tensor], Tensor],
    prompted: Prompted,
    method: SteeringMethod,
    *,
    start: float,
    steps: int,
    sink: ProgressSink,
    cancelled: Callable[[], bool],
) -> SteerResult:
    """Run one way of steering from time ``start`` on, with progress.

    Raises:
        CancelledError: ``cancelled`` said so.
    """
    done_before = 0

    def report(done: int, total: int) -> None:
        nonlocal done_before
        if not done_before:
            sink.stage_started("steering", total)
        sink.advance(done - done_before)
        done_before = done
        if cancelled():
            raise CancelledError("cancelled while steering")

    try:
        return steer(
            NetworkField(pipeline.dit),
            objective,
            x,
            method=method,
            steps=steps,
            cond=prompted.cond,
            guidance=prompted.guidance,
            uncond=prompted.uncond,
            schedule=UniformSchedule(start, 0.0),
            report=report,
        )
    finally:
        if done_before:
            sink.stage_finished()


def candidate_generators(seed: int, count: int) -> list[torch.Generator]:
    """Return the sources of noise of several tries at one shape."""
    return [make_generator(item_seed(seed, index)) for index in range(count)]


def mesh_of(
    pipeline: VecsetPipeline,
    x: Float[Tensor, "1 latents channels"],
    options: ResolvedOptions,
    check: Callable[[], None],
) -> ExtractedMesh:
    """Decode a steered state to a mesh in the network's coordinates.

    Raises:
        EmptySurfaceError: The field has no surface.
    """
    with torch.no_grad():
        shape = decode_states(pipeline, x)
    return extract_mesh(
        pipeline.vae,
        shape,
        resolution=options.resolution,
        faces=options.faces,
        mesher=options.mesher,
        start=pipeline.sampling.decode_start,
        normalise=False,
        check=check,
    )

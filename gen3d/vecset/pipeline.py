"""From a sentence to a coloured mesh."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.conditioning.text import TextEncoder, validate_prompt
from gen3d.errors import CancelledError, InputError
from gen3d.flow import (
    DENSE,
    CancelHook,
    ClassifierFree,
    Hook,
    NetworkField,
    ProgressHook,
    sample,
)
from gen3d.geometry.mesh import Mesh
from gen3d.io import save
from gen3d.io.tensors import sha256_of
from gen3d.runtime.devices import resolve_device
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.record import make_record
from gen3d.runtime.seeds import check_seed, draw_seed, make_generator
from gen3d.vecset.checkpoints import DIT_FILE, VAE_FILE, load_dit, load_vae
from gen3d.vecset.config import SamplingConfig
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.extract import ExtractedMesh, MeshReport, extract_mesh
from gen3d.vecset.vae import ShapeVAE

MIN_FACES = 100


@dataclass(frozen=True)
class TextTo3DResult:
    """One generated shape.

    Attributes:
        mesh: Public frame, with normals and colours; its metadata holds the record.
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

        Raises:
            FormatError: The format is unknown.
            OutputError: The file cannot be written.
        """
        save(self.mesh, path, format=format)


class VecsetPipeline:
    """Text to 3D by a flow over latent sets.

    Args:
        vae: The autoencoder, in eval mode.
        dit: The flow network, in eval mode.
        text: The text encoder that it was trained with.
        sampling: Defaults of the options.
        name: The model's name, for records.
        fingerprint: Hashes of its files, for records.
        warn: Says what is doubtful about a prompt, in sentences.

    Example:
        pipeline = VecsetPipeline.from_folder(folder)
        pipeline.text_to_3d("a mug", seed=1).save("mug.glb")
    """

    def __init__(
        self,
        vae: ShapeVAE,
        dit: ShapeDiT,
        text: TextEncoder,
        *,
        sampling: SamplingConfig | None = None,
        name: str = "custom",
        fingerprint: dict[str, str] | None = None,
        warn: Callable[[str], Sequence[str]] = lambda prompt: (),
    ) -> None:
        self.vae, self.dit, self.text = vae, dit, text
        self.sampling = sampling or SamplingConfig()
        self.name, self.fingerprint, self._warn = name, fingerprint or {}, warn

    @classmethod
    def from_folder(
        cls,
        folder: Path | str,
        *,
        device: str | torch.device = "auto",
        name: str = "",
        text: TextEncoder | None = None,
        warn: Callable[[str], Sequence[str]] = lambda prompt: (),
    ) -> VecsetPipeline:
        """Load ``vae.safetensors`` and ``dit.safetensors``.

        Args:
            folder: Where they lie.
            device: Where to run.
            name: The model's name; the folder's by default.
            text: The text encoder; the shipped one by default.
            warn: See the class.

        Raises:
            ModelError: A file is missing or damaged.
            InputError: The device does not exist.
        """
        folder, device = Path(folder), resolve_device(device)
        vae = load_vae(folder / VAE_FILE, device=device)
        dit, sampling = load_dit(folder / DIT_FILE, device=device)
        text = (text or TextEncoder.load()).to(device)
        files = {file: sha256_of(folder / file) for file in (VAE_FILE, DIT_FILE)}
        return cls(
            vae,
            dit,
            text,
            sampling=sampling,
            name=name or folder.name,
            fingerprint=files,
            warn=warn,
        )

    @property
    def device(self) -> torch.device:
        """Where the networks live."""
        return self.vae.from_latent.weight.device

    def text_to_3d(
        self,
        prompt: str,
        *,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        resolution: int | None = None,
        faces: int | None = None,
        progress: ProgressSink | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> TextTo3DResult:
        """Make one shape.

        Args:
            prompt: What to make.
            seed: Random seed, 0 to 2^31 - 1; drawn if None.
            steps: Sampling steps, 1 to 1000.
            guidance: Guidance strength, 0 to 100; 1 is off.
            resolution: Grid cells per axis, 16 to 512.
            faces: Face budget, at least 100; None: no limit.
            progress: Where to report.
            cancelled: Asked between steps and stages; True stops the work.

        Raises:
            InputError: The prompt or an option is out of its range.
            EmptySurfaceError: The sample has no surface.
            CancelledError: ``cancelled`` said so.
        """
        prompt = validate_prompt(prompt)
        options = self.resolve(steps=steps, guidance=guidance, resolution=resolution, faces=faces)
        seed = draw_seed() if seed is None else check_seed(seed)
        sink = progress or NullProgress()

        def check() -> None:
            if cancelled():
                raise CancelledError("cancelled while decoding")

        began = time.perf_counter()
        latents = self.sample_latents(
            [prompt],
            [seed],
            steps=options.steps,
            guidance=options.guidance,
            hooks=(ProgressHook(sink), CancelHook(cancelled)),
        )
        sampled = time.perf_counter()
        sink.stage_started("decoding", None)
        try:
            extracted = self.decode(
                latents, resolution=options.resolution, faces=options.faces, check=check
            )
        finally:
            sink.stage_finished()
        record = make_record(
            "text_to_3d",
            prompt=prompt,
            seed=seed,
            model=self.name,
            files=self.fingerprint,
            device=self.device.type,
            threads=torch.get_num_threads(),
            **asdict(options),
        )
        return TextTo3DResult(
            mesh=extracted.mesh.with_(metadata={"gen3d": record}),
            report=extracted.report,
            record=record,
            seed=seed,
            warnings=(*self._doubts(prompt), *_remarks(extracted.report)),
            timings_s={"sample": sampled - began, **extracted.timings_s},
        )

    @torch.no_grad()
    def sample_latents(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        steps: int,
        guidance: float,
        hooks: Sequence[Hook] = (),
    ) -> Float[Tensor, "batch latents channels"]:
        """Sample the autoencoder's latents, one item per prompt and seed, all in one batch."""
        encoded = self.text.encode(list(prompts))
        condition = Condition(encoded.tokens, encoded.mask, encoded.pooled)
        if self.dit.config.pooled_dim is None:
            condition = Condition(encoded.tokens, encoded.mask)
        tokens = self.dit.config.num_latents or self.vae.config.num_latents
        shape = (len(prompts), tokens, self.dit.config.latent_dim)
        noise = DENSE.randn(shape, [make_generator(s) for s in seeds], device=self.device)
        rule = ClassifierFree(guidance, interval=self.sampling.guidance_interval)
        result = sample(
            NetworkField(self.dit),
            noise,
            steps=steps,
            cond=condition,
            guidance=rule,
            uncond=condition.unconditional(),
            hooks=hooks,
        )
        return self.dit.denormalise(result.x0)

    @torch.no_grad()
    def decode(
        self,
        latents: Float[Tensor, "1 latents channels"],
        *,
        resolution: int,
        faces: int | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> ExtractedMesh:
        """Turn the latents of one shape into a mesh.

        Raises:
            EmptySurfaceError: The field has no surface.
        """
        return extract_mesh(
            self.vae,
            self.vae.decode(latents / self.vae.config.scale_factor),
            resolution=resolution,
            faces=faces,
            start=self.sampling.decode_start,
            slope=self.sampling.decode_slope,
            check=check,
        )

    def _doubts(self, prompt: str) -> list[str]:
        doubts = list(self._warn(prompt))
        if self.text.encode([prompt]).truncated[0]:
            doubts.append("the prompt is long: the model read its beginning only")
        return doubts

    def resolve(
        self,
        *,
        steps: int | None = None,
        guidance: float | None = None,
        resolution: int | None = None,
        faces: int | None = None,
    ) -> ResolvedOptions:
        """Fill in the model's defaults and check ranges.

        Raises:
            InputError: A value is out of its range.
        """
        defaults = self.sampling
        options = ResolvedOptions(
            steps=defaults.steps if steps is None else steps,
            guidance=defaults.guidance if guidance is None else guidance,
            resolution=defaults.resolution if resolution is None else resolution,
            faces=faces,
        )
        _check_range("steps", options.steps, 1, 1000)
        _check_range("guidance", options.guidance, 0, 100)
        _check_range("resolution", options.resolution, 16, 512)
        if faces is not None and faces < MIN_FACES:
            raise InputError(f"faces must be at least {MIN_FACES}, got {faces}")
        return options


@dataclass(frozen=True)
class ResolvedOptions:
    """The options of one generation.

    Attributes:
        steps: Sampling steps.
        guidance: Guidance strength.
        resolution: Grid cells per axis.
        faces: Face budget, if any.
    """

    steps: int
    guidance: float
    resolution: int
    faces: int | None


def _check_range(name: str, value: float, low: float, high: float) -> None:
    # A NaN fails every comparison, so the test is for being inside.
    if not low <= value <= high:
        raise InputError(f"{name} must lie in {low}..{high}, got {value}")


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

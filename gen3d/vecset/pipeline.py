"""From a sentence, from photos, or from both, to a coloured mesh."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.conditioning.background import Background
from gen3d.conditioning.concepts import Concepts
from gen3d.conditioning.photos import Photo, load_photos
from gen3d.conditioning.text import TextEncoder, validate_prompt
from gen3d.data.procedural import CATEGORIES, categories_among
from gen3d.errors import ModelError
from gen3d.flow import (
    DENSE,
    CancelHook,
    ClassifierFree,
    Hook,
    NetworkField,
    ProgressHook,
    sample,
)
from gen3d.flow.schedules import UNIFORM
from gen3d.flow.solvers import EULER
from gen3d.geometry.materials import Material, material_of_prompt
from gen3d.io.tensors import sha256_of
from gen3d.runtime.devices import resolve_device
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import check_seed, draw_seed, make_generator
from gen3d.vecset.asset import AssetOptions
from gen3d.vecset.checkpoints import DIT_FILE, VAE_FILE, load_dit, load_vae
from gen3d.vecset.condition_source import image_condition, join_conditions
from gen3d.vecset.config import Mesher, SamplingConfig
from gen3d.vecset.dit import Condition, ShapeDiT
from gen3d.vecset.extract import ExtractedMesh
from gen3d.vecset.few_steps import FewSteps, Route
from gen3d.vecset.image_encoder import IMAGE_FILE, ImageEncoder
from gen3d.vecset.photo_condition import encode_photos, fitting_encoder
from gen3d.vecset.result import (
    ResolvedOptions,
    ShapeResult,
    decoding,
    make_result,
    resolve_options,
)
from gen3d.vecset.texture import decode_asset
from gen3d.vecset.vae import ShapeVAE


class VecsetPipeline:
    """Text and images to 3D by a flow over latent sets.

    Args:
        vae: The autoencoder, in eval mode.
        dit: The flow network, in eval mode.
        text: The text encoder that it was trained with.
        sampling: Defaults of the options.
        few_steps: Its student and fitted solvers, if it has any.
        name: The model's name, for records.
        fingerprint: Hashes of its files, for records.
        image_file: Its image encoder, read when one is needed; None: it takes no images.
        concepts: What it knows, to warn of prompts for other things; None: no warnings.

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
        few_steps: FewSteps | None = None,
        name: str = "custom",
        fingerprint: dict[str, str] | None = None,
        image_file: Path | None = None,
        concepts: Concepts | None = None,
    ) -> None:
        self.vae, self.dit, self.text = vae, dit, text
        self.sampling, self.few_steps = sampling or SamplingConfig(), few_steps or FewSteps()
        self.name, self.fingerprint, self.concepts = name, fingerprint or {}, concepts
        self._image_file = image_file
        self._image_encoder: ImageEncoder | None = None

    @classmethod
    def from_folder(
        cls,
        folder: Path | str,
        *,
        device: str | torch.device = "auto",
        name: str = "",
        text: TextEncoder | None = None,
        concepts: Concepts | None = None,
    ) -> VecsetPipeline:
        """Load ``vae.safetensors`` and ``dit.safetensors``, and what there is for few steps.

        Args:
            folder: Where they lie.
            device: Where to run.
            name: The model's name; the folder's by default.
            text: The text encoder; the shipped one by default.
            concepts: See the class.

        Raises:
            ModelError: A file is missing or damaged.
            InputError: The device does not exist.
        """
        folder, device = Path(folder), resolve_device(device)
        vae = load_vae(folder / VAE_FILE, device=device)
        dit, sampling = load_dit(folder / DIT_FILE, device=device)
        text = (text or TextEncoder.load()).to(device)
        dit_sha256 = sha256_of(folder / DIT_FILE)
        few_steps = FewSteps.load(folder, dit, dit_sha256=dit_sha256)
        paths = [folder / VAE_FILE, *few_steps.files]
        if text.source is not None:
            paths.append(text.source)
        image_file = folder / IMAGE_FILE
        files = {DIT_FILE: dit_sha256, **{path.name: sha256_of(path) for path in paths}}
        return cls(
            vae,
            dit,
            text,
            sampling=sampling,
            few_steps=few_steps,
            name=name or folder.name,
            fingerprint=files,
            image_file=image_file if image_file.exists() else None,
            concepts=concepts,
        )

    @property
    def device(self) -> torch.device:
        """Where the networks live."""
        return self.vae.from_latent.weight.device

    @property
    def image_encoder(self) -> ImageEncoder:
        """The image encoder.

        Raises:
            ModelError: The model has none, its file is damaged, or it belongs to another network.
        """
        if self._image_file is None:
            line = f"the model {self.name!r} takes no images: it has no {IMAGE_FILE}"
            raise ModelError(line, hint="use gen3d text, or a model with an image encoder")
        if self._image_encoder is None:
            width = self.dit.config.context_dim
            self._image_encoder = fitting_encoder(self._image_file, width, device=self.device)
        return self._image_encoder

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories of the procedural library that it knows; all where it does not say."""
        return CATEGORIES if self.concepts is None else categories_among(self.concepts.names)

    @property
    def undistilled_fingerprint(self) -> dict[str, str]:
        """Hashes of the files that matter where neither student nor fitted solver is used."""
        extras = {path.name for path in self.few_steps.files}
        return {name: value for name, value in self.fingerprint.items() if name not in extras}

    @property
    def latent_shape(self) -> tuple[int, int]:
        """Tokens and channels of a sample."""
        tokens = self.dit.config.num_latents or self.vae.config.num_latents
        return tokens, self.dit.config.latent_dim

    def condition(self, prompts: Sequence[str]) -> Condition:
        """Encode prompts as the flow network takes them."""
        encoded = self.text.encode(list(prompts))
        pooled = None if self.dit.config.pooled_dim is None else encoded.pooled
        return Condition(encoded.tokens, encoded.mask, pooled)

    def condition_on_photos(self, photos: Sequence[Photo], prompt: str | None = None) -> Condition:
        """Encode the photos of one object, and what is said of it, as the flow network takes them.

        Raises:
            ModelError: See :attr:`image_encoder`.
            InputError: There are too many photos, or one shows nothing.
        """
        seen = image_condition(encode_photos(self.image_encoder, photos))
        if self.dit.config.pooled_dim is None:
            seen = Condition(seen.tokens, seen.mask)
        return seen if prompt is None else join_conditions(self.condition([prompt]), seen)

    def noise(self, seeds: Sequence[int]) -> Float[Tensor, "batch latents channels"]:
        """Draw what the samples of these seeds begin with."""
        generators = [make_generator(seed) for seed in seeds]
        return DENSE.randn((len(seeds), *self.latent_shape), generators, device=self.device)

    def text_to_3d(
        self,
        prompt: str,
        *,
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        resolution: int | None = None,
        faces: int | None = None,
        mesher: Mesher = "marching-cubes",
        asset: AssetOptions | None = None,
        progress: ProgressSink | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ShapeResult:
        """Make one shape.

        Args:
            prompt: What to make.
            seed: Random seed, 0 to 2^31 - 1; drawn if None.
            steps: Sampling steps, 1 to 1000. For ``few_steps.steps`` the model has a student or a
                fitted solver; these have the model's guidance built in.
            guidance: Guidance strength, 0 to 100; 1 is off.
            resolution: Grid cells per axis, 16 to 512.
            faces: Face budget, at least 100; None: no limit.
            mesher: ``marching-cubes`` or ``dual-contouring``.
            asset: Texture, size, base and compression; by default colours stay at the vertices. A
                textured mesh has 8,000 faces unless ``faces`` says more or less.
            progress: Where to report.
            cancelled: Asked between steps and stages; True stops the work.

        Raises:
            InputError: The prompt or an option is out of its range.
            EmptySurfaceError: The sample has no surface.
            CancelledError: ``cancelled`` said so.
        """
        prompt = validate_prompt(prompt)
        options = self.resolve(
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            asset=asset,
        )
        return self._make(
            "text_to_3d",
            self.condition([prompt]),
            options,
            seed=seed,
            prompt=prompt,
            files=self.fingerprint,
            progress=progress,
            cancelled=cancelled,
        )

    def image_to_3d(
        self,
        images: Path | str | Mapping[str, Path | str] | Sequence[Photo],
        *,
        prompt: str | None = None,
        mask: Path | str | None = None,
        background: Background = "auto",
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        resolution: int | None = None,
        faces: int | None = None,
        mesher: Mesher = "marching-cubes",
        asset: AssetOptions | None = None,
        progress: ProgressSink | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ShapeResult:
        """Make one shape from 1 to 4 photos.

        Args:
            images: A picture of the object; or one per side, ``front``, ``left``, ``back`` and
                ``right``, the front at least; or what
                :func:`gen3d.conditioning.photos.load_photos` made of them.
            prompt: What to add in words.
            mask: White (or opaque) where the object is, of the front image's size.
            background: What to do with what is not the object: ``auto``, ``keep`` or ``remove``.
            seed: As for :meth:`text_to_3d`, and so all below.
            steps: Likewise.
            guidance: Likewise.
            resolution: Likewise.
            faces: Likewise.
            mesher: Likewise.
            asset: Likewise.
            progress: Likewise.
            cancelled: Likewise.

        Raises:
            ModelError: The model takes no images.
            InputError: An image, the prompt or an option cannot be used.
            FormatError: A file is no image, or damaged.
            EmptySurfaceError: The sample has no surface.
            CancelledError: ``cancelled`` said so.

        Example:
            load("mini").image_to_3d("mug.jpg", prompt="a mug", seed=1).save("mug.glb")
        """
        prompt = None if prompt is None else validate_prompt(prompt)
        options = self.resolve(
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            asset=asset,
        )
        if isinstance(images, (str, Path)):
            images = {"front": images}
        if isinstance(images, Mapping):
            images = load_photos(images, mask=mask, background=background)
        condition = self.condition_on_photos(images, prompt)
        assert self._image_file is not None, "there would be no condition without an encoder"
        return self._make(
            "image_to_3d",
            condition,
            options,
            seed=seed,
            prompt=prompt,
            files={**self.fingerprint, IMAGE_FILE: sha256_of(self._image_file)},
            warnings=[remark for photo in images for remark in photo.remarks],
            images=[photo.described() for photo in images],
            progress=progress,
            cancelled=cancelled,
        )

    def _make(
        self,
        task: str,
        condition: Condition,
        options: ResolvedOptions,
        *,
        seed: int | None,
        prompt: str | None,
        files: dict[str, str],
        progress: ProgressSink | None,
        cancelled: Callable[[], bool],
        warnings: Sequence[str] = (),
        **record: Any,
    ) -> ShapeResult:
        """Sample, decode, and write down how."""
        seed = draw_seed() if seed is None else check_seed(seed)
        sink = progress or NullProgress()
        began = time.perf_counter()
        latents = self.sample_condition(
            condition,
            [seed],
            steps=options.steps,
            guidance=options.guidance,
            hooks=(ProgressHook(sink), CancelHook(cancelled)),
        )
        sampled_s = time.perf_counter() - began
        with decoding(sink, cancelled) as check:
            extracted = self.decode(
                latents,
                resolution=options.resolution,
                faces=options.faces,
                mesher=options.mesher,
                asset=options.asset,
                material=None if prompt is None else material_of_prompt(prompt),
                check=check,
            )
        return make_result(
            task,
            extracted,
            options,
            seed=seed,
            timings_s={"sample": sampled_s},
            warnings=[*warnings, *(() if prompt is None else self.doubts(prompt))],
            prompt=prompt,
            model=self.name,
            files=files,
            device=self.device.type,
            **record,
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
        """Sample the autoencoder's latents, one item per prompt and seed, all in one batch.

        Raises:
            InputError: So many steps have another guidance built in.
        """
        return self.sample_condition(
            self.condition(prompts), seeds, steps=steps, guidance=guidance, hooks=hooks
        )

    @torch.no_grad()
    def sample_condition(
        self,
        condition: Condition,
        seeds: Sequence[int],
        *,
        steps: int,
        guidance: float,
        hooks: Sequence[Hook] = (),
    ) -> Float[Tensor, "batch latents channels"]:
        """Sample the autoencoder's latents, one item per seed and item of the condition.

        Raises:
            InputError: So many steps have another guidance built in.
        """
        route, noise = self._route(steps, guidance), self.noise(seeds)
        result = sample(
            route.field,
            noise,
            steps=steps,
            cond=condition,
            guidance=route.guidance,
            uncond=condition.unconditional(),
            schedule=route.schedule,
            solver=route.solver,
            hooks=hooks,
        )
        return self.dit.denormalise(result.x0)

    def _route(self, steps: int, guidance: float) -> Route:
        """Choose the student, a fitted solver, or the flow network with plain guidance."""
        self.few_steps.check_guidance(steps, guidance, self.sampling.guidance)
        rule = ClassifierFree(guidance, interval=self.sampling.guidance_interval)
        plain = Route(NetworkField(self.dit), EULER, UNIFORM, rule)
        return self.few_steps.route(steps, self.dit) or plain

    @torch.no_grad()
    def decode(
        self,
        latents: Float[Tensor, "1 latents channels"],
        *,
        resolution: int,
        faces: int | None = None,
        mesher: Mesher = "marching-cubes",
        asset: AssetOptions | None = None,
        material: Material | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> ExtractedMesh:
        """Turn the latents of one shape into a mesh.

        Raises:
            EmptySurfaceError: The field has no surface.
        """
        return decode_asset(
            self.vae,
            self.vae.decode(latents / self.vae.config.scale_factor),
            resolution=resolution,
            faces=faces,
            start=self.sampling.decode_start,
            mesher=mesher,
            asset=asset,
            material=material,
            check=check,
        )

    def doubts(self, prompt: str) -> list[str]:
        """Say in sentences why a prompt may not give what it asks for."""
        far = None if self.concepts is None else self.concepts.warning(prompt)
        doubts = [] if far is None else [far]
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
        mesher: Mesher = "marching-cubes",
        asset: AssetOptions | None = None,
    ) -> ResolvedOptions:
        """Fill in the model's defaults and check ranges.

        The default steps are the student's, if there is one and no guidance is asked for.

        Raises:
            InputError: A value is out of its range.
        """
        return resolve_options(
            self.sampling,
            steps=self.few_steps.default(guidance) if steps is None else steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
            asset=asset,
        )

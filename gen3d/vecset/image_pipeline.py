"""From photos to a mesh, by a published model that lies on the user's disk."""

from __future__ import annotations

import contextlib
import functools
import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.conditioning.background import Background
from gen3d.conditioning.image import BORDER_RATIO, SIZE, PreparedImage, prepare_photo
from gen3d.conditioning.photos import VIEWS, Photo, load_photos
from gen3d.errors import InputError
from gen3d.flow import DENSE, CancelHook, ClassifierFree, Hook, ProgressHook, sample
from gen3d.geometry.mesh import Mesh
from gen3d.io.tensors import identity_of
from gen3d.runtime.devices import resolve_device
from gen3d.runtime.memory import dtype_name
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import check_seed, draw_seed, make_generator
from gen3d.vecset.config import Mesher, SamplingConfig
from gen3d.vecset.extract import ExtractedMesh, extract_mesh
from gen3d.vecset.image_memory import plan_memory
from gen3d.vecset.mesh_encoding import encode_mesh
from gen3d.vecset.published import PublishedModel
from gen3d.vecset.published_field import flow_branches, flow_field
from gen3d.vecset.result import (
    ResolvedOptions,
    ShapeResult,
    decoding,
    make_result,
    resolve_options,
)
from gen3d.vecset.vae import ShapeVAE

Part = TypeVar("Part")


class ImagePipeline:
    """Image to 3D by a published vecset model.

    Image encoder, flow network and autoencoder work one after the other. Where they do not fit
    into the memory together, each is loaded for its turn and freed.

    Args:
        model: The checkpoint, opened and not yet loaded.
        name: The model's name, for records.
        device: Where to run.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        free_bytes: Memory to plan with; measured if None.

    Raises:
        InputError: The device or dtype is unknown.
        ModelError: The checkpoint lacks a part, or the model does not fit.

    Example:
        model = ImagePipeline(open_published(folder), name="hunyuan3d-2")
        model.image_to_3d("photo.png", seed=1).save("out.glb")
    """

    def __init__(
        self,
        model: PublishedModel,
        *,
        name: str = "custom",
        device: str | torch.device = "auto",
        dtype: str = "auto",
        free_bytes: int | None = None,
    ) -> None:
        self.model, self.name = model, name
        self.device = resolve_device(device)
        self.sampling = SamplingConfig(
            steps=model.default_steps,
            guidance=model.default_guidance,
            resolution=default_resolution(model),
        )
        self.plan = plan_memory(model, device=self.device, dtype=dtype, free_bytes=free_bytes)
        assert model.vae_config is not None, "a plan is made for whole models only"
        self._vae_config = model.vae_config
        self._kept: dict[str, Any] = {}
        self._fingerprint: dict[str, str] | None = None

    @property
    def fingerprint(self) -> dict[str, str]:
        """What identifies the weights files, for records."""
        if self._fingerprint is None:
            self._fingerprint = {}
            for path in self.model.files:
                # The publisher calls all files alike, and a record names no folders.
                copies = sum(name.startswith(path.name) for name in self._fingerprint)
                name = f"{path.name} ({copies + 1})" if copies else path.name
                self._fingerprint[name] = identity_of(path)
        return self._fingerprint

    def resolve(
        self,
        *,
        steps: int | None = None,
        guidance: float | None = None,
        resolution: int | None = None,
        faces: int | None = None,
        mesher: Mesher = "marching-cubes",
    ) -> ResolvedOptions:
        """Fill in the model's defaults and check ranges.

        Raises:
            InputError: A value is out of its range.
        """
        return resolve_options(
            self.sampling,
            steps=steps,
            guidance=guidance,
            resolution=resolution,
            faces=faces,
            mesher=mesher,
        )

    def image_to_3d(
        self,
        image: Path | str | Sequence[Photo],
        *,
        views: Mapping[str, Path | str] | None = None,
        mask: Path | str | None = None,
        background: Background = "auto",
        seed: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        resolution: int | None = None,
        faces: int | None = None,
        mesher: Mesher = "marching-cubes",
        iso_level: float = 0.0,
        progress: ProgressSink | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ShapeResult:
        """Make one shape.

        Args:
            image: A picture of the object's front; or views that
                :func:`gen3d.conditioning.photos.load_photos` read.
            views: Other sides of the object, ``left``, ``back`` or ``right``, for models that take
                them.
            mask: White (or opaque) where the object is, of the front image's size.
            background: What to do with what is not the object: ``auto``, ``keep`` or ``remove``.
            seed: Random seed, 0 to 2^31 - 1; drawn if None.
            steps: Sampling steps, 1 to 1000.
            guidance: Guidance strength, 0 to 100; 1 is off.
            resolution: Grid cells per axis, 16 to 512.
            faces: Face budget, at least 100; None: no limit.
            mesher: ``marching-cubes`` or ``dual-contouring``.
            iso_level: Value of the field on the surface; the models were trained for 0. A higher
                one makes the shape thinner.
            progress: Where to report.
            cancelled: Asked between steps and stages; True stops the work.

        Raises:
            UserError: An image or an option cannot be used, or the weights are damaged.
            EmptySurfaceError: The sample has no surface.
            CancelledError: ``cancelled`` said so.
        """
        options = self.resolve(
            steps=steps, guidance=guidance, resolution=resolution, faces=faces, mesher=mesher
        )
        _check_level(iso_level)
        seed = draw_seed() if seed is None else check_seed(seed)
        photos = self._views(image, views, mask, background)
        images = [prepare_photo(photo) for photo in photos]
        sink = progress or NullProgress()
        began = time.perf_counter()
        tokens = self.tokens(images, progress=sink)
        encoded = time.perf_counter()
        latents = self.sample_latents(
            tokens,
            [seed],
            steps=options.steps,
            guidance=options.guidance,
            hooks=(ProgressHook(sink), CancelHook(cancelled)),
        )
        sampled = time.perf_counter()
        with decoding(sink, cancelled) as check:
            extracted = self._extract(latents, options, iso_level, check)
        return make_result(
            "image_to_3d",
            extracted,
            options,
            seed=seed,
            timings_s={"encode": encoded - began, "sample": sampled - encoded},
            warnings=[remark for photo in photos for remark in photo.remarks],
            iso_level=float(iso_level),
            images=[photo.described() for photo in photos],
            preprocessing={"size": SIZE, "border_ratio": BORDER_RATIO},
            model=self.name,
            files=self.fingerprint,
            device=self.device.type,
            dtype=dtype_name(self.plan.dtype),
        )

    @torch.no_grad()
    def tokens(
        self, images: Sequence[PreparedImage], *, progress: ProgressSink | None = None
    ) -> Float[Tensor, "1 tokens channels"]:
        """Encode the views of one object."""
        sink = progress or NullProgress()
        pixels = torch.cat([image.tensor() for image in images]).to(self.device)
        indices = [VIEWS.index(image.photo.view) for image in images]
        sink.stage_started("image", None)
        try:
            with self._part("image encoder", self.model.load_conditioner) as conditioner:
                return conditioner.tokens(pixels, indices if self.model.views > 1 else None)
        finally:
            sink.stage_finished()

    @torch.no_grad()
    def sample_latents(
        self,
        tokens: Float[Tensor, "1 tokens channels"],
        seeds: Sequence[int],
        *,
        steps: int,
        guidance: float,
        hooks: Sequence[Hook] = (),
    ) -> Float[Tensor, "batch latents channels"]:
        """Sample the autoencoder's latents for one object, one item per seed."""
        config = self._vae_config
        shape = (len(seeds), config.num_latents, config.latent_dim)
        noise = DENSE.randn(shape, [make_generator(s) for s in seeds], device=self.device)
        embedded = self.model.guidance_embedding
        with self._part("flow network", self.model.load_dit) as dit:
            branches = flow_branches(dit, tokens.expand(len(seeds), -1, -1))
            result = sample(
                flow_field(dit, guidance=guidance if embedded else None),
                noise,
                steps=steps,
                cond=branches.cond,
                uncond=branches.uncond,
                apart=branches.apart,
                guidance=None if embedded else ClassifierFree(guidance),
                schedule=self.model.schedule(),
                hooks=hooks,
            )
        return result.x0 / config.scale_factor

    def decode(
        self,
        latents: Float[Tensor, "1 latents channels"],
        *,
        resolution: int | None = None,
        faces: int | None = None,
        mesher: Mesher = "marching-cubes",
        iso_level: float = 0.0,
        check: Callable[[], None] = lambda: None,
    ) -> Mesh:
        """Turn the latents of one shape, as :meth:`encode` gives them, into a mesh.

        Raises:
            InputError: A value is out of its range.
            EmptySurfaceError: The field has no surface.
        """
        options = self.resolve(resolution=resolution, faces=faces, mesher=mesher)
        _check_level(iso_level)
        return self._extract(latents, options, iso_level, check).mesh

    def encode(self, mesh: Mesh, *, seed: int = 0) -> Float[Tensor, "1 latents channels"]:
        """Turn a mesh into latents: the posterior's mean.

        Args:
            mesh: Any size and place; its box is centred and scaled first.
            seed: Draws the surface points.

        Raises:
            ModelError: The checkpoint has no encoder.
        """
        with self._part("mesh encoder", self.model.load_vae) as vae:
            return encode_mesh(vae, mesh, seed=seed)

    @torch.no_grad()
    def _extract(
        self,
        latents: Float[Tensor, "1 latents channels"],
        options: ResolvedOptions,
        iso_level: float,
        check: Callable[[], None],
    ) -> ExtractedMesh:
        load = functools.partial(self.model.load_vae, encoder=False)
        with self._part("autoencoder", load) as vae, _at_level(vae, iso_level):
            latents = latents.to(self.device, vae.from_latent.weight.dtype)
            return extract_mesh(
                vae,
                vae.decode(latents),
                resolution=options.resolution,
                faces=options.faces,
                start=self.sampling.decode_start,
                mesher=options.mesher,
                chunk=self.plan.chunk,
                check=check,
            )

    def _views(
        self,
        image: Path | str | Sequence[Photo],
        views: Mapping[str, Path | str] | None,
        mask: Path | str | None,
        background: Background,
    ) -> Sequence[Photo]:
        if isinstance(image, (str, Path)):
            files = {"front": image, **(views or {})}
            images = load_photos(files, mask=mask, background=background)
        else:
            images = image
        if len(images) > self.model.views:
            raise InputError(
                f"the model {self.name!r} takes {self.model.views} view, got {len(images)}",
                hint="several views need a multi-view model, such as hunyuan3d-2-mv",
            )
        return images

    @contextlib.contextmanager
    def _part(self, name: str, load: Callable[..., Part]) -> Iterator[Part]:
        """Lend one part of the model: kept for later, or dropped when given back, as planned."""
        part = self._kept.get(name)
        if part is None:
            # By now nobody holds the part before, which may be garbage in a cycle of references.
            _collect(self.device)
            part = load(dtype=self.plan.dtype, device=self.device)
        if self.plan.keep:
            self._kept[name] = part
        yield part


def default_resolution(model: PublishedModel) -> int:
    """Return the published default: 384 cells per axis; 256 for models made to be quick."""
    return 256 if model.variant or model.family == "mini" else 384


def _check_level(iso_level: float) -> None:
    if not math.isfinite(iso_level):
        raise InputError(f"iso_level must be a number, got {iso_level}")


@contextlib.contextmanager
def _at_level(vae: ShapeVAE, iso_level: float) -> Iterator[None]:
    """Lower the whole field, so that ``iso_level`` becomes zero."""
    bias = vae.geometry.output_proj.bias
    before = bias.clone()
    bias.sub_(iso_level)
    try:
        yield
    finally:
        bias.copy_(before)


def _collect(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()

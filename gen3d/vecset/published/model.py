"""One published model: what it is, and its networks, loaded one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from pydantic import ValidationError

from gen3d.conditioning.dino import MAX_VIEWS, DinoConfig, ImageConditioner
from gen3d.conditioning.dino_keys import load_dino, sniff_dino
from gen3d.errors import ModelError
from gen3d.flow import ConsistencySchedule, Schedule, ShiftedSchedule, ZeroLastStep
from gen3d.io.checkpoints import TensorSource, open_tensors
from gen3d.io.key_map import check, fill
from gen3d.vecset.config import (
    PUBLISHED_SCALE_FACTORS,
    DiTConfig,
    PlainDiTConfig,
    Settings,
    VAEConfig,
)
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.plain_dit import PlainDiT
from gen3d.vecset.published.find import CONFIG, weights_in
from gen3d.vecset.published.keys import published_entries
from gen3d.vecset.published.parts import PartName, split_parts
from gen3d.vecset.published.settings import PublishedSettings, read_settings, sharp_fraction
from gen3d.vecset.published.sniff import sniff_dit, sniff_vae
from gen3d.vecset.vae import ShapeVAE

Family = Literal["2.0", "mini", "mv", "2.1"]
Variant = Literal["", "fast", "turbo"]

NUM_LATENTS: dict[Family, int] = {"2.0": 3072, "mv": 3072, "mini": 512, "2.1": 4096}
_STEPS: dict[Variant, int] = {"": 30, "fast": 10, "turbo": 5}
_GUIDANCE = 5.0
_TURBO_INTERVALS = 100
_MINI_BLOCKS = 8
_VAE_FOLDERS: dict[Family, str] = {
    "2.0": "hunyuan3d-vae-v2-0",
    "mv": "hunyuan3d-vae-v2-0",
    "mini": "hunyuan3d-vae-v2-mini",
    "2.1": "hunyuan3d-vae-v2-1",
}
_ENCODER_NAMES = (r"encoder\..*", r"pre_kl\..*")

AnySettings = TypeVar("AnySettings", bound=Settings)


@dataclass(frozen=True)
class PublishedModel:
    """A published model whose files are open and whose networks are not loaded yet.

    Attributes:
        path: What was opened.
        family: Which of the four models.
        variant: Guidance-distilled (``fast``), also step-distilled (``turbo``), or neither.
        sources: Tensors of the parts that were found.
        dit_config: Sizes of the flow network, if there is one.
        vae_config: Sizes of the autoencoder, if there is one.
        dino_config: Sizes of the image encoder, if there is one.
        views: The most views of one object.
        settings: What ``config.yaml`` says.
    """

    path: Path
    family: Family
    variant: Variant
    sources: Mapping[PartName, TensorSource]
    dit_config: DiTConfig | PlainDiTConfig | None
    vae_config: VAEConfig | None
    dino_config: DinoConfig | None
    views: int
    settings: PublishedSettings

    @property
    def guidance_embedding(self) -> bool:
        """Whether the flow network takes the guidance strength as an input."""
        return isinstance(self.dit_config, DiTConfig) and self.dit_config.guidance_embedding

    @property
    def default_steps(self) -> int:
        """Steps that the publisher's application uses."""
        return _STEPS[self.variant]

    @property
    def default_guidance(self) -> float:
        """Guidance strength that the publisher uses."""
        return _GUIDANCE

    @property
    def files(self) -> tuple[Path, ...]:
        """The weights files, each once."""
        return tuple(dict.fromkeys(source.path for source in self.sources.values()))

    def bytes_of(self, part: PartName, dtype: torch.dtype = torch.float32) -> int:
        """Return the memory that a part's weights take; 0 if it was not found."""
        source = self.sources.get(part)
        return 0 if source is None else source.parameters * dtype.itemsize

    def schedule(self, *, keep_zero_step: bool = False) -> Schedule:
        """Return the published step schedule in our direction of time.

        Args:
            keep_zero_step: Spend the last Euler step on no distance, as published.
        """
        if self.variant == "turbo":
            return ConsistencySchedule(self.settings.consistency or _TURBO_INTERVALS)
        # Their shift acts on 1 - t, where it is ours by the inverse factor.
        base = ShiftedSchedule(1 / self.settings.shift)
        return ZeroLastStep(base) if keep_zero_step else base

    def load_conditioner(
        self, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> ImageConditioner:
        """Load the image encoder.

        Raises:
            ModelError: It is missing, or does not fit.
        """
        source, config = self._source("conditioner"), self.dino_config
        assert config is not None
        encoder = load_dino(source, config, dtype=dtype, device=device)
        return ImageConditioner(encoder, views=self.views)

    def load_dit(
        self, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> ShapeDiT | PlainDiT:
        """Load the flow network.

        Raises:
            ModelError: It is missing, or does not fit.
        """
        source, config = self._source("dit"), self.dit_config
        assert config is not None
        with torch.device("meta"):
            plain = isinstance(config, PlainDiTConfig)
            network = PlainDiT(config) if plain else ShapeDiT(config)
        entries = published_entries(network)
        check(entries, source, what="flow network")
        return fill(network, entries, source, dtype=dtype, device=device)

    def load_vae(
        self,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        encoder: bool = True,
    ) -> ShapeVAE:
        """Load the autoencoder.

        Args:
            dtype: Of the weights.
            device: Where it shall live.
            encoder: Load the encoder too, where the file holds one.

        Raises:
            ModelError: It is missing, or does not fit.
        """
        source, config = self._source("vae"), self.vae_config
        assert config is not None
        if not encoder:
            config = config.model_copy(update={"encoder": None})
        with torch.device("meta"):
            vae = ShapeVAE(config)
        entries = published_entries(vae)
        ignored = () if encoder else _ENCODER_NAMES
        check(entries, source, what="autoencoder", ignored=ignored)
        return fill(vae, entries, source, dtype=dtype, device=device)

    def _source(self, part: PartName) -> TensorSource:
        source = self.sources.get(part)
        if source is None:
            name = {"dit": "flow network", "vae": "autoencoder", "conditioner": "image encoder"}
            raise ModelError(
                f"{self.path} holds no {name[part]}",
                hint="give the folder that holds it as well",
            )
        return source


def open_published(
    path: Path | str,
    *,
    vae: Path | str | None = None,
    conditioner: Path | str | None = None,
) -> PublishedModel:
    """Open a published model; only names and shapes are read.

    Args:
        path: A folder with ``config.yaml`` and ``model[.fp16].safetensors`` or ``.ckpt``, of a
            whole model or an autoencoder alone; or one weights file (ComfyUI), whose sizes are
            read from its tensors.
        vae: Folder or file of another autoencoder: the turbo decoder, one with an encoder. By
            default that of ``path``, or the one that lies beside it.
        conditioner: Folder or file of the image encoder, where ``path`` has none.

    Raises:
        ModelError: A file is missing, damaged, not what was expected, or carries code.
    """
    path = Path(path)
    sources, settings = _open(path)
    dit_config = sniff_dit(sources["dit"]) if "dit" in sources else None
    family = _family(path, dit_config, settings)
    if vae is None and "vae" not in sources:
        beside = path.parent / _VAE_FOLDERS[family]
        vae = beside if beside.is_dir() else None
    if vae is not None:
        extra, other = _open(Path(vae))
        sources["vae"] = _only(extra, "vae", Path(vae))
        settings = replace(settings, vae=other.vae)
    if conditioner is not None:
        extra, other = _open(Path(conditioner))
        sources["conditioner"] = _only(extra, "conditioner", Path(conditioner))
        settings = replace(settings, encoder=other.encoder)
    vae_config = None
    if "vae" in sources:
        vae_config = _vae_config(sources["vae"], settings, NUM_LATENTS[family])
    dino_config = None
    if "conditioner" in sources:
        heads = (settings.encoder or {}).get("num_attention_heads")
        dino_config = sniff_dino(sources["conditioner"], heads=heads)
    if dit_config is not None:
        dit_config = _dit_config(dit_config, settings)
    return PublishedModel(
        path=path,
        family=family,
        variant=_variant(path, dit_config, settings),
        sources=sources,
        dit_config=dit_config,
        vae_config=vae_config,
        dino_config=dino_config,
        views=MAX_VIEWS if family == "mv" else 1,
        settings=settings,
    )


def _open(path: Path) -> tuple[dict[PartName, TensorSource], PublishedSettings]:
    if not path.exists():
        raise ModelError(f"there is no folder or file {path}", hint="check --weights")
    weights = weights_in(path) if path.is_dir() else path
    config = weights.parent / CONFIG
    # A file that was renamed does not belong to a configuration that lies around.
    own = weights.name.split(".")[0] == "model" and config.is_file()
    settings = read_settings(config) if own else PublishedSettings()
    return split_parts(open_tensors(weights)), settings


def _only(sources: dict[PartName, TensorSource], part: PartName, path: Path) -> TensorSource:
    if part not in sources:
        raise ModelError(f"{path} holds no {part}, only {', '.join(sources)}")
    return sources[part]


def _named(path: Path, word: str) -> bool:
    """Tell whether the name of a folder or file has a word: ``hunyuan3d-dit-v2-mini-turbo``."""
    name = path.name if path.is_dir() else path.stem
    text = name.lower().replace("_", "-").replace(".", "-")
    return word in text.split("-")


def _family(
    path: Path, dit: DiTConfig | PlainDiTConfig | None, settings: PublishedSettings
) -> Family:
    latents = (settings.vae or {}).get("num_latents")
    if isinstance(dit, PlainDiTConfig) or (dit is None and latents == NUM_LATENTS["2.1"]):
        return "2.1"
    if settings.views > 1 or _named(path, "mv"):
        return "mv"
    small = isinstance(dit, DiTConfig) and dit.double_blocks == _MINI_BLOCKS
    return "mini" if small or latents == NUM_LATENTS["mini"] or _named(path, "mini") else "2.0"


def _variant(
    path: Path, dit: DiTConfig | PlainDiTConfig | None, settings: PublishedSettings
) -> Variant:
    if settings.consistency is not None:
        return "turbo"
    if not isinstance(dit, DiTConfig) or not dit.guidance_embedding:
        return ""
    return "turbo" if settings.path is None and _named(path, "turbo") else "fast"


def _vae_config(source: TensorSource, settings: PublishedSettings, latents: int) -> VAEConfig:
    """Join what the tensors and the configuration say; both must agree where both speak."""
    params = settings.vae
    if params is None:
        return sniff_vae(source, num_latents=latents)
    config = sniff_vae(source, num_latents=int(params.get("num_latents", latents)))
    _agree(settings.path, params, "width", config.width)
    _agree(settings.path, params, "heads", config.heads)
    _agree(settings.path, params, "embed_dim", config.latent_dim)
    _agree(settings.path, params, "num_decoder_layers", config.latent_layers)
    # Absent, their code takes pi; every published file says no.
    base = math.pi if params.get("include_pi", True) else 1.0
    # A section that gives no scale means 1, but one inside a published model is never without.
    fallback = PUBLISHED_SCALE_FACTORS.get(config.num_latents, 1.0)
    update: dict[str, Any] = {
        "fourier": config.fourier.model_copy(update={"base": base}),
        "scale_factor": float(params.get("scale_factor", fallback)),
    }
    share = sharp_fraction(params)
    if config.encoder is not None:
        encoder: dict[str, Any] = {
            "points_per_latent": int(
                params.get("downsample_ratio", config.encoder.points_per_latent)
            )
        }
        if share is not None:
            encoder["sharp_fraction"] = share
        update["encoder"] = config.encoder.model_copy(update=encoder)
    return _validated(config.model_copy(update=update), settings.path)


def _dit_config(
    config: DiTConfig | PlainDiTConfig, settings: PublishedSettings
) -> DiTConfig | PlainDiTConfig:
    params = settings.model
    if params is None:
        return config
    _agree(settings.path, params, "hidden_size", config.width)
    _agree(settings.path, params, "num_heads", config.heads)
    if isinstance(config, PlainDiTConfig):
        _agree(settings.path, params, "depth", config.depth)
        top = int(params.get("moe_top_k", config.top))
        return _validated(config.model_copy(update={"top": top}), settings.path)
    _agree(settings.path, params, "depth", config.double_blocks)
    _agree(settings.path, params, "depth_single_blocks", config.single_blocks)
    factor = float(params.get("time_factor", config.time_factor))
    # The published code hands the factor to the longest period as well.
    update = {"time_factor": 1000.0, "time_max_period": factor}
    return _validated(config.model_copy(update=update), settings.path)


def _agree(path: Path | None, params: Mapping[str, Any], name: str, found: int) -> None:
    if name in params and params[name] != found:
        raise ModelError(
            f"{path} says {name} {params[name]}, the weights beside it have {found}",
            hint="the file and its config.yaml do not belong together",
        )


def _validated(config: AnySettings, path: Path | None) -> AnySettings:
    """Check values that came in by ``model_copy``, which does not."""
    try:
        return type(config).model_validate(config.model_dump())
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise ModelError(f"{path} has a value that cannot be: {message}") from error

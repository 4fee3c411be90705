"""Pictures as tokens: a small vision transformer that we train on our own renders.

Each view is encoded by itself and its tokens joined with the other views', so that one network
takes one picture or four. A convolutional stem replaces the usual patch projection: it learns from
far fewer pictures (Xiao et al. 2021, arXiv 2106.14881). Tokens have the text encoder's width and
scale, so that one flow network reads both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import rms_norm

from gen3d.errors import InputError
from gen3d.io.network_files import fill, half_weights, read_settings, settings_fields
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.nn.blocks import SelfBlock
from gen3d.vecset.backbone import Backbone, BackboneConfig
from gen3d.vecset.config import Settings

IMAGE_FILE = "image.safetensors"
SLOTS: dict[str, int] = {"front": 0, "left": 1, "back": 2, "right": 3, "unknown": 4}
"""What a user may say of a view: which side it shows, from the object's own point of view."""
SLOT_AZIMUTHS_DEG = (0.0, 90.0, 180.0, -90.0)
"""Where the camera of the first four slots stands; 90 is the +X side, the left of what faces +Z."""
UNKNOWN_SLOT = SLOTS["unknown"]
MAX_VIEWS = 4
_KIND = "ImageEncoder"
_CHANNELS = 4


class ImageEncoderConfig(Settings):
    """Sizes of the image encoder.

    Attributes:
        size: Pixels per side of a view.
        patch: Pixels per side of what becomes a token; 4 times the last stem layer's stride.
        stem: Channels of the stem's first layer.
        width: Channels.
        heads: Attention heads.
        layers: Blocks.
        backbone: A published transformer that takes the stem's place; ``width`` and ``patch`` must
            be its own. Blocks read its tokens; without blocks, only linear layers are trained.
        mlp_ratio: Hidden channels over ``width``.
        out_dim: Channels of the tokens that go out, and of the pooled vector.
    """

    size: int = Field(default=112, ge=16)
    patch: int = Field(default=16, ge=8)
    stem: int = Field(default=48, ge=4)
    width: int = Field(default=192, ge=8)
    heads: int = Field(default=3, ge=1)
    layers: int = Field(default=5, ge=0)
    backbone: BackboneConfig | None = None
    mlp_ratio: float = Field(default=2.0, gt=0)
    out_dim: int = Field(default=128, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> ImageEncoderConfig:
        if self.size % self.patch or (self.backbone is None and self.patch % 8):
            raise ValueError(f"patch {self.patch} must divide size {self.size} and be 8, 16, ...")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self

    @property
    def tokens_per_view(self) -> int:
        """Tokens of one picture: its patches and one for the whole."""
        return (self.size // self.patch) ** 2 + 1


@dataclass(frozen=True)
class ViewTokens:
    """Pictures, each by itself.

    Attributes:
        tokens: The picture's tokens, root mean square 1.
        pooled: What it shows, root mean square 1; trained to lie near the text encoder's vectors.
        whole: The network's own summary, before any projection.
    """

    tokens: Float[Tensor, "n tokens out"]
    pooled: Float[Tensor, "n out"]
    whole: Float[Tensor, "n width"]


@dataclass(frozen=True)
class ImageTokens:
    """Views of objects as the flow network reads them.

    Attributes:
        tokens: Of all views, one after the other; zero where a view is absent.
        mask: True for tokens of views that are present.
        pooled: Mean over the present views, root mean square 1; zero without any.
    """

    tokens: Float[Tensor, "batch n out"]
    mask: Bool[Tensor, "batch n"]
    pooled: Float[Tensor, "batch out"]


class ImageEncoder(nn.Module):
    """From 1 to 4 views of an object to tokens and one vector.

    Args:
        config: Sizes; the defaults are the embedded model's.
    """

    def __init__(self, config: ImageEncoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.backbone: Backbone | None = None
        if config.backbone is not None:
            self.backbone = Backbone(config.backbone, width=width, patch=config.patch)
        else:
            self.stem = _make_stem(config)
        self.whole = nn.Parameter(0.02 * torch.randn(width))
        self.positions = nn.Parameter(0.02 * torch.randn(config.tokens_per_view, width))
        self.slots = nn.Parameter(0.02 * torch.randn(len(SLOTS), width))
        self.blocks = nn.ModuleList(
            SelfBlock(
                width,
                config.heads,
                mlp_ratio=config.mlp_ratio,
                gelu="tanh",
                norm_eps=1e-5,
                qkv_bias=False,
                qk_norm="none",
                zero_init=True,
            )
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.to_tokens = nn.Linear(width, config.out_dim)
        self.to_pooled = nn.Linear(width, config.out_dim)
        self.kind = nn.Parameter(0.02 * torch.randn(config.out_dim))

    def forward(
        self,
        views: Float[Tensor, "n 4 size size"],
        slots: Int[Tensor, " n"] | None = None,
    ) -> ViewTokens:
        """Encode views as ``prepare_view`` makes them, each by itself.

        Args:
            views: Red, green, blue on grey, and opacity, in [0, 1].
            slots: Which side each shows, see :data:`SLOTS`; None: unknown.

        Raises:
            InputError: The size is not the one the network was made for.
        """
        size = self.config.size
        if views.ndim != 4 or tuple(views.shape[1:]) != (_CHANNELS, size, size):
            raise InputError(
                f"views have shape {tuple(views.shape)}, expected (n, 4, {size}, {size})"
            )
        if slots is None:
            slots = torch.full((len(views),), UNKNOWN_SLOT, device=views.device)
        x = self._patches(views) + self.positions + self.slots[slots][:, None]
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        tokens = self.to_tokens(x) + self.kind
        return ViewTokens(unit_rms(tokens), unit_rms(self.to_pooled(x[:, 0])), x[:, 0].float())

    def _patches(self, views: Float[Tensor, "n 4 size size"]) -> Float[Tensor, "n tokens width"]:
        """Return a token for the whole, and those of the patches."""
        if self.backbone is not None:
            tokens = self.backbone.tokens(views)
            return torch.cat([tokens[:, :1] + self.whole, tokens[:, 1:]], dim=1)
        patches = self.stem(2 * views - 1).flatten(2).transpose(1, 2)
        whole = self.whole.to(patches.dtype).expand(len(patches), 1, -1)
        return torch.cat([whole, patches], dim=1)

    @torch.no_grad()
    def encode(
        self,
        views: Float[Tensor, "batch views 4 size size"],
        present: Bool[Tensor, "batch views"] | None = None,
        slots: Int[Tensor, "batch views"] | None = None,
    ) -> ImageTokens:
        """Encode several views per object, without gradients.

        Args:
            views: As ``prepare_view`` makes them, 1 to 4 per object.
            present: Which views there are; None: all. Absent ones influence nothing.
            slots: Which side each shows, see :data:`SLOTS`; None: unknown.

        Raises:
            InputError: The size is not the one the network was made for, or there are too many
                views.
        """
        if views.ndim != 5 or not 1 <= views.shape[1] <= MAX_VIEWS:
            raise InputError(
                f"views have shape {tuple(views.shape)}, expected "
                f"(batch, 1 to {MAX_VIEWS}, {_CHANNELS}, {self.config.size}, {self.config.size})"
            )
        each = self(views.flatten(0, 1), None if slots is None else slots.flatten())
        shape = views.shape[:2]
        return join_views(each.tokens.unflatten(0, shape), each.pooled.unflatten(0, shape), present)


def _make_stem(config: ImageEncoderConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(_CHANNELS, config.stem, 4, stride=4),
        nn.GELU(approximate="tanh"),
        nn.Conv2d(config.stem, 2 * config.stem, 3, stride=2, padding=1),
        nn.GELU(approximate="tanh"),
        nn.Conv2d(2 * config.stem, config.width, config.patch // 8, stride=config.patch // 8),
    )


def join_views(
    tokens: Float[Tensor, "batch views tokens out"],
    pooled: Float[Tensor, "batch views out"],
    present: Bool[Tensor, "batch views"] | None = None,
) -> ImageTokens:
    """Join what :class:`ImageEncoder` says of the views of each object; None: all are present."""
    if present is None:
        present = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
    return ImageTokens(
        (tokens * present[..., None, None]).flatten(1, 2),
        present.repeat_interleave(tokens.shape[2], dim=1),
        unit_rms((pooled * present[..., None]).sum(1)),
    )


def unit_rms(x: Float[Tensor, "*batch channels"]) -> Float[Tensor, "*batch channels"]:
    """Scale to root mean square 1 in float32, as the text encoder's outputs are; zero stays."""
    return rms_norm(x.float(), x.shape[-1:], eps=1e-8)


def save_image_encoder(encoder: ImageEncoder, path: Path | str) -> None:
    """Write an encoder, fp16, with its settings.

    Raises:
        OutputError: The file cannot be written.
    """
    save_tensors(half_weights(encoder), path, settings_fields(_KIND, encoder.config))


def load_image_encoder(path: Path | str, *, device: torch.device | str = "cpu") -> ImageEncoder:
    """Read an encoder, in float32 and eval mode, frozen.

    Raises:
        ModelError: The file is missing, damaged, or no image encoder.
    """
    tensors, metadata = load_tensors(path)
    config = read_settings(ImageEncoderConfig, metadata, path, kind=_KIND)
    return fill(ImageEncoder, config, tensors, path, device)

"""DINOv2: an image as one token per patch and one for all (Oquab et al. 2023, arXiv 2304.07193)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, silu

from gen3d.errors import InputError
from gen3d.nn.attention import SelfAttention
from gen3d.nn.mlp import MLP
from gen3d.nn.time_embedding import sinusoidal_embedding

_EPS = 1e-6
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
MAX_VIEWS = 4


@dataclass(frozen=True)
class DinoConfig:
    """Sizes; the defaults are those of the giant, which Hunyuan3D-2.0 uses.

    Attributes:
        width: Channels.
        heads: Attention heads.
        layers: Blocks.
        swiglu: Gated MLP (giant) rather than a plain one.
        mlp_ratio: Hidden channels over ``width``; the gated one has two thirds of them.
        patch: Side of a patch, pixels.
        image: Side of the images that the table of positions was made for, pixels.
        registers: Extra tokens that are dropped from the result (Darcet et al. 2023).
    """

    width: int = 1536
    heads: int = 24
    layers: int = 40
    swiglu: bool = True
    mlp_ratio: int = 4
    patch: int = 14
    image: int = 518
    registers: int = 0

    @property
    def tokens(self) -> int:
        """Tokens of one image: its patches and the class token."""
        return (self.image // self.patch) ** 2 + 1

    @property
    def hidden(self) -> int:
        """Hidden channels of an MLP."""
        plain = self.width * self.mlp_ratio
        return (plain * 2 // 3 + 7) // 8 * 8 if self.swiglu else plain


DINO_GIANT = DinoConfig()
DINO_LARGE = DinoConfig(width=1024, heads=16, layers=24, swiglu=False)


class SwiGLU(nn.Module):
    """``W_out (silu(a) * b)`` with ``a | b = W_in x`` (Shazeer 2020, arXiv 2002.05202).

    Args:
        width: Channels in and out.
        hidden: Channels inside.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc_in = nn.Linear(width, 2 * hidden)
        self.fc_out = nn.Linear(hidden, width)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Map every token by itself."""
        gate, value = self.fc_in(x).chunk(2, dim=-1)
        return self.fc_out(silu(gate) * value)


class DinoBlock(nn.Module):
    """Attention, then MLP; each normalised before, scaled per channel and added.

    Args:
        config: Sizes.
    """

    def __init__(self, config: DinoConfig) -> None:
        super().__init__()
        width = config.width
        self.attention_norm = nn.LayerNorm(width, eps=_EPS)
        self.attention = SelfAttention(width, config.heads, qkv_bias=True)
        self.attention_scale = nn.Parameter(torch.ones(width))
        self.mlp_norm = nn.LayerNorm(width, eps=_EPS)
        self.mlp: nn.Module = MLP(width, ratio=config.mlp_ratio)
        if config.swiglu:
            self.mlp = SwiGLU(width, config.hidden)
        self.mlp_scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "batch n width"]) -> Float[Tensor, "batch n width"]:
        """Apply the block."""
        x = x + self.attention_scale * self.attention(self.attention_norm(x))
        return x + self.mlp_scale * self.mlp(self.mlp_norm(x))


class DinoEncoder(nn.Module):
    """The vision transformer.

    Args:
        config: Sizes.
    """

    def __init__(self, config: DinoConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.patches = nn.Conv2d(3, width, config.patch, stride=config.patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, config.tokens, width))
        self.registers: nn.Parameter | None = None
        if config.registers:
            self.registers = nn.Parameter(0.02 * torch.randn(1, config.registers, width))
        self.blocks = nn.ModuleList(DinoBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width, eps=_EPS)

    def forward(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch tokens channels"]:
        """Return the class token and those of the patches, row by row, after the last norm.

        Args:
            images: Normalised images whose sides are multiples of the patch.

        Raises:
            InputError: A side is no multiple of the patch.
        """
        height, width = images.shape[-2:]
        side = self.config.patch
        if height % side or width % side:
            raise InputError(f"image sides must be multiples of {side}, got {height} x {width}")
        patches = self.patches(images.to(self.patches.weight.dtype)).flatten(2).mT
        x = torch.cat([self.class_token.expand(len(images), -1, -1), patches], dim=1)
        x = x + self._positions(height // side, width // side)
        if self.registers is not None:
            registers = self.registers.expand(len(images), -1, -1)
            x = torch.cat([x[:, :1], registers, x[:, 1:]], dim=1)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return torch.cat([x[:, :1], x[:, 1 + self.config.registers :]], dim=1)

    def _positions(self, rows: int, columns: int) -> Tensor:
        """Return the table, interpolated for images of another size."""
        side = self.config.image // self.config.patch
        if (rows, columns) == (side, side):
            return self.positions
        first, grid = self.positions[:, :1], self.positions[:, 1:].unflatten(1, (side, side))
        grid = interpolate(grid.permute(0, 3, 1, 2).float(), (rows, columns), mode="bicubic")
        return torch.cat([first, grid.flatten(2).mT.to(first.dtype)], dim=1)


def dino_images(
    images: Float[Tensor, "batch 3 height width"], size: int
) -> Float[Tensor, "batch 3 size size"]:
    """Resize the shorter side, crop the middle, and normalise with ImageNet's statistics.

    Args:
        images: sRGB in [-1, 1].
        size: Side of the result, pixels.
    """
    height, width = images.shape[-2:]
    shorter = min(height, width)
    shape = (height * size // shorter, width * size // shorter)
    images = (images.float() + 1) / 2
    if shape != (height, width):
        images = interpolate(images, shape, mode="bilinear", antialias=True)
    top, left = round((shape[0] - size) / 2), round((shape[1] - size) / 2)
    images = images[..., top : top + size, left : left + size]
    mean, std = (images.new_tensor(values)[:, None, None] for values in (_MEAN, _STD))
    return (images - mean) / std


def view_embedding(views: Sequence[int], width: int) -> Float[Tensor, "views 1 width"]:
    """Return what tells the views apart: ``sin | cos`` of ``view * 10000^(-2i / width)``."""
    index = torch.tensor(list(views), dtype=torch.float32)
    return sinusoidal_embedding(index, width, factor=1.0, cos_first=False)[:, None]


class ImageConditioner(nn.Module):
    """Images to the context tokens of the published flow networks.

    Args:
        encoder: The image encoder.
        views: The most views of one object; 1 for a network that takes one image.
    """

    def __init__(self, encoder: DinoEncoder, *, views: int = 1) -> None:
        super().__init__()
        self.encoder, self.views = encoder, views

    @torch.no_grad()
    def tokens(
        self, images: Float[Tensor, "n 3 height width"], views: Sequence[int] | None = None
    ) -> Float[Tensor, "batch tokens channels"]:
        """Return the tokens of each image, or of one object seen from several sides.

        Args:
            images: sRGB in [-1, 1] on a white background.
            views: Of one object: the side that each image shows, 0 front, then clockwise 1 left, 2
                back, 3 right. None: each image is an object of its own, seen from the front.

        Returns:
            ``(n, tokens, channels)`` without ``views``, else ``(1, n * tokens, channels)`` with
            the views in their order.

        Raises:
            InputError: There are too many views, one is named twice, or the network takes one
                image only.
        """
        device = self.encoder.class_token.device
        pixels = dino_images(images.to(device), self.encoder.config.image)
        if self.views == 1:
            if views is not None and list(views) != [0]:
                raise InputError(
                    f"this model takes one image from the front, got {len(views)} views"
                )
            return self.encoder(pixels)
        sides = [0] * len(images) if views is None else list(views)
        valid = len(sides) == len(images) and all(0 <= side < self.views for side in sides)
        if not valid or (views is not None and len(set(sides)) != len(sides)):
            raise InputError(
                f"views must be {len(images)} different numbers in 0..{self.views - 1}, got {sides}"
            )
        tokens = self.encoder(pixels)
        tokens = tokens + view_embedding(sides, tokens.shape[-1]).to(tokens)
        if views is None:
            return tokens
        order = sorted(range(len(sides)), key=sides.__getitem__)
        return tokens[order].flatten(0, 1)[None]

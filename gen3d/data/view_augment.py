"""Renders made to look like cut-out photographs: lens, light, compression and poor masks.

All on the CPU with torch, a batch at a time, and a function of the generator alone. Hues stay, as
captions name colours; pictures are not mirrored, as shapes are not.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, UInt8
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

_BLOCK = 8


class AugmentConfig(BaseModel):
    """How far pictures are changed; shares are of the pictures.

    Attributes:
        shift: Largest shift, of the picture's side.
        scale: Smallest and largest zoom.
        turn_deg: Largest turn of the picture.
        brightness: Largest change of the gain, its logarithm.
        gamma: Largest change of the gamma, its logarithm.
        saturation: Largest change of the saturation, its logarithm.
        white_balance: Standard deviation of each channel's gain.
        noise: Largest standard deviation of the noise.
        edge_share: Masks that are too wide, too narrow or too soft.
        shadow_share: A shadow at the foot that the mask took for the object.
        cut_share: Some rectangle is missing.
        unmasked_share: The mask failed: all is opaque, on a plain background.
        blur_share: Out of focus.
        block_share: Compressed as JPEG.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shift: float = Field(default=0.05, ge=0)
    scale: tuple[float, float] = (0.85, 1.12)
    turn_deg: float = Field(default=6.0, ge=0)
    brightness: float = Field(default=0.25, ge=0)
    gamma: float = Field(default=0.25, ge=0)
    saturation: float = Field(default=0.3, ge=0)
    white_balance: float = Field(default=0.05, ge=0)
    noise: float = Field(default=0.03, ge=0)
    edge_share: float = Field(default=0.4, ge=0, le=1)
    shadow_share: float = Field(default=0.2, ge=0, le=1)
    cut_share: float = Field(default=0.1, ge=0, le=1)
    unmasked_share: float = Field(default=0.04, ge=0, le=1)
    blur_share: float = Field(default=0.3, ge=0, le=1)
    block_share: float = Field(default=0.3, ge=0, le=1)


def plain_views(
    rgba: UInt8[Tensor, "batch size size 4"], *, grey: float
) -> Float[Tensor, "batch 4 size size"]:
    """Put pictures on grey, with the opacity as fourth channel, as an encoder takes them."""
    colour, alpha = _premultiplied(rgba)
    return torch.cat([colour + grey * (1 - alpha), alpha], dim=1)


def augment_views(
    rgba: UInt8[Tensor, "batch size size 4"],
    generator: torch.Generator,
    config: AugmentConfig | None = None,
    *,
    grey: float,
) -> Float[Tensor, "batch 4 size size"]:
    """Change pictures at random and put them on grey, see :func:`plain_views`.

    Args:
        rgba: sRGB bytes with straight opacity.
        generator: CPU generator; equal seeds give equal pictures.
        config: How far.
        grey: Brightness behind the object.
    """
    draw = _Draws(config or AugmentConfig(), len(rgba), generator)
    image = _shadowed(_moved(torch.cat(_premultiplied(rgba), dim=1), draw), draw)
    colour, alpha = image[:, :3], image[:, 3:]
    # What a mask that is too wide takes with it.
    behind = draw.uniform(0, 1, 3)
    colour = colour + behind * (1 - alpha)
    alpha = _worn(alpha, draw)
    colour = _photographed(colour, draw)
    return torch.cat([colour * alpha + grey * (1 - alpha), alpha], dim=1)


class _Draws:
    """Random numbers, one per picture (and channel)."""

    def __init__(self, config: AugmentConfig, count: int, generator: torch.Generator) -> None:
        self.config, self.count, self.generator = config, count, generator

    def uniform(self, low: float, high: float, channels: int = 1) -> Float[Tensor, "batch c 1 1"]:
        drawn = torch.rand(self.count, channels, 1, 1, generator=self.generator)
        return low + (high - low) * drawn

    def chosen(self, share: float) -> Bool[Tensor, " batch"]:
        return torch.rand(self.count, generator=self.generator) < share

    def log(self, largest: float) -> Float[Tensor, "batch 1 1 1"]:
        return self.uniform(-largest, largest).exp()


def _premultiplied(rgba: Tensor) -> tuple[Float[Tensor, "b 3 s s"], Float[Tensor, "b 1 s s"]]:
    image = rgba.permute(0, 3, 1, 2).float() / 255
    return image[:, :3] * image[:, 3:], image[:, 3:]


def _moved(image: Float[Tensor, "b 4 s s"], draw: _Draws) -> Float[Tensor, "b 4 s s"]:
    """Shift, zoom and turn; nothing comes in from beyond the border."""
    config = draw.config
    angle = draw.uniform(-1, 1)[:, 0, 0, 0] * math.radians(config.turn_deg)
    zoom = draw.uniform(*config.scale)[:, 0, 0, 0]
    # Coordinates of affine_grid run from -1 to 1.
    shift = 2 * config.shift * draw.uniform(-1, 1, 2)[:, :, 0, 0]
    cosine, sine = angle.cos() / zoom, angle.sin() / zoom
    rows = [
        torch.stack([cosine, -sine, shift[:, 0]], dim=1),
        torch.stack([sine, cosine, shift[:, 1]], dim=1),
    ]
    grid = affine_grid(torch.stack(rows, dim=1), list(image.shape), align_corners=False)
    return grid_sample(image, grid, align_corners=False)


def _shadowed(image: Float[Tensor, "b 4 s s"], draw: _Draws) -> Float[Tensor, "b 4 s s"]:
    """Lay a dark blob behind the foot of some objects."""
    chosen = draw.chosen(draw.config.shadow_share).nonzero()[:, 0]
    strength, wide, flat = draw.uniform(0.2, 0.7), draw.uniform(0.2, 0.5), draw.uniform(0.03, 0.12)
    if len(chosen) == 0:
        return image
    part = image[chosen]
    size = image.shape[-1]
    place = (torch.arange(size) + 0.5) / size
    seen = part[:, 3] > 0.5
    foot = (seen.any(2) * place).amax(1)[:, None, None]
    middle = (seen.any(1) * place).sum(1) / seen.any(1).sum(1).clamp(min=1)
    across = (place[None, None] - middle[:, None, None]) / wide[chosen, 0]
    down = (place[None, :, None] - foot) / flat[chosen, 0]
    blob = strength[chosen, 0] * (-2 * (across.square() + down.square())).exp()
    part[:, 3] = part[:, 3] + blob * (1 - part[:, 3])
    image[chosen] = part
    return image


def _worn(alpha: Float[Tensor, "b 1 s s"], draw: _Draws) -> Float[Tensor, "b 1 s s"]:
    """Make masks imperfect: edges moved and softened, pieces lost, or no mask at all."""
    config, size = draw.config, alpha.shape[-1]
    edges, cut = draw.chosen(config.edge_share), draw.chosen(config.cut_share)
    level, steep = draw.uniform(0.2, 0.8), draw.uniform(1.5, 6.0)
    corner, extent = draw.uniform(0, 0.9, 2), draw.uniform(0.08, 0.35, 2)
    lost = draw.chosen(config.unmasked_share)
    if bool(edges.any()):
        soft = avg_pool2d(alpha[edges], 5, stride=1, padding=2)
        alpha[edges] = ((soft - level[edges]) * steep[edges] + 0.5).clamp(0, 1)
    if bool(cut.any()):
        place = ((torch.arange(size) + 0.5) / size)[None, None, :]
        inside = (place > corner[cut, :, 0]) & (place < (corner + extent)[cut, :, 0])
        hole = inside[:, 0, :, None] & inside[:, 1, None, :]
        alpha[cut] = alpha[cut].masked_fill(hole[:, None], 0)
    alpha[lost] = 1
    return alpha


def _photographed(colour: Float[Tensor, "b 3 s s"], draw: _Draws) -> Float[Tensor, "b 3 s s"]:
    """Change exposure, gamma, saturation and balance; blur, compress, add noise."""
    config = draw.config
    balance = 1 + config.white_balance * torch.randn(draw.count, 3, 1, 1, generator=draw.generator)
    colour = colour.clamp(1e-4, 1) ** draw.log(config.gamma)
    colour = colour * (balance * draw.log(config.brightness))
    brightness = colour.mean(1, keepdim=True)
    colour = brightness + (colour - brightness) * draw.log(config.saturation)
    blurred = draw.chosen(config.blur_share)
    if bool(blurred.any()):
        colour[blurred] = avg_pool2d(
            colour[blurred], 3, stride=1, padding=1, count_include_pad=False
        )
    blocks, step = draw.chosen(config.block_share), draw.uniform(0.01, 0.08)
    if bool(blocks.any()):
        colour[blocks] = _compressed(colour[blocks], step[blocks])
    deviation = draw.uniform(0, config.noise)
    noise = torch.randn(colour.shape, generator=draw.generator)
    return (colour + deviation * noise).clamp(0, 1)


def _compressed(
    colour: Float[Tensor, "b 3 s s"], step: Float[Tensor, "b 1 1 1"]
) -> Float[Tensor, "b 3 s s"]:
    """Round the cosine transform of blocks, high frequencies more: what JPEG does."""
    size = colour.shape[-1]
    whole = size // _BLOCK * _BLOCK
    k = torch.arange(_BLOCK)
    basis = (math.pi / _BLOCK * (k + 0.5) * k[:, None]).cos() * (2 / _BLOCK) ** 0.5
    basis[0] /= 2**0.5
    coarse = step[..., None, None] * (1 + k[:, None, None] + k)
    blocks = colour[..., :whole, :whole].unflatten(3, (-1, _BLOCK)).unflatten(2, (-1, _BLOCK))
    waves = torch.einsum("bciyjx,vy,ux->bcivju", blocks, basis, basis)
    rounded = (waves / coarse).round() * coarse
    back = torch.einsum("bcivju,vy,ux->bciyjx", rounded, basis, basis)
    out = colour.clone()
    out[..., :whole, :whole] = back.flatten(4, 5).flatten(2, 3)
    return out

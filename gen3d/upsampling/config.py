"""Sizes and switches of the upsampling networks: ours and, by other values, the published ones."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gen3d.nn.mlp import Gelu
from gen3d.training.config import Settings

PATCH_POINTS = 1024
"""Points of a dense patch, in training and inference; a sparse one has a quarter."""

PUBLISHED_GLOBAL_WIDTHS = (32, 64, 64, 128, 256, 512)


class LocalConfig(Settings):
    """What a network sees and moves of each point's surroundings; the published one has nothing.

    Attributes:
        neighbours: Nearest points, itself left out, that are looked at one by one.
        width: Channels of the network that does so.
        scales: Numbers of nearest points of which mean offset and covariance are taken: few show
            detail, many tell a surface from noise.
    """

    neighbours: int = Field(default=16, ge=1)
    width: int = Field(default=32, ge=1)
    scales: tuple[int, ...] = (8, 16, 32)

    @property
    def reach(self) -> int:
        """Nearest points that are needed at all."""
        return max(self.neighbours, *self.scales)

    @model_validator(mode="after")
    def _scales_are_there(self) -> LocalConfig:
        if not self.scales or min(self.scales) < 3:
            raise ValueError(f"scales must be 3 points or more each, got {self.scales}")
        return self


class RINConfig(Settings):
    """The recurrent interface network; the defaults are those of ``pufm-mini``.

    Attributes:
        width: Channels of points and latents.
        heads: Attention heads.
        latents: Learned latents.
        blocks: Rounds of read, compute and write.
        computes: Self-attention layers among latents in each.
        mlp_ratio: Hidden channels of the blocks' MLPs over ``width``.
        gelu: Which GELU.
        global_tokens: How points are picked whose features join the latents: ``fps`` spreads them;
            ``legacy`` takes points 0, 1 and 2 (0 for all that are left), as the published code's
            transposed sampling does.
        global_count: How many.
        global_widths: Layers of the point network that makes these features; the last one must be
            ``width``. Empty: the embedded points themselves.
        local: The points' surroundings, if the network sees them.
    """

    width: int = Field(default=96, ge=2)
    heads: int = Field(default=2, ge=1)
    latents: int = Field(default=32, ge=1)
    blocks: int = Field(default=2, ge=1)
    computes: int = Field(default=2, ge=0)
    mlp_ratio: float = Field(default=2.0, gt=0)
    gelu: Gelu = "tanh"
    global_tokens: Literal["fps", "legacy"] = "fps"
    global_count: int = Field(default=16, ge=3)
    global_widths: tuple[int, ...] = ()
    local: LocalConfig | None = LocalConfig()

    @property
    def tokens(self) -> int:
        """Latents that go from step to step: learned ones, global ones, and the time."""
        return self.latents + self.global_count + 1

    @model_validator(mode="after")
    def _widths_fit(self) -> RINConfig:
        if self.width % self.heads or self.width % 2:
            raise ValueError(f"width {self.width} must be even and a multiple of heads")
        if self.global_widths and self.global_widths[-1] != self.width:
            raise ValueError(
                f"global_widths must end with the width {self.width}, got {self.global_widths}"
            )
        return self


def published_rin_config(global_tokens: Literal["fps", "legacy"] = "legacy") -> RINConfig:
    """Return the sizes of PUFM++: 118,016,707 parameters."""
    return RINConfig(
        width=512,
        heads=8,
        latents=256,
        blocks=6,
        computes=4,
        mlp_ratio=4.0,
        gelu="exact",
        global_tokens=global_tokens,
        global_widths=PUBLISHED_GLOBAL_WIDTHS,
        local=None,
    )


class LevelConfig(Settings):
    """One set abstraction of the PointNet++ network.

    Attributes:
        points: Centres.
        radii: Of the small and the large ball, in units of the normalised patch.
        widths: Layers of the two point networks.
    """

    points: int = Field(ge=1)
    radii: tuple[float, float]
    widths: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def out(self) -> int:
        """Channels out: both point networks' side by side."""
        return self.widths[0][-1] + self.widths[1][-1]


PUBLISHED_LEVELS = (
    LevelConfig(points=1024, radii=(0.05, 0.1), widths=((16, 16, 32), (32, 32, 64))),
    LevelConfig(points=256, radii=(0.1, 0.2), widths=((64, 64, 128), (64, 96, 128))),
    LevelConfig(points=64, radii=(0.2, 0.4), widths=((128, 196, 256), (128, 196, 256))),
    LevelConfig(points=16, radii=(0.4, 0.8), widths=((256, 256, 512), (256, 384, 512))),
)


class PointNetConfig(Settings):
    """PUFM's PointNet++ network with two radii (MSG); the defaults are the published sizes.

    Attributes:
        levels: From fine to coarse; four.
        up: Layers of the feature propagations, from coarse to fine; four.
        neighbours: Whose coordinates each point starts with, itself included.
        samples: Points of the small and the large ball.
        attention: Attention at the coarsest level (``PUFM_w_attn``) instead of a fourth time layer.
        head: Channels before the last layer.
    """

    levels: tuple[LevelConfig, LevelConfig, LevelConfig, LevelConfig] = PUBLISHED_LEVELS
    up: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]] = (
        (256, 256),
        (256, 256),
        (256, 128),
        (128, 128, 128),
    )
    neighbours: int = Field(default=16, ge=1)
    samples: tuple[int, int] = (16, 32)
    attention: bool = False
    head: int = Field(default=128, ge=1)


UpsamplerConfig = RINConfig | PointNetConfig

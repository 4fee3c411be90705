"""PUFM's network: PointNet++ with two radii per level (Liu et al. 2025, arXiv 2501.15286).

Set abstractions (Qi et al. 2017, arXiv 1706.02413) gather ever fewer points, feature propagations
bring their features back, and after each of them the time scales and shifts the channels.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import relu

from gen3d.ops.points import ball_query, farthest_point_sample, knn, three_interpolate, three_nn
from gen3d.upsampling.config import LevelConfig, PointNetConfig

_TIME_CHANNELS = 3
_INTERPOLATION_EPS = 1e-8  # added to squared distances


def gather_points(
    values: Float[Tensor, "batch n c"], index: Int[Tensor, "batch m *k"]
) -> Float[Tensor, "batch m *k c"]:
    """Return the rows of each item that an index names."""
    items = torch.arange(len(values), device=values.device)
    return values[items.view(-1, *[1] * (index.ndim - 1)), index]


class SetAbstraction(nn.Module):
    """Pools the points of two balls around each of a few far-apart centres.

    Args:
        config: Sizes.
        channels: Of the features that come in.
        samples: Points of the small and the large ball.
    """

    def __init__(self, config: LevelConfig, channels: int, samples: tuple[int, int]) -> None:
        super().__init__()
        self.points, self.radii, self.samples = config.points, config.radii, samples
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        for widths in config.widths:
            before = (channels + 3, *widths[:-1])
            pairs = list(zip(before, widths, strict=True))
            self.convs.append(nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs))
            self.norms.append(nn.ModuleList(nn.BatchNorm2d(width) for width in widths))

    def forward(
        self, x: Float[Tensor, "batch n 3"], features: Float[Tensor, "batch n c"]
    ) -> tuple[Float[Tensor, "batch m 3"], Float[Tensor, "batch m out"]]:
        """Return centres and their features; a cloud of fewer points keeps all."""
        centres = gather_points(x, farthest_point_sample(x, min(self.points, x.shape[1])))
        pooled = []
        for scale, (radius, count) in enumerate(zip(self.radii, self.samples, strict=True)):
            index = ball_query(centres, x, radius, count)
            relative = gather_points(x, index) - centres[:, :, None]
            grouped = torch.cat([gather_points(features, index), relative], -1).permute(0, 3, 2, 1)
            convs, norms = self.convs[scale], self.norms[scale]
            assert isinstance(convs, nn.ModuleList) and isinstance(norms, nn.ModuleList)
            for conv, norm in zip(convs, norms, strict=True):
                grouped = relu(norm(conv(grouped)))
            pooled.append(grouped.amax(2))
        return centres, torch.cat(pooled, 1).mT


class FeaturePropagation(nn.Module):
    """Interpolates features to more points and mixes them with those that are there.

    Args:
        channels: Of what comes in, both together.
        widths: Layers.
    """

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(zip((channels, *widths[:-1]), widths, strict=True))
        self.convs = nn.ModuleList(nn.Conv1d(a, b, 1) for a, b in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths)

    def forward(
        self,
        x: Float[Tensor, "batch n 3"],
        coarse_x: Float[Tensor, "batch m 3"],
        skip: Float[Tensor, "batch n c"] | None,
        coarse: Float[Tensor, "batch m d"],
    ) -> Float[Tensor, "batch n out"]:
        """Weigh the three nearest by one over their squared distances."""
        squared, index = three_nn(x, coarse_x)
        weights = 1 / (squared.clamp(min=0) + _INTERPOLATION_EPS)
        mixed = three_interpolate(coarse, index, weights / weights.sum(-1, keepdim=True))
        features = (mixed if skip is None else torch.cat([skip, mixed], -1)).mT
        for conv, norm in zip(self.convs, self.norms, strict=True):
            features = relu(norm(conv(features)))
        return features.mT


class ConcatSquash(nn.Module):
    """``conv(x) * sigmoid(gate(e)) + shift(e)`` with a condition e.

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Conv1d(width, width, 1)
        self.shift = nn.Linear(_TIME_CHANNELS, width, bias=False)
        self.gate = nn.Linear(_TIME_CHANNELS, width)

    def forward(
        self, features: Float[Tensor, "batch n width"], time: Float[Tensor, "batch 3"]
    ) -> Float[Tensor, "batch n width"]:
        """Map every point by itself."""
        gate, shift = self.gate(time).sigmoid()[:, None], self.shift(time)[:, None]
        return self.layer(features.mT).mT * gate + shift


class CoarseAttention(nn.Module):
    """Attention of each coarse point over its neighbours, channel by channel.

    Point Transformer's vector attention (Zhao et al. 2021, arXiv 2012.09164, eq. 3).

    Args:
        width: Channels.
        neighbours: Points that each one looks at, itself included.
    """

    def __init__(self, width: int, neighbours: int) -> None:
        super().__init__()
        self.neighbours, half = neighbours, width // 2
        self.query, self.key = nn.Conv1d(width, width, 1), nn.Conv1d(width, width, 1)
        self.value = nn.Conv1d(width, width, 1)
        self.position = _conv_pair(3, half, width)
        self.relation = _conv_pair(width, half, width)
        self.out = nn.Sequential(
            nn.Conv1d(width, 2 * width, 1),
            nn.BatchNorm1d(2 * width),
            nn.ReLU(),
            nn.Conv1d(2 * width, width, 1),
            nn.BatchNorm1d(width),
        )
        self.time = ConcatSquash(width)

    def forward(
        self,
        x: Float[Tensor, "batch n 3"],
        features: Float[Tensor, "batch n width"],
        time: Float[Tensor, "batch 3"],
    ) -> Float[Tensor, "batch n width"]:
        """Return features with what the neighbours add."""
        index = knn(x, x, min(self.neighbours, x.shape[1])).indices
        channels = features.mT
        query, key, value = self.query(channels), self.key(channels), self.value(channels)

        def around(values: Tensor) -> Tensor:
            return gather_points(values.mT, index).permute(0, 3, 1, 2)

        position = self.position((x[:, :, None] - gather_points(x, index)).permute(0, 3, 1, 2))
        weights = self.relation(query[..., None] - around(key) + position).softmax(-1)
        mixed = (weights * (around(value) + position)).sum(-1) + channels
        return self.time((self.out(mixed) + mixed).mT, time)


def _conv_pair(channels: int, hidden: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 1),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        nn.Conv2d(hidden, width, 1),
    )


class PUFMNet(nn.Module):
    """Velocities of a patch's points, as PUFM predicts them.

    Args:
        config: Sizes; the defaults are the published ones.
    """

    def __init__(self, config: PointNetConfig) -> None:
        super().__init__()
        self.config = config
        outs = [level.out for level in config.levels]
        channels = [3 * config.neighbours, *outs]
        self.down = nn.ModuleList(
            SetAbstraction(level, c, config.samples)
            for level, c in zip(config.levels, channels, strict=False)
        )
        skips = (outs[2], outs[1], outs[0], 0)
        coarse = (outs[3], *(widths[-1] for widths in config.up[:3]))
        self.up = nn.ModuleList(
            FeaturePropagation(skip + c, widths)
            for skip, c, widths in zip(skips, coarse, config.up, strict=True)
        )
        self.times_down = nn.ModuleList(
            ConcatSquash(out) for out in (outs[:3] if config.attention else outs)
        )
        self.times_up = nn.ModuleList(ConcatSquash(widths[-1]) for widths in config.up[:3])
        self.attention: CoarseAttention | None = None
        if config.attention:
            self.attention = CoarseAttention(outs[3], config.neighbours)
        self.head = nn.Conv1d(config.up[3][-1], config.head, 1)
        self.out = nn.Conv1d(config.head, 3, 1)

    def forward(
        self,
        x: Float[Tensor, "batch n 3"],
        t: Float[Tensor, " batch"],
        latent: Tensor | None = None,
    ) -> tuple[Float[Tensor, "batch n 3"], None]:
        """Predict the velocity; there is no latent to hand on."""
        time = torch.stack([t, t.sin(), t.cos()], dim=1)
        near = knn(x, x, min(self.config.neighbours, x.shape[1])).indices
        missing = self.config.neighbours - near.shape[-1]
        near = torch.cat([near, near[..., -1:].expand(-1, -1, missing)], -1)
        # Coordinate by coordinate: x of all neighbours, then y, then z.
        levels = [(x, gather_points(x, near).mT.flatten(2))]
        for number, down in enumerate(self.down):
            centres, features = down(*levels[-1])
            if number < len(self.times_down):
                features = self.times_down[number](features, time)
            levels.append((centres, features))
        coarse_x, features = levels[-1]
        if self.attention is not None:
            features = self.attention(coarse_x, features, time)
        for number, up in enumerate(self.up):
            fine_x, skip = levels[-2 - number]
            # The input features of the finest level are not used again.
            features = up(fine_x, coarse_x, skip if number < 3 else None, features)
            if number < len(self.times_up):
                features = self.times_up[number](features, time)
            coarse_x = fine_x
        return self.out(relu(self.head(features.mT))).mT, None

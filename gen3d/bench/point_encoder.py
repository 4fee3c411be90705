"""A small point network that names categories, trained in under a minute on true shapes.

Its features give the Fréchet distance and its probabilities the retrieval figures. It sees
positions alone, so that a sample's colour cannot speak for its shape.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import load_file, save
from torch import Tensor, nn

from gen3d.data.procedural.recognise import unit_clouds
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import ProgressSink

FEATURES = 64
_POINTS = 256
_BATCH = 48
_SEED = 11
# Uneven stretching and noise, so that no measure alone tells a category.
_STRETCH, _JITTER = 0.12, 0.006
_CHUNK = 256


class PointNet(nn.Module):
    """Points to features by shared layers and a maximum (Qi et al. 2017, arXiv 1612.00593).

    Args:
        categories: Number of outputs.
    """

    def __init__(self, categories: int) -> None:
        super().__init__()
        self.each = nn.Sequential(
            nn.Linear(3, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 256)
        )
        self.all = nn.Sequential(
            nn.LayerNorm(512), nn.Linear(512, 192), nn.GELU(), nn.Linear(192, FEATURES)
        )
        self.head = nn.Linear(FEATURES, categories)

    def forward(self, clouds: Float[Tensor, "b n 3"]) -> Float[Tensor, "b features"]:
        """Return the features of unit clouds."""
        each = self.each(clouds)
        return self.all(torch.cat([each.amax(1), each.mean(1)], 1))


@dataclass(frozen=True)
class PointEncoder:
    """A trained network with the names of its outputs.

    Attributes:
        network: In eval mode.
        categories: Name of each output.
    """

    network: PointNet
    categories: tuple[str, ...]

    @torch.no_grad()
    def features(self, clouds: Float[Tensor, "s n 3"]) -> Float[Tensor, "s features"]:
        """Return the features of clouds of any size and place."""
        points = unit_clouds(clouds)[:, :_POINTS]
        return torch.cat([self.network(part) for part in points.split(_CHUNK)])

    @torch.no_grad()
    def log_probabilities(self, clouds: Float[Tensor, "s n 3"]) -> Float[Tensor, "s categories"]:
        """Return the logarithm of each category's probability."""
        return self.network.head(self.features(clouds)).log_softmax(1)

    def names(self, clouds: Float[Tensor, "s n 3"]) -> list[str]:
        """Return the likeliest category of each cloud."""
        return [self.categories[i] for i in self.log_probabilities(clouds).argmax(1).tolist()]


def train_point_encoder(
    clouds: Float[Tensor, "s n 3"],
    categories: Sequence[str],
    *,
    steps: int,
    sink: ProgressSink,
) -> PointEncoder:
    """Train on unit clouds; the same clouds give the same network.

    Args:
        clouds: At least a few per category; each step sees a few of their points.
        categories: One per cloud.
        steps: Of Adam, the rate falling to zero.
        sink: Where to report.
    """
    names = tuple(dict.fromkeys(categories))
    labels = torch.tensor([names.index(name) for name in categories])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        network = PointNet(len(names))
    generator = torch.Generator().manual_seed(_SEED)
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    points = min(_POINTS, clouds.shape[1])
    sink.stage_started("training the point encoder", steps)
    for _ in range(steps):
        chosen = torch.randint(len(clouds), (_BATCH,), generator=generator)
        seen = torch.randperm(clouds.shape[1], generator=generator)[:points]
        cloud = clouds[chosen][:, seen]
        stretch = 1 + _STRETCH * torch.randn(_BATCH, 1, 3, generator=generator)
        cloud = unit_clouds(cloud * stretch)
        cloud = cloud + _JITTER * torch.randn(cloud.shape, generator=generator)
        loss = nn.functional.cross_entropy(
            network.head(network(cloud)), labels[chosen], label_smoothing=0.05
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        sink.advance()
    sink.stage_finished()
    return PointEncoder(network.eval(), names)


def cached_point_encoder(
    folder: Path,
    clouds: Float[Tensor, "s n 3"],
    categories: Sequence[str],
    *,
    steps: int,
    sink: ProgressSink,
) -> PointEncoder:
    """Train, or read what was trained on the same clouds before."""
    names = tuple(dict.fromkeys(categories))
    digest = hashlib.sha256(np.ascontiguousarray(clouds.numpy()).tobytes())
    digest.update(json.dumps([list(categories), steps, _POINTS, _BATCH]).encode())
    path = folder / f"points-{digest.hexdigest()[:16]}.safetensors"
    if path.exists():
        network = PointNet(len(names))
        network.load_state_dict(load_file(path))
        return PointEncoder(network.eval(), names)
    encoder = train_point_encoder(clouds, categories, steps=steps, sink=sink)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(save(encoder.network.state_dict()))
    return encoder


def frechet_distance(a: Float[Tensor, "s f"], b: Float[Tensor, "r f"]) -> float:
    """Return the Fréchet distance between normal distributions fitted to two sets of features.

    |m_a - m_b|^2 + tr(A + B - 2 (A B)^(1/2)) (Heusel et al. 2017, arXiv 1706.08500, eq. 6). The
    trace of the root is the sum of the roots of A B's eigenvalues, which are not negative.
    """
    a, b = a.double(), b.double()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    first, second = (torch.atleast_2d(features.T.cov()) for features in (a, b))
    roots = torch.linalg.eigvals(first @ second).real.clamp(min=0).sqrt().sum()
    return float((shift + first.trace() + second.trace() - 2 * roots).clamp(min=0))

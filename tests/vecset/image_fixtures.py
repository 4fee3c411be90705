"""Balls of several colours with pictures of them: the smallest set to learn pictures from."""

from dataclasses import dataclass

import numpy as np
import torch

from gen3d.data.renders import ViewSet

SIZE, WIDTH = 16, 8
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230)}


@dataclass(frozen=True)
class Encoded:
    tokens: torch.Tensor
    mask: torch.Tensor
    pooled: torch.Tensor


class ColourEncoder:
    """Texts by the colour that they name, in the first channels."""

    def encode(self, prompts):
        vectors = torch.zeros(len(prompts), WIDTH)
        for row, text in zip(vectors, prompts, strict=True):
            for i, name in enumerate(COLOURS):
                row[i] = WIDTH**0.5 if name in text else 0
        mask = torch.ones(len(prompts), 1, dtype=torch.bool)
        return Encoded(vectors[:, None], mask, vectors)


def ball_views(count: int, views: int = 2) -> ViewSet:
    """Draw coloured discs: shape i has colour i modulo 3 and a radius that grows with i."""
    place = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    far = np.hypot(place[:, None], place[None])
    images = np.zeros((count, views, SIZE, SIZE, 4), np.uint8)
    for i in range(count):
        inside = far < 0.2 + 0.25 * i / count
        images[i, :, inside, :3] = list(COLOURS.values())[i % 3]
        images[i, :, inside, 3] = 255
    azimuth = np.tile(np.linspace(0, 90, views, dtype=np.float32), (count, 1))
    return ViewSet(images, azimuth, np.full_like(azimuth, 20.0))

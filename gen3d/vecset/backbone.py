"""A published vision transformer from a folder on disk, frozen, in the place of our own stem."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.conditioning.dino import DinoEncoder, dino_images
from gen3d.conditioning.dino_keys import load_dino, sniff_dino
from gen3d.errors import ModelError
from gen3d.io.checkpoints import open_tensors
from gen3d.vecset.config import Settings

_FILES = ("model.safetensors", "pytorch_model.bin")


class BackboneConfig(Settings):
    """Where the transformer's weights lie.

    Attributes:
        kind: What it is.
        folder: Holds ``model.safetensors`` or ``pytorch_model.bin`` as transformers writes them. It
            is needed wherever the image encoder is used, as its file holds none of these weights.
    """

    kind: Literal["dinov2"]
    folder: Path


class Backbone:
    """The transformer; read when it is first asked, never trained, copied or saved.

    It is no module, so that it stays out of optimisers, averages and checkpoints.

    Args:
        config: Where it lies.
        width: Channels that it must have.
        patch: Pixels per side of a patch that it must have.
    """

    def __init__(self, config: BackboneConfig, *, width: int, patch: int) -> None:
        self._config, self._width, self._patch = config, width, patch
        self._network: DinoEncoder | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Backbone:
        return self

    @torch.no_grad()
    def tokens(
        self, views: Float[Tensor, "n channels size size"]
    ) -> Float[Tensor, "n tokens width"]:
        """Return what it says of pictures: one token for the whole, then those of the patches.

        Args:
            views: Red, green and blue in [0, 1], and more channels, which it does not look at.

        Raises:
            ModelError: The folder lacks the weights, or they are of another network.
        """
        if self._network is None:
            self._network = self._load()
        network = self._network.to(views.device)
        return network(dino_images(2 * views[:, :3] - 1, views.shape[-1])).float()

    def _load(self) -> DinoEncoder:
        folder = self._config.folder
        found = [folder / name for name in _FILES if (folder / name).is_file()]
        if not found:
            raise ModelError(
                f"the image encoder needs DINOv2 in {folder}, which holds no {' or '.join(_FILES)}",
                hint="save a DINOv2 there with transformers' save_pretrained",
            )
        source = open_tensors(found[0])
        config = sniff_dino(source)
        if (config.width, config.patch) != (self._width, self._patch):
            raise ModelError(
                f"DINOv2 in {folder} has width {config.width} and patches of {config.patch} pixels,"
                f" the image encoder was made for {self._width} and {self._patch}",
                hint="set model.width and model.patch, or give the folder it was trained with",
            )
        return load_dino(source, config).eval().requires_grad_(False)

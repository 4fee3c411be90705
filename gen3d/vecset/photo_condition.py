"""Users' photos as the embedded model's image encoder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from gen3d.conditioning.photos import Photo
from gen3d.conditioning.views import prepare_view
from gen3d.errors import InputError, ModelError
from gen3d.vecset.image_encoder import (
    MAX_VIEWS,
    SLOTS,
    UNKNOWN_SLOT,
    ImageEncoder,
    ImageTokens,
    load_image_encoder,
)


def encode_photos(encoder: ImageEncoder, photos: Sequence[Photo]) -> ImageTokens:
    """Encode the photos of one object.

    A single photo may show the object from anywhere; of several, each shows the side that it is
    said to.

    Args:
        encoder: The encoder; it says where to run.
        photos: 1 to 4.

    Returns:
        One item.

    Raises:
        InputError: There is no photo, or too many, or one shows nothing.
    """
    if not 1 <= len(photos) <= MAX_VIEWS:
        raise InputError(f"an object is shown by 1 to {MAX_VIEWS} images, got {len(photos)}")
    size, device = encoder.config.size, encoder.positions.device
    views = [prepare_view(photo.rgba, size, name=photo.source.file) for photo in photos]
    slots = [SLOTS[photo.view] for photo in photos] if len(photos) > 1 else [UNKNOWN_SLOT]
    return encoder.encode(
        torch.stack(views)[None].to(device), slots=torch.tensor([slots], device=device)
    )


def fitting_encoder(path: Path, width: int, *, device: torch.device) -> ImageEncoder:
    """Load an image encoder for a flow network whose context has so many channels.

    Raises:
        ModelError: The file is damaged, or the encoder belongs to another network.
    """
    encoder = load_image_encoder(path, device=device)
    if encoder.config.out_dim != width:
        raise ModelError(
            f"the tokens of {path} have {encoder.config.out_dim} channels, "
            f"the flow network takes {width}"
        )
    return encoder

"""Photos as conditions of the flow network."""

import numpy as np
import pytest
import torch

from gen3d.conditioning.photos import Photo, Source
from gen3d.errors import InputError
from gen3d.vecset.image_encoder import SLOTS, ImageEncoder, ImageEncoderConfig
from gen3d.vecset.photo_condition import encode_photos

CONFIG = ImageEncoderConfig(size=16, patch=8, stem=4, width=16, heads=2, layers=1, out_dim=8)


@pytest.fixture
def encoder() -> ImageEncoder:
    torch.manual_seed(0)
    encoder = ImageEncoder(CONFIG).eval()
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return encoder


def photo(view: str, shade: int) -> Photo:
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[5:15, 5:20] = (shade, 90, 30, 255)
    return Photo(view, rgba, Source(f"{view}.png", "0" * 64), None, "alpha", "auto", ())


def test_each_view_adds_its_tokens(encoder: ImageEncoder) -> None:
    one = encode_photos(encoder, [photo("front", 200)])
    two = encode_photos(encoder, [photo("front", 200), photo("back", 40)])
    assert one.tokens.shape == (1, 5, 8) and two.tokens.shape == (1, 10, 8)
    assert two.mask.all() and two.pooled.shape == (1, 8)


def test_single_photo_may_show_any_side_and_several_the_sides_they_name(
    encoder: ImageEncoder,
) -> None:
    front, left = (encode_photos(encoder, [photo(view, 200)]) for view in ("front", "left"))
    assert torch.equal(front.tokens, left.tokens)
    pair = encode_photos(encoder, [photo("front", 200), photo("left", 200)]).tokens[0]
    assert not torch.allclose(pair[:5], pair[5:])
    assert not torch.allclose(pair[:5], front.tokens[0])
    assert SLOTS["unknown"] not in (SLOTS["front"], SLOTS["left"])


def test_wrong_numbers_of_photos_are_refused(encoder: ImageEncoder) -> None:
    for photos in ([], [photo("front", 1)] * 5):
        with pytest.raises(InputError, match=f"1 to 4 images, got {len(photos)}"):
            encode_photos(encoder, photos)

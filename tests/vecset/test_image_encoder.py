import pytest
import torch

from gen3d.errors import InputError, ModelError
from gen3d.vecset.checkpoints import save_vae
from gen3d.vecset.image_encoder import (
    ImageEncoder,
    ImageEncoderConfig,
    load_image_encoder,
    save_image_encoder,
)
from gen3d.vecset.vae import ShapeVAE

CONFIG = ImageEncoderConfig(size=16, patch=8, stem=4, width=16, heads=2, layers=2, out_dim=8)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    encoder = ImageEncoder(CONFIG).eval()
    for parameter in encoder.parameters():  # blocks start as identity
        torch.nn.init.normal_(parameter, std=0.2)
    return encoder


def pictures(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, 4, 16, 16, generator=torch.Generator().manual_seed(1))


def test_tokens_have_the_scale_of_text_and_one_more_than_patches(encoder):
    image = encoder.encode(pictures(3, 1))
    assert image.tokens.shape == (3, 5, 8)
    assert torch.allclose(image.tokens.square().mean(-1), torch.ones(3, 5), atol=1e-4)
    assert torch.allclose(image.pooled.square().mean(-1), torch.ones(3), atol=1e-4)


def test_absent_views_influence_nothing(encoder):
    views = pictures(2, 3)
    present = torch.tensor([[True, True, False], [True, False, False]])
    once = encoder.encode(views, present)
    views[0, 2], views[1, 1:] = 0.9, 0.1
    again = encoder.encode(views, present)
    assert torch.equal(once.tokens, again.tokens)
    assert torch.equal(once.pooled, again.pooled)
    assert once.mask.sum(1).tolist() == [10, 5]
    alone = encoder.encode(views[1:, :1])
    assert torch.allclose(alone.tokens[0], once.tokens[1, :5], atol=1e-5)
    assert torch.allclose(alone.pooled[0], once.pooled[1], atol=1e-5)


def test_item_without_views_is_all_zero(encoder):
    image = encoder.encode(pictures(1, 2), torch.zeros(1, 2, dtype=torch.bool))
    assert not image.mask.any()
    assert float(image.pooled.abs().sum() + image.tokens.abs().sum()) == 0


def test_slot_changes_what_is_said_of_a_view(encoder):
    views = pictures(1, 1)
    front = encoder.encode(views, slots=torch.tensor([[0]]))
    unknown = encoder.encode(views)
    assert torch.equal(unknown.tokens, encoder.encode(views, slots=torch.tensor([[4]])).tokens)
    assert not torch.allclose(front.tokens, unknown.tokens, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 5, 4, 16, 16), (1, 1, 3, 16, 16), (1, 4, 16, 16)])
def test_wrong_shapes_are_refused(encoder, shape):
    with pytest.raises(InputError, match="views have shape"):
        encoder.encode(torch.zeros(shape))


def test_file_gives_the_same_encoder_back(encoder, tmp_path):
    path = tmp_path / "image.safetensors"
    save_image_encoder(encoder, path)
    back = load_image_encoder(path)
    views = pictures(2, 1)
    assert back.config == CONFIG
    assert torch.allclose(back.encode(views).pooled, encoder.encode(views).pooled, atol=0.02)
    assert not any(p.requires_grad for p in back.parameters())


def test_default_encoder_fits_into_four_megabytes():
    assert 2 * sum(p.numel() for p in ImageEncoder(ImageEncoderConfig()).parameters()) < 4e6


def test_other_weights_are_refused(tiny_vae, tmp_path):
    save_vae(ShapeVAE(tiny_vae), tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="not ImageEncoder"):
        load_image_encoder(tmp_path / "x.safetensors")

"""The image encoder: equal to transformers', and its transform."""

import importlib.util

import pytest
import torch

from gen3d.conditioning.dino import (
    DINO_GIANT,
    DINO_LARGE,
    DinoConfig,
    DinoEncoder,
    ImageConditioner,
    dino_images,
    view_embedding,
)
from gen3d.conditioning.dino_keys import dino_entries, load_dino, sniff_dino
from gen3d.errors import InputError, ModelError
from gen3d.io.checkpoints import TensorSource
from gen3d.io.key_map import export

TINY = DinoConfig(width=64, heads=1, layers=2, image=28)


def make_encoder(config: DinoConfig = TINY) -> DinoEncoder:
    torch.manual_seed(0)
    encoder = DinoEncoder(config).eval().requires_grad_(False)
    for parameter in encoder.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    return encoder


def source_of(tensors: dict[str, torch.Tensor], tmp_path) -> TensorSource:
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    return TensorSource(tmp_path / "model.safetensors", shapes, tensors.__getitem__)


def count(config: DinoConfig) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in DinoEncoder(config).parameters())


def test_giant_and_large_have_the_published_sizes():
    assert DINO_GIANT.tokens == DINO_LARGE.tokens == 1370
    assert DINO_GIANT.hidden == 4096
    # With the mask token, which only training uses: 1,136,480,768 and 304,368,640.
    assert count(DINO_GIANT) + 1536 == 1_136_480_768
    assert count(DINO_LARGE) + 1024 == 304_368_640


@pytest.mark.parametrize("swiglu", [False, True])
@pytest.mark.parametrize("version", [4, 5])
def test_weights_survive_the_published_layout(tmp_path, swiglu, version):
    encoder = make_encoder(DinoConfig(width=64, heads=1, layers=2, image=28, swiglu=swiglu))
    published = export(dino_entries(encoder, version=version), encoder.state_dict())
    published["embeddings.mask_token"] = torch.zeros(1, 64)
    source = source_of(published, tmp_path)
    config = sniff_dino(source)
    assert config == encoder.config
    again = load_dino(source, config)
    images = torch.randn(2, 3, 28, 28)
    assert torch.equal(again(images), encoder(images))


def test_layer_scale_that_is_missing_is_named(tmp_path):
    encoder = make_encoder()
    published = export(dino_entries(encoder), encoder.state_dict())
    del published["encoder.layer.1.layer_scale2.lambda1"]
    with pytest.raises(ModelError, match=r"lacks encoder\.layer\.1\.layer_scale2\.lambda1 \(64,\)"):
        load_dino(source_of(published, tmp_path), TINY)


def test_other_weights_are_no_image_encoder(tmp_path):
    with pytest.raises(ModelError, match="no DINOv2"):
        sniff_dino(source_of({"post_kl.weight": torch.zeros(2, 2)}, tmp_path))


@pytest.mark.parametrize("swiglu", [False, True])
def test_equals_transformers(tmp_path, swiglu):
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("transformers is not installed: no second opinion on DINOv2")
    transformers = pytest.importorskip("transformers", exc_type=ImportError)
    torch.manual_seed(1)
    theirs = transformers.Dinov2Model(
        transformers.Dinov2Config(
            hidden_size=64,
            num_hidden_layers=3,
            num_attention_heads=1,
            image_size=56,
            patch_size=14,
            use_swiglu_ffn=swiglu,
        )
    ).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    source = source_of(dict(theirs.state_dict()), tmp_path)
    ours = load_dino(source, sniff_dino(source))
    # Square and of the table's size; and neither, which interpolates the positions.
    for shape in ((56, 56), (42, 70)):
        images = torch.randn(2, 3, *shape)
        with torch.no_grad():
            expected = theirs(images).last_hidden_state
        assert torch.allclose(ours(images), expected, atol=2e-5)


def test_registers_do_not_reach_the_result():
    encoder = make_encoder(DinoConfig(width=64, heads=1, layers=1, image=28, registers=3))
    assert encoder(torch.randn(1, 3, 28, 28)).shape == (1, 5, 64)


def test_sides_must_be_whole_patches():
    with pytest.raises(InputError, match="multiples of 14, got 28 x 30"):
        make_encoder()(torch.randn(1, 3, 28, 30))


def test_transform_normalises_resizes_and_crops_the_middle():
    white = dino_images(torch.ones(1, 3, 20, 20), 28)
    expected = torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    assert white.shape == (1, 3, 28, 28)
    assert torch.allclose(white[0, :, 3, 5], expected, atol=1e-6)
    # A wide image whose outer quarters are black loses them.
    wide = -torch.ones(1, 3, 28, 56)
    wide[..., 14:42] = 1
    assert torch.allclose(dino_images(wide, 28), white, atol=1e-6)


def test_view_embedding_is_sin_then_cos_at_base_10000():
    embedded = view_embedding([0, 3], 8)[1, 0].double()
    omega = [10000 ** (-2 * i / 8) for i in range(4)]
    angles = torch.tensor([3 * o for o in omega], dtype=torch.float64)
    assert torch.allclose(embedded, torch.cat([angles.sin(), angles.cos()]), atol=1e-6)


def test_views_are_joined_in_their_order():
    conditioner = ImageConditioner(make_encoder(), views=4)
    images = torch.rand(2, 3, 28, 28) * 2 - 1
    joined = conditioner.tokens(images, [2, 0])
    assert joined.shape == (1, 10, 64)
    assert torch.allclose(joined, conditioner.tokens(images.flip(0), [0, 2]), atol=1e-5)
    plain = conditioner.encoder(dino_images(images[1:], 28))[0]
    assert torch.allclose(joined[0, :5], plain + view_embedding([0], 64)[0], atol=1e-5)


@pytest.mark.parametrize("views", [[0, 0], [0], [0, 4]])
def test_wrong_views_are_refused(views):
    conditioner = ImageConditioner(make_encoder(), views=4)
    with pytest.raises(InputError, match=r"views must be 2 different numbers in 0\.\.3"):
        conditioner.tokens(torch.zeros(2, 3, 28, 28), views)


def test_single_image_model_refuses_views():
    with pytest.raises(InputError, match="takes one image"):
        ImageConditioner(make_encoder()).tokens(torch.zeros(2, 3, 28, 28), [0, 1])

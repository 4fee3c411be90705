import pytest
import torch

from gen3d.ops.volume_decode import decode_points
from gen3d.ops.volume_packing import pack_shape
from gen3d.vecset.config import QueryDecoderConfig, VAEConfig, hunyuan_vae_config
from gen3d.vecset.field import pack_query_decoder
from gen3d.vecset.lightning import lightning_decoder, query_macs, with_geometry
from gen3d.vecset.vae import ShapeVAE


@pytest.fixture
def vae(tiny_vae):
    torch.manual_seed(0)
    return ShapeVAE(tiny_vae.model_copy(update={"zero_init": False})).eval()


def test_decoder_of_equal_size_is_a_copy(vae):
    made = lightning_decoder(vae, vae.config.geometry)
    assert made.state_dict().keys() == vae.geometry.state_dict().keys()
    for name, weight in made.state_dict().items():
        assert torch.equal(weight, vae.geometry.state_dict()[name])
        assert weight.data_ptr() != vae.geometry.state_dict()[name].data_ptr()
    assert all(p.requires_grad for p in made.parameters())


def test_narrow_decoder_takes_leading_channels_of_each_head(vae):
    made = lightning_decoder(vae, QueryDecoderConfig(width=8, heads=2, mlp_ratio=1)).cross
    full = vae.geometry.cross
    # Heads of 8 channels become heads of 4: their rows begin at 0 and 8.
    rows = torch.tensor([0, 1, 2, 3, 8, 9, 10, 11])
    assert torch.equal(made.attention.q.weight, full.attention.q.weight[rows, :8])
    both = torch.cat([rows, rows + 16])
    assert torch.equal(made.attention.kv.weight, full.attention.kv.weight[both])
    assert torch.equal(made.attention.proj.weight, full.attention.proj.weight[:8, rows])
    assert torch.equal(made.mlp.fc_in.weight, full.mlp.fc_in.weight[:8, :8])


def test_projected_latents_start_as_the_leading_channels(vae):
    config = QueryDecoderConfig(width=8, heads=1, mlp_ratio=1, ln_post=False, project_latents=True)
    made = lightning_decoder(vae, config)
    tokens = torch.randn(2, 6, 16)
    assert torch.equal(made.latents_proj(tokens), tokens[..., :8])


def test_weights_that_do_not_fit_start_by_the_seed(vae):
    wide = QueryDecoderConfig(width=32, heads=2, mlp_ratio=1)
    one, same, other = (lightning_decoder(vae, wide, seed=s).query_proj.weight for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_exchanged_decoder_leaves_all_else(vae):
    config = QueryDecoderConfig(width=8, heads=1, mlp_ratio=1)
    narrow = lightning_decoder(vae, config)
    made = with_geometry(vae, config, narrow.state_dict())
    assert made.config == vae.config.model_copy(update={"geometry": config})
    latents, points = torch.randn(1, 6, 4), torch.rand(1, 5, 3)
    assert torch.equal(made.tokens(latents), vae.tokens(latents))
    assert torch.equal(
        made.colours(points, made.decode(latents)), vae.colours(points, vae.decode(latents))
    )
    expected = narrow(points, narrow.keys_values(vae.tokens(latents)))[..., 0]
    assert torch.equal(made.occupancy(points, made.decode(latents)), expected)


@pytest.mark.parametrize(("turbo", "millions"), [(False, 16.830), (True, 4.221)])
def test_multiplications_of_the_published_decoders(turbo, millions):
    # Counted by hand for 3,072 latents: the sum over features, q, scores, values, proj, MLP, head.
    assert query_macs(hunyuan_vae_config(turbo=turbo)) == pytest.approx(millions * 1e6, rel=1e-3)


@pytest.mark.parametrize(("width", "heads"), [(64, 1), (96, 2), (128, 2)])
def test_fused_kernel_takes_lightning_widths(width, heads):
    config = VAEConfig(zero_init=False, encoder=None, latent_layers=0)
    torch.manual_seed(0)
    vae = ShapeVAE(config).eval()
    decoder = QueryDecoderConfig(width=width, heads=heads, mlp_ratio=1, ln_post=False)
    narrow = lightning_decoder(vae, decoder).eval().requires_grad_(False)
    shape = narrow.keys_values(vae.tokens(torch.randn(1, config.num_latents, config.latent_dim)))
    points = torch.rand(33, 3) * 2 - 1
    packed = pack_query_decoder(narrow)
    values = decode_points(packed, pack_shape(packed, shape.keys[0], shape.values[0]), points)
    assert torch.allclose(values, narrow(points[None], shape)[0, :, 0], atol=1e-4)

import pytest
import torch

from gen3d.errors import InputError
from gen3d.vecset.config import VAEConfig
from gen3d.vecset.vae import ShapeVAE
from gen3d.vecset.warm_start import warm_start


def trained(config: VAEConfig) -> ShapeVAE:
    """A network whose zero-initialised outputs have moved."""
    torch.manual_seed(1)
    vae = ShapeVAE(config)
    with torch.no_grad():
        for weight in vae.parameters():
            weight.add_(0.02 * torch.randn_like(weight))
    return vae.eval()


def test_more_blocks_change_nothing_at_first(tiny_vae):
    small = trained(tiny_vae)
    layers = tiny_vae.latent_layers + 2
    large = ShapeVAE(tiny_vae.model_copy(update={"latent_layers": layers})).eval()
    warm_start(large, small)
    surface, points = torch.rand(2, 20, 9), torch.rand(2, 5, 3)
    answers = [
        vae.occupancy(points, vae.decode(vae.encode(surface).mean)) for vae in (small, large)
    ]
    torch.testing.assert_close(*answers)


def test_first_tokens_of_a_wider_set_are_those_of_the_smaller(tiny_vae):
    small = trained(tiny_vae)
    count = tiny_vae.num_latents
    large = ShapeVAE(tiny_vae.model_copy(update={"num_latents": count + 3})).eval()
    warm_start(large, small)
    surface = torch.rand(1, 20, 9)
    wide, narrow = large.encode(surface).mean, large.encode(surface, tokens=count).mean
    assert wide.shape[1] == count + 3
    torch.testing.assert_close(narrow, small.encode(surface).mean)


def test_other_widths_are_refused(tiny_vae):
    other = ShapeVAE(tiny_vae.model_copy(update={"latent_dim": tiny_vae.latent_dim + 1}))
    with pytest.raises(InputError, match="in the network to start from"):
        warm_start(ShapeVAE(tiny_vae), other)
    fewer = ShapeVAE(tiny_vae.model_copy(update={"num_latents": tiny_vae.num_latents - 1}))
    with pytest.raises(InputError, match="expected the same but for more rows"):
        warm_start(fewer, ShapeVAE(tiny_vae))


def test_more_tokens_than_there_are_is_refused(tiny_vae):
    vae = ShapeVAE(tiny_vae)
    with pytest.raises(InputError, match="tokens were asked for"):
        vae.encode(torch.rand(1, 20, 9), tokens=tiny_vae.num_latents + 1)

"""The recurrent interface network: published size, memory, symmetries."""

import pytest
import torch

from gen3d.upsampling.config import LocalConfig, RINConfig, published_rin_config
from gen3d.upsampling.rin import RIN

TINY = RINConfig(width=16, latents=6, blocks=2, computes=1, global_count=4, local=None)
SEEING = TINY.model_copy(update={"local": LocalConfig(neighbours=6, width=8, scales=(3, 6))})


def network(config: RINConfig) -> RIN:
    torch.manual_seed(0)
    model = RIN(config).eval()
    if model.local_out is not None:
        torch.nn.init.normal_(model.out.weight)
        torch.nn.init.normal_(model.local_out.coefficients.weight)
    return model


def patch(points: int = 40, batch: int = 2) -> torch.Tensor:
    x = torch.randn(batch, points, 3, generator=torch.Generator().manual_seed(1))
    return x / x.norm(dim=-1).amax(1)[:, None, None]


def test_published_configuration_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        big = RIN(published_rin_config())
    assert sum(p.numel() for p in big.parameters()) == 118_016_707
    assert big.config.tokens == 273


def test_default_fits_its_file() -> None:
    with torch.device("meta"):
        small = RIN(RINConfig())
    assert 2 * sum(p.numel() for p in small.parameters()) < 2.8e6


@pytest.mark.parametrize("config", [TINY, SEEING], ids=["plain", "seeing"])
def test_memory_says_nothing_before_training(config: RINConfig) -> None:
    model, x, t = network(config), patch(), torch.tensor([1.0, 0.3])
    with torch.no_grad():
        velocity, latent = model(x, t)
        again, _ = model(x, t, latent)
    assert velocity.shape == x.shape and latent.shape == (2, config.tokens, 16)
    torch.testing.assert_close(velocity, again)


def test_memory_speaks_once_its_norm_has_weights_and_takes_no_gradient() -> None:
    model, x, t = network(TINY), patch(), torch.ones(2)
    torch.nn.init.ones_(model.latent_norm.weight)
    latent = torch.randn(2, TINY.tokens, 16, requires_grad=True)
    velocity, _ = model(x, t, latent)
    assert not torch.allclose(velocity, model(x, t)[0])
    velocity.sum().backward()
    assert latent.grad is None and model.latent_in.fc_in.weight.grad is not None


@pytest.mark.parametrize("config", [TINY, SEEING], ids=["plain", "seeing"])
def test_order_of_points_does_not_matter_after_the_first(config: RINConfig) -> None:
    model, x, t = network(config), patch(), torch.ones(2)
    order = torch.cat([torch.zeros(1, dtype=torch.int64), 1 + torch.randperm(39)])
    with torch.no_grad():
        torch.testing.assert_close(model(x[:, order], t)[0], model(x, t)[0][:, order])


def test_legacy_tokens_depend_on_which_points_come_first() -> None:
    model = network(TINY.model_copy(update={"global_tokens": "legacy"}))
    x, t = patch(), torch.ones(2)
    swapped = x[:, [1, 0, *range(2, 40)]]
    with torch.no_grad():
        one, two = model(x, t)[0], model(swapped, t)[0]
    # Of points 1 and 2 both are taken once, point 0 many times.
    assert not torch.allclose(one[:, 5:], two[:, 5:], atol=1e-6)
    alike = x[:, [0, 2, 1, *range(3, 40)]]
    with torch.no_grad():
        torch.testing.assert_close(model(alike, t)[0][:, 5:], one[:, 5:])


@pytest.mark.parametrize("points", [1, 2, 5])
@pytest.mark.parametrize("tokens", ["fps", "legacy"])
def test_patches_smaller_than_a_neighbourhood_work(points: int, tokens: str) -> None:
    model = network(SEEING.model_copy(update={"global_tokens": tokens}))
    x = torch.zeros(1, points, 3) + torch.arange(points)[:, None] / 10
    with torch.no_grad():
        assert model(x, torch.ones(1))[0].isfinite().all()


def test_network_that_sees_stands_still_before_training_and_moves_with_the_patch_size() -> None:
    x, t = patch(), torch.ones(2)
    with torch.no_grad():
        assert not RIN(SEEING)(x, t)[0].any()
        model = network(SEEING)
        torch.nn.init.zeros_(model.point_in.weight)
        # All that is left is seen in units of the spacing.
        torch.testing.assert_close(model(2 * x, t)[0], 2 * model(x, t)[0], atol=1e-3, rtol=1e-3)


def test_equal_points_give_finite_velocities() -> None:
    with torch.no_grad():
        assert network(SEEING)(torch.zeros(1, 20, 3), torch.ones(1))[0].isfinite().all()


def test_widths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of heads"):
        RINConfig(width=10, heads=3)
    with pytest.raises(ValueError, match="must end with the width"):
        RINConfig(width=16, global_widths=(8,))
    with pytest.raises(ValueError, match="scales"):
        LocalConfig(scales=(2, 8))

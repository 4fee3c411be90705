import pytest
import torch

from gen3d.errors import InputError, ModelError
from gen3d.vecset.config import DiTConfig, VAEConfig, hunyuan_dit_config, hunyuan_vae_config
from gen3d.vecset.encoder import furthest_point_indices
from gen3d.vecset.model import Condition, ShapeDiT, ShapeVAE


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(("turbo", "expected"), [(False, 214_212_865), (True, 203_690_497)])
def test_published_vae_has_its_parameter_count(turbo, expected):
    with torch.device("meta"):
        assert count(ShapeVAE(hunyuan_vae_config(turbo=turbo))) == expected


@pytest.mark.parametrize(
    ("mini", "guidance", "expected"),
    [(False, False, 1_113_274_432), (False, True, 1_114_587_200), (True, True, 560_508_992)],
)
def test_published_dit_has_its_parameter_count(mini, guidance, expected):
    with torch.device("meta"):
        dit = ShapeDiT(hunyuan_dit_config(mini=mini, guidance_embedding=guidance))
    assert count(dit) == expected


def test_embedded_pair_fits_in_ten_megabytes_of_fp16():
    with torch.device("meta"):
        assert 2 * (count(ShapeVAE(VAEConfig())) + count(ShapeDiT(DiTConfig()))) < 10e6


def test_vae_answers_one_logit_and_one_colour_per_query(tiny_vae):
    vae = ShapeVAE(tiny_vae)
    shape = vae.decode(vae.encode(torch.randn(2, 30, 9)).mean)
    queries = torch.rand(2, 7, 3)
    assert vae.occupancy(queries, shape).shape == (2, 7)
    colours = vae.colours(queries, shape)
    assert colours.shape == (2, 7, 3)
    assert bool(((colours >= 0) & (colours <= 1)).all())
    alone = vae.occupancy(queries[1:], shape.item(1))
    assert torch.allclose(alone[0], vae.occupancy(queries, shape)[1], atol=1e-5)


def test_encoder_does_not_care_for_the_order_of_points(tiny_vae, generator):
    vae = ShapeVAE(tiny_vae)
    points = torch.randn(1, 40, 9, generator=generator)
    shuffled = points[:, torch.randperm(40, generator=generator)]
    assert torch.allclose(vae.encode(points).mean, vae.encode(shuffled).mean, atol=1e-5)


def test_point_sampling_encoder_uses_both_groups_and_is_repeatable(tiny_vae):
    encoder = tiny_vae.encoder.model_copy(
        update={"queries": "fps", "sharp_fraction": 0.5, "points_per_latent": 4}
    )
    vae = ShapeVAE(tiny_vae.model_copy(update={"encoder": encoder, "latent_embedding": False}))
    points = torch.randn(2, 64, 9)
    first, second = vae.encode(points).mean, vae.encode(points).mean
    assert first.shape == (2, 6, 4)
    assert torch.equal(first, second)


def test_furthest_points_of_a_line_are_its_ends_then_its_middle():
    line = torch.linspace(0, 1, 11)[:, None] * torch.tensor([1.0, 0.0, 0.0])
    assert furthest_point_indices(line[None], 3).tolist() == [[0, 10, 5]]
    with pytest.raises(InputError, match="cannot pick"):
        furthest_point_indices(line[None], 12)


def test_decoder_only_vae_cannot_encode(tiny_vae):
    vae = ShapeVAE(tiny_vae.model_copy(update={"encoder": None, "colour": None}))
    with pytest.raises(ModelError, match="cannot encode"):
        vae.encode(torch.randn(1, 8, 9))
    with pytest.raises(ModelError, match="no colours"):
        vae.colours(torch.zeros(1, 1, 3), vae.decode(torch.zeros(1, 6, 4)))


def randomised(dit: ShapeDiT) -> ShapeDiT:
    """Give the zero-initialised layers weights, so that outputs mean something."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in dit.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return dit.eval()


@torch.no_grad()
def test_masked_context_tokens_influence_nothing(tiny_dit, generator):
    dit = randomised(ShapeDiT(tiny_dit))
    x, t = torch.randn(2, 6, 4, generator=generator), torch.tensor([0.2, 0.8])
    tokens, pooled = torch.randn(2, 5, 8, generator=generator), torch.randn(2, 8)
    mask = torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 0, 0]], dtype=torch.bool)
    padded = dit(x, t, Condition(tokens, mask, pooled))
    short = dit(x, t, Condition(tokens[:, :3], mask[:, :3], pooled))
    assert torch.allclose(padded, short, atol=1e-5)
    other = dit(x, t, Condition(tokens.flip(1), mask, pooled))
    assert not torch.allclose(padded, other, atol=1e-3)


@torch.no_grad()
def test_dropped_condition_is_the_same_for_every_text(tiny_dit, generator):
    dit = randomised(ShapeDiT(tiny_dit))
    x, t = torch.randn(1, 6, 4, generator=generator), torch.tensor([0.5])
    answers = [
        dit(x, t, Condition(torch.randn(1, n, 8), None, torch.randn(1, 8)).unconditional())
        for n in (2, 7)
    ]
    assert torch.allclose(answers[0], answers[1], atol=1e-5)


@torch.no_grad()
def test_latents_without_slots_are_a_set(tiny_dit, generator):
    config = tiny_dit.model_copy(
        update={"num_latents": None, "modulation": "per_block", "pooled_dim": None}
    )
    dit = randomised(ShapeDiT(config))
    x, t = torch.randn(1, 6, 4, generator=generator), torch.tensor([0.5])
    condition = Condition(torch.randn(1, 3, 8, generator=generator))
    order = torch.randperm(6, generator=generator)
    swapped = dit(x[:, order], t, condition)
    assert torch.allclose(swapped, dit(x, t, condition)[:, order], atol=1e-5)


def test_missing_and_unwanted_inputs_are_named(tiny_dit):
    dit = ShapeDiT(tiny_dit)
    x, t = torch.zeros(1, 6, 4), torch.zeros(1)
    with pytest.raises(InputError, match="needs a pooled context"):
        dit(x, t, Condition(torch.zeros(1, 2, 8)))
    with pytest.raises(InputError, match="takes no guidance"):
        dit(x, t, Condition(torch.zeros(1, 2, 8), None, torch.zeros(1, 8)), guidance=t)

import math

import pytest
import torch

from gen3d.nn.fourier import FourierFeatures
from gen3d.nn.modulation import INITIAL_GATE, Modulation, SharedModulation, modulate
from gen3d.nn.time_embedding import ScalarEmbedder, sinusoidal_embedding


def test_fourier_order_is_input_then_sines_then_cosines_by_axis():
    point = torch.tensor([[0.1, 0.2, 0.3]])
    features = FourierFeatures(2, base=1.0)(point)[0].tolist()
    angles = [0.1, 0.2, 0.2, 0.4, 0.3, 0.6]
    expected = [0.1, 0.2, 0.3, *map(math.sin, angles), *map(math.cos, angles)]
    assert features == pytest.approx(expected, abs=1e-6)


def test_fourier_features_are_float32_for_half_inputs():
    module = FourierFeatures(8, base=1.0)
    features = module(torch.full((1, 3), 1.0, dtype=torch.float16))
    assert features.dtype == torch.float32
    assert module.out_dim == features.shape[-1] == 51
    assert float(features[0, 3 + 7]) == pytest.approx(math.sin(128.0), abs=1e-4)


def test_published_time_embedding_has_period_1000():
    """The quirk of the published networks, computed by hand for t = 0.25."""
    embedding = sinusoidal_embedding(torch.tensor([0.25]), 256, max_period=1000.0)[0]
    frequency = math.exp(-math.log(1000.0) * 5 / 128)
    assert float(embedding[5]) == pytest.approx(math.cos(250 * frequency), abs=1e-4)
    assert float(embedding[128 + 5]) == pytest.approx(math.sin(250 * frequency), abs=1e-4)


def test_sine_first_swaps_the_halves():
    values = torch.tensor([0.3, 0.7])
    first = sinusoidal_embedding(values, 8)
    second = sinusoidal_embedding(values, 8, cos_first=False)
    assert torch.equal(first.roll(4, dims=-1), second)


def test_scalar_embedder_gives_one_vector_per_value():
    embedder = ScalarEmbedder(6, dim=8, max_period=1e4, factor=1000.0)
    assert embedder(torch.rand(3)).shape == (3, 6)


def test_shared_modulation_starts_as_plain_norm_with_small_gates():
    shared, block = SharedModulation(4, 2), Modulation(4, 2, mode="shared")
    condition = torch.randn(3, 4)
    parts = block(condition, shared(condition))
    assert len(parts) == 6
    assert all(not part.any() for part in (parts[0], parts[1], parts[3], parts[4]))
    assert torch.allclose(parts[2], torch.full((3, 1, 4), INITIAL_GATE))
    x = torch.randn(3, 5, 4)
    assert torch.equal(modulate(x, parts[0], parts[1]), x)


def test_own_modulation_depends_on_the_condition():
    block = Modulation(4, 1, mode="per_block")
    a, b = block(torch.zeros(1, 4), None), block(torch.ones(1, 4), None)
    assert a[0].shape == (1, 1, 4)
    assert not torch.equal(a[0], b[0])

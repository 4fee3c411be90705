import itertools

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.vecset import decode_sparse
from gen3d.vecset.decode import PointField, count_missed_cells, decode_field
from gen3d.vecset.decode_seeds import climbed_cells
from gen3d.vecset.grid_field import FieldSampling, Grid

RESOLUTION, START = 64, 16
STEPS = RESOLUTION // START
SPECK = (0.31, 0.19, -0.43)


def logits(points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
    """A sure ball, and a speck whose flanks are felt further than it reaches."""
    ball = 8 * torch.tanh(12 * (0.25 - (points + 0.4).norm(dim=1)))
    away = (points - torch.tensor(SPECK)).square().sum(1)
    return torch.maximum(ball, -8 + 9 * torch.exp(-away / 0.05**2))


def coarse(field: PointField):
    grid = Grid(-1.0, 2 / RESOLUTION, RESOLUTION + 1)
    sampling = FieldSampling(field, grid, "cpu")
    at = torch.tensor(list(itertools.product(range(START), repeat=3)), dtype=torch.int32)
    corners = torch.tensor(list(itertools.product((0, 1), repeat=3)), dtype=torch.int32)
    values = sampling(((at[:, None] + corners) * STEPS).reshape(-1, 3)).view(-1, 8)
    return at, values, sampling


def test_climbing_finds_a_speck_that_no_coarse_sample_meets():
    at, values, sampling = coarse(PointField(logits))
    near = (at * STEPS / (RESOLUTION / 2) - 1 - torch.tensor(SPECK)).norm(dim=1) < 0.3
    assert (values[near] < -1).all()
    cells = climbed_cells(at, values, sampling, STEPS)
    centres = (cells + 0.5) / (RESOLUTION / 2) - 1
    assert ((centres - torch.tensor(SPECK)).norm(dim=1) < 0.1).any()
    corners = torch.tensor(list(itertools.product((0, 1), repeat=3)), dtype=torch.int32)
    signs = sampling((cells[:, None] + corners).reshape(-1, 3)).view(-1, 8) > 0
    assert (signs.any(1) & ~signs.all(1)).all(), "every cell is crossed"


def test_a_void_is_found_as_a_speck_is():
    at, values, sampling = coarse(PointField(lambda points: -logits(points)))
    centres = (climbed_cells(at, values, sampling, STEPS) + 0.5) / (RESOLUTION / 2) - 1
    assert ((centres - torch.tensor(SPECK)).norm(dim=1) < 0.1).any()


def test_sparse_decoding_misses_nothing_only_thanks_to_climbing(monkeypatch):
    field = PointField(logits)
    dense = decode_field(field, RESOLUTION, mode="dense")
    found = decode_field(field, RESOLUTION, start=START, slope=20.0)
    assert count_missed_cells(found, dense) == 0
    monkeypatch.setattr(decode_sparse, "climbed_cells", lambda at, *_: at[:0])
    assert count_missed_cells(decode_field(field, RESOLUTION, start=START, slope=20.0), dense) > 0


@pytest.mark.parametrize("value", [1.0, -1.0])
def test_a_plateau_costs_nothing(value):
    def plateau(points: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        return torch.full((len(points),), value)

    at, values, sampling = coarse(PointField(plateau))
    before = sampling.evaluations
    assert len(climbed_cells(at, values, sampling, STEPS)) == 0
    assert sampling.evaluations == before

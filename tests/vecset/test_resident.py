import numpy as np
import pytest
import torch

from gen3d.data.shards import MixedShapes
from gen3d.vecset.objective import VAEObjective, VAEObjectiveConfig
from gen3d.vecset.resident import ResidentShapes
from tests.vecset.conftest import make_spheres

CONFIG = VAEObjectiveConfig(
    batch_size=4, points=64, queries=64, colour_points=16, validation_points=64
)


@pytest.mark.parametrize("mixed", [False, True])
def test_resident_shapes_give_the_very_same_batches(tiny_vae, mixed):
    shapes = make_spheres(6)
    source = MixedShapes([shapes, make_spheres(3)], (1, 3)) if mixed else shapes
    resident = ResidentShapes.load(source, torch.device("cpu"))
    losses = [
        VAEObjective(tiny_vae, CONFIG, train, shapes)
        .loss(0, torch.Generator().manual_seed(1))
        .loss.item()
        for train in (source, resident)
    ]
    assert losses[0] == losses[1]
    assert np.array_equal(resident.queries.numpy(), np.asarray(source.queries))

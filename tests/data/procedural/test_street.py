import numpy as np
import pytest
import torch

from gen3d.data.procedural import Solid, make_shape
from gen3d.geometry.color import COLOUR_NAMES, nearest_basic_colour
from tests.data.procedural.crossings import named


@pytest.mark.parametrize("seed", range(4))
def test_traffic_lights_show_red_over_yellow_over_green(seed: int) -> None:
    shape = make_shape("traffic light", seed)
    lenses = [part for part in named(shape, "lights") if part.kind == "ellipsoid"][:3]
    lenses.sort(key=lambda part: -part.centre[1])
    fronts = np.array([part.centre for part in lenses])
    fronts[:, 2] += [part.params[2] for part in lenses]
    with torch.no_grad():
        colours = Solid(shape.parts).colour(torch.from_numpy(fronts.astype(np.float32)))
    names = [COLOUR_NAMES[int(i)] for i in nearest_basic_colour(colours.numpy())]
    assert names == ["red", "yellow", "green"]

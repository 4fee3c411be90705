import json

import numpy as np
import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import entries, line, named, reach


@pytest.mark.parametrize("seed", range(8))
def test_a_walk_along_a_fence_meets_as_many_pickets_as_are_told(seed: int) -> None:
    shape = make_shape("fence", seed)
    for word, told in json.loads(shape.attributes["counts"]).items():
        if word not in ("pickets", "bars"):
            continue
        box = reach(named(shape, word))
        y = box[0, 1] + 0.42 * (box[1, 1] - box[0, 1])
        z = named(shape, word)[0].centre[2]
        path = line((box[0, 0] - 0.03, y, z), (box[1, 0] + 0.03, y, z))
        assert entries(shape, path, closed=False) == told


@pytest.mark.parametrize("seed", range(4))
def test_wells_are_open_down_to_the_water(seed: int) -> None:
    shape = make_shape("well", seed)
    (water,) = named(shape, "water")
    top = float(np.asarray(water.centre)[1] + water.params[2])
    wall = reach(named(shape, "wall")[:1])
    x, _, z = water.centre
    # Beside the bucket, which hangs in the middle.
    aside = 0.75 * water.params[0]
    path = line((x, top + 0.02, z + aside), (x, float(wall[1, 1]), z + aside))
    assert entries(shape, path, closed=False) == 0
    across = (top + float(wall[1, 1])) / 2
    path = line((x, across, z - aside), (x, across, 1.0))
    assert entries(shape, path, closed=False) >= 1

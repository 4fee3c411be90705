import json

import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import entries, line, named, reach


@pytest.mark.parametrize("category", ["truck", "bus"])
@pytest.mark.parametrize("seed", range(4))
def test_each_side_touches_the_ground_on_half_of_the_wheels(category: str, seed: int) -> None:
    shape = make_shape(category, seed)
    told = json.loads(shape.attributes["counts"])["wheels"]
    wheels = named(shape, "wheels")
    ground = float(reach(wheels)[0, 1])
    x = wheels[0].centre[0]
    path = line((x, ground + 0.015, -1.0), (x, ground + 0.015, 1.0))
    assert entries(shape, path, closed=False) == told / 2

import json

import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import entries, line, named, reach


@pytest.mark.parametrize("seed", range(4))
def test_a_line_through_the_hubs_of_a_side_meets_half_of_the_wheels(seed: int) -> None:
    shape = make_shape("tank", seed)
    told = json.loads(shape.attributes["counts"])["wheels"]
    wheels = named(shape, "wheels")
    assert len(wheels) == told
    # Only the hubs stand out of the tracks.
    x, y = float(reach(wheels)[1, 0]) - 0.01, wheels[0].centre[1]
    assert entries(shape, line((x, y, -1.0), (x, y, 1.0)), closed=False) == told / 2


@pytest.mark.parametrize("seed", range(4))
def test_the_gun_looks_forward_out_of_the_turret(seed: int) -> None:
    shape = make_shape("tank", seed)
    gun, turret = reach(named(shape, "gun")), reach(named(shape, "turret"))
    assert gun[1, 2] > turret[1, 2]
    assert turret[0, 1] < gun[0, 1] < turret[1, 1]

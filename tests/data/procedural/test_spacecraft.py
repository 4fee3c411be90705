import json

import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import circle, entries, named, reach


@pytest.mark.parametrize("seed", range(4))
def test_a_rocket_stands_on_as_many_fins_as_are_told(seed: int) -> None:
    shape = make_shape("rocket", seed)
    told = json.loads(shape.attributes["counts"])["fins"]
    fin = named(shape, "fins")[0]
    x, _, z = fin.centre
    low, high = reach(named(shape, "fins"))[:, 1]
    around = circle(1, (x, low + 0.04 * (high - low), z), 0.97 * float(fin.outline[:, 0].max()))
    assert entries(shape, around, closed=True) == told


@pytest.mark.parametrize("seed", range(12))
def test_a_spaceship_has_as_many_glowing_nozzles_as_engines_are_told(seed: int) -> None:
    shape = make_shape("spaceship", seed)
    told = json.loads(shape.attributes["counts"])
    glows = [part for part in named(shape, "engines") if part.kind == "ellipsoid"]
    assert len({part.centre for part in glows}) == told.get("engines", 0)

import json

import numpy as np
import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import circle, entries, named


@pytest.mark.parametrize("seed", range(4))
def test_a_turn_of_the_rotor_meets_as_many_blades_as_are_told(seed: int) -> None:
    shape = make_shape("helicopter", seed)
    blade = named(shape, "blades")[0]
    half = blade.params[2]
    x, y, z = np.asarray(blade.centre) - half * blade.rotation[:, 2]
    told = json.loads(shape.attributes["counts"])["blades"]
    assert entries(shape, circle(1, (x, y, z), 1.6 * half), closed=True) == told

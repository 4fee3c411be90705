import json

import numpy as np
import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import circle, entries, named


@pytest.mark.parametrize("seed", range(5))
def test_a_turn_about_the_hub_meets_as_many_sails_as_are_told(seed: int) -> None:
    shape = make_shape("windmill", seed)
    spar = named(shape, "sails")[0]
    half = spar.params[0]
    x, y, z = np.asarray(spar.centre) - half * spar.rotation[:, 0]
    told = json.loads(shape.attributes["counts"])["sails"]
    assert entries(shape, circle(2, (x, y, z), 0.42 * half), closed=True) == told

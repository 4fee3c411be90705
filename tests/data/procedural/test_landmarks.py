import json

import numpy as np
import pytest
import torch

from gen3d.data.procedural import Solid, make_shape
from tests.data.procedural.crossings import entries, line, named, reach


@pytest.mark.parametrize("seed", range(4))
def test_a_church_has_as_many_windows_as_are_told(seed: int) -> None:
    shape = make_shape("church", seed)
    counts = json.loads(shape.attributes["counts"])
    pane = next(part for part in named(shape, "windows") if part.centre[0] > 0)
    x, y = pane.centre[0] + 0.5 * pane.params[0], pane.centre[1]
    along_the_nave = entries(shape, line((x, y, -1.0), (x, y, 1.0)), closed=False)
    in_front = "with a round window" in shape.attributes["features"]
    assert 2 * along_the_nave + in_front == counts["windows"]


@pytest.mark.parametrize("seed", range(4))
def test_a_castle_has_as_many_towers_as_are_told(seed: int) -> None:
    shape = make_shape("castle", seed)
    shafts = [
        part
        for part in named(shape, "towers")
        if (part.params[1] if part.kind == "box" else part.params[2]) > 0.15
    ]
    tops = np.array([reach([part])[1, 1] for part in shafts])
    centres = np.array([part.centre for part in shafts])
    points = np.stack([centres[:, 0], tops - 0.02, centres[:, 2]], 1)
    with torch.no_grad():
        field = Solid(shape.parts).field(torch.from_numpy(points.astype(np.float32)))
    assert bool((field > 0).all())
    assert len(shafts) == json.loads(shape.attributes["counts"])["towers"]

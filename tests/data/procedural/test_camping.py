import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import entries, line, reach


@pytest.mark.parametrize("seed", range(4))
def test_canoes_are_hollow(seed: int) -> None:
    shape = make_shape("canoe", seed)
    hull = reach(shape.parts[:1])
    middle = (hull[0] + hull[1]) / 2
    y = hull[0, 1] + 0.3 * (hull[1, 1] - hull[0, 1])
    z = middle[2] + 0.16 * (hull[1, 2] - middle[2])
    path = line((hull[0, 0] - 0.02, y, z), (hull[1, 0] + 0.02, y, z))
    assert entries(shape, path, closed=False) == 2

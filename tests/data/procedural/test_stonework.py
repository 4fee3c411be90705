import pytest

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import circle, entries, named


@pytest.mark.parametrize("seed", range(8))
def test_flutes_run_around_fluted_columns_only(seed: int) -> None:
    shape = make_shape("column", seed)
    (shaft,) = (part for part in named(shape, "shaft") if part.op == "add")
    fluted = "fluted" in shape.captions[1].split()
    assert fluted == (shaft.kind == "prism")
    if fluted:
        radius = float((shaft.outline**2).sum(1).max() ** 0.5)
        x, y, z = shaft.centre
        assert entries(shape, circle(1, (x, y, z), 0.93 * radius), closed=True) in (8, 10, 12)

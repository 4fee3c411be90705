import json

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import entries, line, named, reach


def test_trains_touch_the_ground_on_the_wheels_of_engine_and_wagons() -> None:
    seen = set()
    for seed in range(8):
        shape = make_shape("train", seed)
        counts = json.loads(shape.attributes["counts"])
        wheels = named(shape, "wheels")
        ground = float(reach(wheels)[0, 1])
        x = wheels[0].centre[0]
        path = line((x, ground + 0.01, -1.0), (x, ground + 0.01, 1.0))
        touching = entries(shape, path, closed=False)
        wagons = counts.get("wagons", 0)
        seen.add(wagons)
        # Engines have two or three axles, wagons two.
        assert touching - 2 * wagons in (2, 3)
        assert 2 * touching == counts.get("wheels", 2 * touching)
    assert seen == {0, 1, 2}

import json

from gen3d.data.procedural import make_shape
from tests.data.procedural.crossings import entries, line, reach


def test_arch_bridges_stand_on_one_pier_more_than_they_have_arches() -> None:
    told = []
    for seed in range(12):
        shape = make_shape("bridge", seed)
        arches = json.loads(shape.attributes["counts"]).get("arches")
        if arches is not None:
            low = float(reach([part for part in shape.parts if part.op == "add"])[0, 1])
            path = line((-1.0, low + 0.02, 0.0), (1.0, low + 0.02, 0.0))
            assert entries(shape, path, closed=False) == arches + 1
            told.append(arches)
    assert len(set(told)) >= 2

"""Prompts about parts, and how they are judged."""

import json
from pathlib import Path

import pytest

from gen3d.bench import part_asks
from gen3d.bench.part_asks import ColourAttribute, CountAttribute, make_part_asks
from gen3d.bench.part_judges import FEWEST
from gen3d.data.procedural import Shape
from gen3d.data.procedural.dataset import SPLIT_SEEDS
from gen3d.data.procedural.sketch import Sketch
from gen3d.geometry.color import BASIC_COLOURS
from gen3d.runtime.progress import NullProgress


def table(seed: int) -> Shape:
    """A red top on three legs or four, which are blue or green."""
    legs, colour = 3 + seed % 2, ("blue", "green")[seed // 2 % 2]
    sketch = Sketch()
    sketch.box((0, 1, 0), (2, 0.2, 2), BASIC_COLOURS["red"])
    with sketch.named("legs"):
        for i in range(legs):
            x, z = ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8))[i]
            sketch.cylinder((x, 0, z), (x, 1, z), 0.12 + 0.001 * (seed % 7), BASIC_COLOURS[colour])
    attributes = {"counts": json.dumps({"legs": legs}), "parts": json.dumps({"legs": colour})}
    return Shape("table", sketch.finish(), ("a table",), attributes, seed)


def test_half_the_prompts_count_and_half_paint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shapes(category: str, split: str, count: int) -> list[Shape]:
        return [table(SPLIT_SEEDS[split] + i) for i in range(count)]

    monkeypatch.setattr(part_asks, "true_shapes", shapes)
    asks = make_part_asks(
        6,
        split="val",
        categories=("table",),
        shapes=2 * FEWEST,
        cache=tmp_path,
        sink=NullProgress(),
    )
    counted = [ask for ask in asks if isinstance(ask.attribute, CountAttribute)]
    painted = [ask for ask in asks if isinstance(ask.attribute, ColourAttribute)]
    assert (len(counted), len(painted)) == (3, 3)
    assert {ask.text for ask in counted} == {"a table with three legs", "a table with four legs"}
    assert all(ask.text.endswith(f"table with {ask.colour} legs") for ask in painted)
    assert all(ask.attribute.ceiling == 1 for ask in asks)
    assert len({ask.seed for ask in asks}) == 6

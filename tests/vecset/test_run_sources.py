"""Sources of shapes as configs name them."""

import json
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from gen3d.data.shards import MixedShapes, ShardSet
from gen3d.errors import InputError
from gen3d.io import save
from gen3d.vecset.run_sources import ShapeSource
from gen3d.vecset.shape_data import check_shape_set, draw_batch
from tests.data.soups import box

PROCEDURAL = {"per_category": 1, "categories": ["mug"], "surface": 64, "queries": 64, "workers": 1}


def shards_of(folder: Path) -> dict:
    folder.mkdir()
    save(box((0, 0, 0), (1, 2, 3)), folder / "block.ply")
    (folder / "block.json").write_text(json.dumps({"caption": "a block", "category": "toy"}))
    return {"meshes": {"path": str(folder)}, "surface": 64, "queries": 64}


def test_a_mix_builds_its_parts_and_gives_batches(tmp_path: Path) -> None:
    shards = {"folder": str(tmp_path / "shards"), "shards": shards_of(tmp_path / "in")}
    procedural = {"folder": str(tmp_path / "made"), "procedural": PROCEDURAL}
    parts = [{"weight": 3, "source": procedural}, {"weight": 1, "source": shards}]
    source = ShapeSource.model_validate({"mix": parts})
    shapes = source.open()
    assert isinstance(shapes, MixedShapes)
    check_shape_set(shapes, points=32)
    assert shapes.captions[-1] == ["a block"]
    assert source.concepts() == ["mug", "toy"]
    batch = draw_batch(
        shapes,
        torch.Generator().manual_seed(0),
        batch_size=8,
        points=32,
        queries=16,
        near_fraction=0.5,
        colour_points=8,
        device=torch.device("cpu"),
    )
    assert batch.surface.shape == (8, 32, 9) and batch.inside.shape == (8, 16)
    # Opened again by folder alone, whatever lies in it.
    assert isinstance(ShapeSource(folder=tmp_path / "shards").open(), ShardSet)
    assert ShapeSource(folder=tmp_path / "made").open().categories == ["mug"]


def test_sources_must_be_one_thing(tmp_path: Path) -> None:
    for wrong in (
        {},
        {"folder": "x", "mix": [{"source": {"folder": "y"}}]},
        {"folder": "x", "procedural": PROCEDURAL, "shards": {"meshes": {"path": "y"}}},
        {"mix": [{"weight": 0, "source": {"folder": "y"}}]},
    ):
        with pytest.raises(ValidationError):
            ShapeSource.model_validate(wrong)
    with pytest.raises(InputError, match="neither shards nor procedural"):
        ShapeSource(folder=tmp_path).open()

"""Searching for a reward on the embedded model, small and quick."""

from pathlib import Path

import numpy as np
import pytest

from gen3d.api import reproduce, text_to_files
from gen3d.errors import InputError
from gen3d.io import read_record
from gen3d.io.images import save_png

QUICK = {"steps": 3, "resolution": 32, "device": "cpu", "search": "rbf", "budget": 24}


def test_a_search_is_recorded_and_made_again(tmp_path: Path) -> None:
    path, again = tmp_path / "a.glb", tmp_path / "again.glb"
    run = text_to_files("a chair", path, seed=5, reward="symmetric:2,stable", **QUICK)
    record = read_record(path)
    assert record is not None
    search = record["search"]
    assert (search["method"], search["budget"]) == ("rbf", 24)
    assert search["evaluations"] <= 24
    assert [term["name"] for term in search["rewards"]] == ["symmetric", "stable"]
    assert f"reward {search['reward']:.3f}" in run.summary(stages=False)[0]
    assert reproduce(path, again).identical
    assert again.read_bytes() == path.read_bytes()


def test_a_search_for_an_outline_needs_the_picture_again(tmp_path: Path) -> None:
    mask = np.zeros((32, 32, 4), np.uint8)
    mask[4:28, 10:22] = 255
    picture = tmp_path / "mask.png"
    save_png(mask, picture)
    path = tmp_path / "a.glb"
    text_to_files("a bottle", path, seed=5, reward=f"silhouette={picture}", **QUICK)
    moved = tmp_path / "elsewhere.png"
    picture.rename(moved)
    with pytest.raises(InputError, match=r"mask\.png"):
        reproduce(path, tmp_path / "again.glb")
    assert reproduce(path, tmp_path / "again.glb", images=[moved]).identical


def test_nothing_is_written_for_options_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.glb"
    with pytest.raises(InputError, match="unknown reward 'pretty'"):
        text_to_files("a chair", path, reward="pretty", **QUICK)
    with pytest.raises(InputError, match="--reward needs a search"):
        text_to_files("a chair", path, reward="symmetric")
    with pytest.raises(InputError, match="budget of at least"):
        text_to_files("a chair", path, steps=3, search="rbf", budget=5, reward="symmetric")
    assert not path.exists()

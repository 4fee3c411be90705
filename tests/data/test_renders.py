import json

import numpy as np
import pytest

from gen3d.data.mesh_sampling import PaintedMesh, paint
from gen3d.data.renders import CAMERAS_FILE, VIEWS_FILE, ViewConfig, ViewSet, build_views
from gen3d.data.view_render import ViewStyle
from gen3d.errors import InputError, ModelError
from gen3d.geometry.mesh import Mesh

STYLE = ViewStyle(size=24, supersample=1)
CONFIG = ViewConfig(views=2, style=STYLE, workers=1)


class Boxes:
    """Boxes of growing height; counts how often it is asked."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.count, self.fail_at, self.asked = count, fail_at, 0

    def __len__(self) -> int:
        return self.count

    def mesh(self, index: int) -> PaintedMesh:
        if index == self.fail_at:
            raise KeyboardInterrupt
        self.asked += 1
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
        corners *= (0.4, 0.3 + 0.002 * index, 0.2)
        quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
        faces = [f for a, b, c, d in quads for f in ((a, b, c), (a, c, d))]
        return paint(Mesh(corners, np.array(faces), colors=np.tile([0.8, 0.1, 0.1], (8, 1))))

    def fingerprint(self) -> str:
        return f"boxes-{self.count}"


def test_views_are_drawn_once_and_mapped(tmp_path):
    boxes = Boxes(3)
    views = build_views(CONFIG, boxes, tmp_path)
    assert views.images.shape == (3, 2, 24, 24, 4)
    assert views.azimuth_deg.shape == (3, 2)
    assert boxes.asked == 3
    again = build_views(CONFIG, boxes, tmp_path)
    assert boxes.asked == 3
    assert np.array_equal(views.images, again.images)
    assert len(ViewSet.open(tmp_path)) == 3


def test_other_settings_draw_anew(tmp_path):
    boxes = Boxes(2)
    first = np.array(build_views(CONFIG, boxes, tmp_path).images)
    second = build_views(CONFIG.model_copy(update={"seed": 1}), boxes, tmp_path)
    assert boxes.asked == 4
    assert not np.array_equal(first, second.images)


def test_interrupted_run_goes_on_where_it_was(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        build_views(CONFIG, Boxes(70, fail_at=66), tmp_path / "a")
    with pytest.raises(ModelError, match="no views"):
        ViewSet.open(tmp_path / "a")
    rest = Boxes(70)
    resumed = build_views(CONFIG, rest, tmp_path / "a")
    assert rest.asked == 70 - 64
    whole = build_views(CONFIG, Boxes(70), tmp_path / "b")
    assert np.array_equal(resumed.images, whole.images)
    same = [json.loads((tmp_path / name / CAMERAS_FILE).read_text()) for name in "ab"]
    assert same[0] == same[1]
    assert {p.name for p in (tmp_path / "a").iterdir()} == {VIEWS_FILE, CAMERAS_FILE}


def test_limit_takes_the_first_shapes(tmp_path):
    views = build_views(CONFIG.model_copy(update={"limit": 2}), Boxes(5), tmp_path)
    whole = build_views(CONFIG, Boxes(5), tmp_path / "all")
    assert np.array_equal(views.images, whole.images[:2])


def test_no_meshes_are_refused(tmp_path):
    with pytest.raises(InputError, match="no meshes"):
        build_views(CONFIG, Boxes(0), tmp_path)


def test_joined_sets_are_seen_one_after_the_other(tmp_path):
    first = build_views(CONFIG, Boxes(2), tmp_path / "a")
    second = build_views(CONFIG.model_copy(update={"seed": 4}), Boxes(3), tmp_path / "b")
    joined = ViewSet.joined([first, second])
    assert len(joined) == 5
    assert np.array_equal(joined.images[3, 1], second.images[1, 1])
    assert np.array_equal(joined.azimuth_deg[2:], second.azimuth_deg)
    smaller = build_views(CONFIG.model_copy(update={"views": 1}), Boxes(2), tmp_path / "c")
    with pytest.raises(InputError, match="differ"):
        ViewSet.joined([first, smaller])


def test_processes_draw_what_one_does(tmp_path):
    alone = build_views(CONFIG, Boxes(3), tmp_path / "a")
    shared = build_views(CONFIG.model_copy(update={"workers": 2}), Boxes(3), tmp_path / "b")
    assert np.array_equal(alone.images, shared.images)

"""The library of shape programs: every category, on a few seeds."""

import json

import numpy as np
import pytest
import torch

from gen3d.data.procedural import CATEGORIES, Solid, make_shape, sample_shape
from gen3d.data.procedural.dataset import ProceduralDataConfig, ShapeSet, build_shape_set
from gen3d.data.procedural.meshes import ProceduralMeshes
from gen3d.data.procedural.palette import TONES, Palette
from gen3d.errors import InputError, ModelError
from gen3d.geometry.color import BASIC_COLOURS, COLOUR_NAMES, nearest_basic_colour

SEED = 5_000_000


def test_there_are_at_least_twenty_categories() -> None:
    assert len(CATEGORIES) >= 20


@pytest.mark.parametrize("category", CATEGORIES)
def test_samples_tell_the_truth(category: str) -> None:
    shape = make_shape(category, SEED)
    samples = sample_shape(shape, surface=256, queries=512)
    points, normals = samples.surface[:, :3], samples.surface[:, 3:6]
    assert samples.surface.isfinite().all()
    assert points.abs().max() <= 0.97
    assert ((normals.norm(dim=1) - 1).abs() < 1e-3).all()
    assert ((samples.surface[:, 6:] >= 0) & (samples.surface[:, 6:] <= 1)).all()
    solid = Solid(shape.parts)
    assert solid.field(points).abs().max() < 3e-3
    # Outside is where the normal points, but in creases the next part may be nearer.
    assert (solid.field(points + 0.01 * normals) < 0).float().mean() > 0.7
    assert (solid.field(points - 0.01 * normals) > 0).float().mean() > 0.9
    assert torch.equal(solid.field(samples.queries) > 0, samples.inside)
    names = nearest_basic_colour(samples.surface[:, 6:].numpy())
    shares = np.bincount(names, minlength=len(COLOUR_NAMES))
    assert COLOUR_NAMES[int(shares.argmax())] == shape.attributes["colour"]


def test_rivals_lend_half_of_the_near_queries_and_labels_stay_true() -> None:
    shape, rivals = make_shape("chair", 5), [make_shape("chair", s) for s in (6, 7)]
    plain = sample_shape(shape, surface=256, queries=512)
    samples = sample_shape(shape, surface=256, queries=512, rivals=rivals)
    assert torch.equal(samples.surface, plain.surface)
    assert torch.equal(samples.queries[:128], plain.queries[:128])
    assert torch.equal(samples.queries[256:], plain.queries[256:])
    lent = samples.queries[128:256]
    for rival, points in zip(rivals, lent.split(64), strict=True):
        assert Solid(rival.parts).field(points).abs().median() < 0.05
    assert torch.equal(Solid(shape.parts).field(samples.queries) > 0, samples.inside)


def test_shapes_are_reproducible_and_differ() -> None:
    a, b, c = make_shape("chair", 1), make_shape("chair", 1), make_shape("chair", 2)
    assert a.captions == b.captions
    assert torch.equal(sample_shape(a, surface=64).surface, sample_shape(b, surface=64).surface)
    assert a.parts[0].params != c.parts[0].params


def test_captions_name_the_object_and_its_colour() -> None:
    for category in CATEGORIES:
        shape = make_shape(category, 11)
        assert len(shape.captions) == 8
        assert shape.attributes["noun"] in shape.captions[0]
        assert all(caption == " ".join(caption.split()) for caption in shape.captions)


def test_tones_belong_to_their_names() -> None:
    palette = Palette(np.random.default_rng(0))
    names = list(BASIC_COLOURS)
    for tone in TONES:
        assert names[int(nearest_basic_colour(np.array([tone.rgb]))[0])] == tone.name, tone.phrase
        jittered = np.array([palette.jitter(tone.rgb) for _ in range(50)])
        hits = [names[int(i)] == tone.name for i in nearest_basic_colour(jittered)]
        assert np.mean(hits) > 0.9, tone.phrase


def test_unknown_category_is_refused() -> None:
    with pytest.raises(InputError, match="unknown category"):
        make_shape("unicorn", 0)


def test_folder_round_trip_and_reuse(tmp_path) -> None:
    config = ProceduralDataConfig(
        split="val", per_category=2, categories=("chair",), surface=32, queries=64, workers=1
    )
    built = build_shape_set(config, tmp_path / "set")
    assert built.surface.shape == (2, 32, 9)
    assert built.near_count == 32
    again = build_shape_set(config, tmp_path / "set")
    assert np.array_equal(built.inside, again.inside)
    assert again.categories == ["chair", "chair"]
    assert [row["colour"] for row in again.attributes] == again.colours
    meta = tmp_path / "set" / "meta.json"
    before = json.loads(meta.read_text())
    del before["config"]["rivals"]  # written before that setting existed
    meta.write_text(json.dumps(before))
    stamp = meta.stat().st_mtime_ns
    build_shape_set(config, tmp_path / "set")
    assert meta.stat().st_mtime_ns == stamp
    meta.unlink()
    with pytest.raises(ModelError, match="no shape set"):
        ShapeSet.open(tmp_path / "set")


def test_a_folder_from_before_the_library_grew_is_made_anew(tmp_path) -> None:
    config = ProceduralDataConfig(
        split="val", per_category=1, categories=("chair",), surface=32, queries=64, workers=1
    )
    build_shape_set(config, tmp_path)
    meta = tmp_path / "meta.json"
    stored = json.loads(meta.read_text())
    stored["config"]["categories"] = []
    meta.write_text(json.dumps(stored))
    build_shape_set(config, tmp_path)
    assert json.loads(meta.read_text())["config"]["categories"] == ["chair"]


def test_folders_can_share_a_split(tmp_path) -> None:
    def build(name: str, **changes: int) -> ShapeSet:
        config = ProceduralDataConfig(
            split="val", categories=("mug",), surface=64, queries=64, workers=1, **changes
        )
        return build_shape_set(config, tmp_path / name)

    whole, second = build("whole", per_category=2), build("second", per_category=1, first=1)
    assert np.array_equal(whole.surface[1], second.surface[0])
    assert ProceduralMeshes.of_folder(tmp_path / "second").seeds == [1_000_001]

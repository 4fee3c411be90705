"""Shards: bytes, mapping, mixtures."""

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gen3d.data.rows import JoinedRows, StackedRows
from gen3d.data.shard_files import ShardSample, map_shard, write_shard
from gen3d.data.shards import MixedShapes, ShardSet
from gen3d.errors import FormatError, InputError
from gen3d.vecset.shape_data import check_shape_set, draw_shapes, gather


def sample(number: int, points: int = 6) -> ShardSample:
    rng = np.random.default_rng(number)
    return ShardSample(
        f"thing-{number}",
        rng.normal(size=(points, 9)).astype(np.float16),
        rng.normal(size=(8, 3)).astype(np.float16),
        rng.uniform(size=8) < 0.5,
        {"captions": [f"a thing {number}", "ä thing"], "category": "thing", "near_count": 4},
    )


def shard_set(folder: Path, first: int, count: int) -> ShardSet:
    folder.mkdir()
    for start in range(first, first + count, 2):
        members = [sample(i) for i in range(start, min(start + 2, first + count))]
        write_shard(folder / f"shapes-{start:05d}.tar", members)
    return ShardSet.open(folder)


def test_a_shard_comes_back_as_it_was(tmp_path: Path) -> None:
    written = [sample(0), sample(1)]
    write_shard(tmp_path / "a.tar", written)
    for was, found in zip(written, map_shard(tmp_path / "a.tar"), strict=True):
        assert (found.key, found.about) == (was.key, was.about)
        for name in ("surface", "queries", "inside"):
            assert np.array_equal(getattr(found, name), getattr(was, name))
            assert not getattr(found, name).flags.owndata


def test_equal_samples_give_equal_bytes(tmp_path: Path) -> None:
    digests = []
    for name in ("a.tar", "b.tar"):
        write_shard(tmp_path / name, [sample(0), sample(1)])
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it leaves files to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_our_shards(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    write_shard(tmp_path / "a.tar", [sample(3)])
    urls = [str(tmp_path / "a.tar")]
    (found,) = webdataset.WebDataset(urls, shardshuffle=False).decode()
    assert found["__key__"] == "thing-3"
    assert np.array_equal(found["surface.npy"], sample(3).surface)
    assert found["json"]["captions"][0] == "a thing 3"


@pytest.mark.parametrize(
    "content", [b"", b"no tar at all" * 99, None], ids=["empty", "text", "cut"]
)
def test_damaged_shards_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.tar"
    write_shard(path, [sample(0)])
    path.write_bytes(path.read_bytes()[:700] if content is None else content)
    with pytest.raises(FormatError, match=r"a\.tar is no shard of shapes"):
        map_shard(path)


def test_foreign_tars_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "x.txt", "x.txt")
    with pytest.raises(FormatError, match="no shard"):
        map_shard(tmp_path / "a.tar")


def test_a_set_is_indexed_like_an_array(tmp_path: Path) -> None:
    shapes = shard_set(tmp_path / "a", 0, 5)
    dense = np.stack([sample(i).surface for i in range(5)])
    check_shape_set(shapes, points=6)
    assert shapes.surface.shape == dense.shape and shapes.near_count == 4
    assert np.array_equal(shapes.surface[3], dense[3])
    assert np.array_equal(shapes.surface[1:4], dense[1:4])
    assert np.array_equal(shapes.surface[:, :2, :3], dense[:, :2, :3])
    assert np.array_equal(shapes.surface[..., 6:9], dense[..., 6:9])
    assert np.array_equal(np.asarray(shapes.surface), dense)
    index, points = torch.tensor([4, 0, 4]), torch.tensor([5, 1])
    found = gather(shapes.surface, index, points)
    assert torch.equal(found, gather(dense, index, points))


def test_sets_of_other_sizes_or_without_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no shards in"):
        ShardSet.open(tmp_path)
    write_shard(tmp_path / "a.tar", [sample(0), replace(sample(1, points=7))])
    with pytest.raises(FormatError, match="differ in the number of points"):
        ShardSet.open(tmp_path)


def test_a_mix_keeps_the_shares_in_every_batch(tmp_path: Path) -> None:
    mixed = MixedShapes([shard_set(tmp_path / "a", 0, 4), shard_set(tmp_path / "b", 10, 2)], (3, 1))
    assert len(mixed) == 6 and mixed.captions[4][0] == "a thing 10"
    assert np.array_equal(mixed.surface[5], sample(11).surface)
    seen = np.zeros(6, int)
    for seed in range(40):
        index = mixed.draw(16, torch.Generator().manual_seed(seed))
        assert int((index >= 4).sum()) == 4
        seen += np.bincount(index.numpy(), minlength=6)
    assert seen.min() > 40


def test_mixes_of_different_sizes_are_refused(tmp_path: Path) -> None:
    one = shard_set(tmp_path / "a", 0, 2)
    other = replace(one, near_count=5)
    with pytest.raises(InputError, match="differ in points and queries"):
        MixedShapes([one, other], (1, 1))
    with pytest.raises(InputError, match="weights above 0"):
        MixedShapes([one], (0,))


def test_a_mix_is_drawn_by_its_weights_and_a_set_evenly(tmp_path: Path) -> None:
    shapes = shard_set(tmp_path / "a", 0, 4)
    mixed = MixedShapes([shapes, shapes], (1, 2))
    index = draw_shapes(mixed, 300, torch.Generator().manual_seed(5))
    assert int((index >= 4).sum()) == 200
    index = draw_shapes(shapes, 400, torch.Generator().manual_seed(5))
    assert np.bincount(index.numpy(), minlength=4).min() > 70


def test_rows_of_several_arrays_join() -> None:
    one, other = np.arange(6).reshape(3, 2), np.arange(100, 104).reshape(2, 2)
    rows = StackedRows(JoinedRows([one, other]))
    both = np.concatenate([one, other])
    assert np.array_equal(rows[np.array([4, 0])], both[[4, 0]])
    assert np.array_equal(rows[-1], both[-1])
    assert np.array_equal(rows[both[:, 0] > 3], both[both[:, 0] > 3])
    assert rows[5:].shape == (0, 2)

"""The main job on the embedded model, small and quick."""

import json
from pathlib import Path

import pytest
import trimesh

import gen3d
from gen3d.api import reproduce, text_to_files
from gen3d.errors import FormatError, InputError, OutputError
from gen3d.io import load_mesh, read_record

QUICK = {"steps": 2, "resolution": 32, "device": "cpu"}


@pytest.mark.parametrize("extension", ["glb", "obj", "stl", "ply"])
def test_every_format_opens_again(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"chair.{extension}"
    run = text_to_files("a wooden chair", path, seed=3, **QUICK)
    assert run.paths == (path,)
    assert len(load_mesh(path).faces) == run.results[0].report.faces
    assert len(trimesh.load_mesh(path).faces) > 0


def test_same_seed_same_bytes_and_reproduce(tmp_path: Path) -> None:
    a, b, c, again = (tmp_path / f"{name}.glb" for name in ("a", "b", "c", "again"))
    text_to_files("a red mug", a, seed=5, **QUICK)
    text_to_files("a red mug", b, seed=5, **QUICK)
    text_to_files("a red mug", c, seed=6, **QUICK)
    assert a.read_bytes() == b.read_bytes()
    assert a.read_bytes() != c.read_bytes()
    assert reproduce(a, again).identical
    assert again.read_bytes() == a.read_bytes()


def test_record_holds_everything_but_times(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    run = text_to_files("a red mug", path, **QUICK)
    record = read_record(path)
    assert record is not None
    assert record["seed"] == run.seeds[0]
    assert record["prompt"] == "a red mug"
    assert not any("time" in key or key.endswith("_s") for key in json.dumps(record).split('"'))
    assert set(run.figures()["items"][0]["timings_s"]) >= {"sample", "decode"}


def test_variants_have_numbers_and_seeds_of_their_own(tmp_path: Path) -> None:
    run = text_to_files("a dog", tmp_path / "dog.ply", seed=1, count=2, **QUICK)
    assert [path.name for path in run.paths] == ["dog-1.ply", "dog-2.ply"]
    assert run.seeds[0] == 1
    assert run.seeds[1] != 1
    alone = text_to_files("a dog", tmp_path / "alone.ply", seed=run.seeds[1], **QUICK)
    assert alone.paths[0].read_bytes() == run.paths[1].read_bytes()


def test_face_budget_is_met_and_reported(tmp_path: Path) -> None:
    settings = {**QUICK, "steps": 8, "resolution": 64}
    run = text_to_files("a red mug", tmp_path / "a.glb", seed=3, faces=1000, **settings)
    report = run.results[0].report
    assert report.faces_asked == 1000
    assert report.faces <= 1050
    assert len(load_mesh(run.paths[0]).faces) == report.faces
    assert any("asked 1000" in line for line in run.summary(stages=True))


def test_far_prompt_gets_an_honest_warning(tmp_path: Path) -> None:
    far = text_to_files("a quantum physics lecture", tmp_path / "a.glb", seed=1, **QUICK)
    assert any("not trained on" in line for line in far.warnings)
    near = text_to_files("a wooden chair", tmp_path / "b.glb", seed=1, **QUICK)
    assert not any("not trained on" in line for line in near.warnings)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"prompt": "   "}, InputError),
        ({"prompt": "chair " * 10_000}, InputError),
        ({"out": "a.xyz"}, FormatError),
        ({"out": "missing/a.glb"}, OutputError),
        ({"count": 0}, InputError),
        ({"seed": -1}, InputError),
        ({"steps": 0}, InputError),
        ({"guidance": float("nan")}, InputError),
        ({"resolution": 8}, InputError),
        ({"resolution": 1024}, InputError),
        ({"faces": 3}, InputError),
        ({"device": "abacus"}, InputError),
    ],
)
def test_bad_input_writes_nothing(tmp_path: Path, change: dict, error: type[Exception]) -> None:
    arguments = {"prompt": "a mug", "out": "a.glb", "seed": 1, **QUICK, **change}
    prompt, out = arguments.pop("prompt"), tmp_path / arguments.pop("out")
    with pytest.raises(error):
        text_to_files(prompt, out, **arguments)
    assert not list(tmp_path.iterdir())


def test_reproduce_refuses_a_file_without_record(tmp_path: Path) -> None:
    trimesh.creation.box().export(tmp_path / "box.ply")
    with pytest.raises(InputError, match="no record"):
        reproduce(tmp_path / "box.ply", tmp_path / "again.ply")


def test_public_api_makes_and_saves(tmp_path: Path) -> None:
    model = gen3d.load("mini", device="cpu")
    result = model.text_to_3d("a mug", seed=1, steps=2, resolution=32)
    result.save(tmp_path / "mug.glb")
    assert result.mesh.colors is not None
    low, high = result.mesh.bounds
    assert (high - low).max() == pytest.approx(1.0, abs=1e-5)
    assert abs(low + high).max() < 1e-5

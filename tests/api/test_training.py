"""Training runs from YAML, end to end on tiny sizes."""

from pathlib import Path

import pytest

from gen3d.api import load, run_training
from gen3d.api.training import read_settings, validated
from gen3d.errors import InputError
from gen3d.vecset.checkpoints import DIT_FILE
from gen3d.vecset.image_runs import ImageRun
from gen3d.vecset.runs import FlowRun, VAERun
from gen3d.vecset.students import STUDENT_FILE

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("vecset/*.yaml")), ids=lambda p: p.stem)
def test_shipped_configs_are_valid(path: Path) -> None:
    assert validated(read_settings(path), path).trainer.output


SIZES = ("cpu", "gpu", "cluster")
RECIPE = ("vae", "image", "dit", "dit-image")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", RECIPE)
def test_every_size_of_the_recipe_is_valid(name: str, size: str) -> None:
    path = CONFIGS / "vecset" / f"{name}.yaml"
    run = validated(read_settings(path, size=size), path)
    assert run.trainer.device == ("cpu" if size == "cpu" else "cuda")
    plain = validated(read_settings(path), path)
    assert (run.trainer.output == plain.trainer.output) == (size == "cpu")


@pytest.mark.parametrize("size", [None, *SIZES])
def test_runs_of_one_size_fit_each_other(size: str | None) -> None:
    vae, image, *flows = (
        validated(read_settings(CONFIGS / "vecset" / f"{name}.yaml", size=size)) for name in RECIPE
    )
    assert isinstance(vae, VAERun) and isinstance(image, ImageRun)
    for flow in flows:
        assert isinstance(flow, FlowRun)
        assert flow.model.latent_dim == vae.model.latent_dim
        assert (flow.model.num_latents or 0) <= vae.model.num_latents
        assert flow.vae == image.vae
        if size in ("gpu", "cluster"):
            assert flow.vae.parent == vae.trainer.output
            assert flow.image is None or flow.image.encoder.parent == image.trainer.output
    if size == "gpu":  # all are made from one folder of shapes
        assert len({run.data.train.model_dump_json() for run in (vae, image, *flows)}) == 1


def test_a_size_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("a: {b: 1, c: 2}\nd: 3\nsizes: {large: {a: {c: 5}, e: [1]}}\n")
    assert read_settings(path) == {"a": {"b": 1, "c": 2}, "d": 3}
    assert read_settings(path, size="large") == {"a": {"b": 1, "c": 5}, "d": 3, "e": [1]}
    assert read_settings(path, ["a.c=7"], size="large")["a"]["c"] == 7
    with pytest.raises(InputError, match="no size 'huge'") as caught:
        read_settings(path, size="huge")
    assert "large" in str(caught.value.hint)


def test_runs_that_share_no_batches_refuse_torchrun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    path = tmp_path / "run.yaml"
    path.write_text("kind: text")
    with pytest.raises(InputError, match="for one process, but torchrun started 2"):
        run_training(path)


def test_text_config_is_valid() -> None:
    from gen3d.conditioning.distill import read_config

    assert read_config(read_settings(CONFIGS / "conditioning" / "text.yaml")).steps > 0


def test_tiny_runs_make_a_model_that_loads(tmp_path: Path) -> None:
    source = "{folder: %s, procedural: {split: %s, per_category: 4, categories: [chair, mug], "
    source += "surface: 64, queries: 64, workers: 1}}"
    data = [
        f"data.train={source % (tmp_path / 'train', 'train')}",
        f"data.held_out={source % (tmp_path / 'val', 'val')}",
        "trainer.max_minutes=null",
        "trainer.steps=3",
        "trainer.validate_every=0",
        "trainer.threads=null",
    ]
    vae = run_training(
        CONFIGS / "vecset" / "vae.yaml",
        [
            *data,
            f"trainer.output={tmp_path / 'vae'}",
            "objective={batch_size: 2, points: 16, queries: 16, colour_points: 8}",
        ],
    )
    assert vae.output.is_file()
    assert 0 <= vae.figures["vae_iou"] <= 1
    dit = run_training(
        CONFIGS / "vecset" / "dit.yaml",
        [
            *data,
            f"vae={vae.output}",
            f"trainer.output={tmp_path / 'dit'}",
            "objective={batch_size: 4, encode_points: 32}",
        ],
    )
    assert load(str(dit.output), device="cpu").resolve().steps > 0
    lightning = run_training(
        CONFIGS / "vecset" / "lightning.yaml",
        [
            *data,
            f"base={dit.output}",
            f"trainer.output={tmp_path / 'lightning'}",
            "objective={batch_size: 2, encode_points: 32, queries: 16}",
        ],
    )
    assert load(str(lightning.output), device="cpu").vae.config.geometry.width == 96
    assert lightning.figures["mac_ratio"] < 0.25
    trajectories = [
        f"base={dit.output}",
        f"pairs={tmp_path / 'pairs'}",
        "trajectories={count: 4, knots: [1.0, 0.6, 0.0], steps: 5}",
        "held_out_count=2",
        "trainer.steps=1",
    ]
    first = [*data, *trajectories, f"trainer.output={tmp_path / 's1'}", "objective.batch_size=2"]
    with pytest.raises(InputError, match="no fitted solver for so many"):
        run_training(CONFIGS / "vecset" / "distill.yaml", first)
    student = run_training(CONFIGS / "vecset" / "distill.yaml", [*first, "default_steps=2"])
    assert load(str(student.output), device="cpu").resolve().steps == 2
    made = student.output / STUDENT_FILE
    assert made.stat().st_size < 0.6 * (student.output / DIT_FILE).stat().st_size
    on = run_training(
        CONFIGS / "vecset" / "distill-consistency.yaml",
        [
            *data,
            *trajectories,
            f"student={made}",
            f"trainer.output={tmp_path / 's2'}",
            "objective.batch_size=2",
            "objective.how.real_shapes=2",
        ],
        kinds=("vecset-distill",),
    )
    assert on.figures["error"] > 0


def test_wrong_key_is_named(tmp_path: Path) -> None:
    path = CONFIGS / "vecset" / "vae.yaml"
    with pytest.raises(InputError, match=r"model\.widht"):
        validated(read_settings(path, ["model.widht=3"]), path)


@pytest.mark.parametrize("text", ["[1, 2]", "kind: nonsense", "a: [", ""])
def test_malformed_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(InputError):
        run_training(tmp_path / "run.yaml")


def test_change_without_value_is_refused() -> None:
    with pytest.raises(InputError, match="no '='"):
        read_settings(CONFIGS / "vecset" / "vae.yaml", ["model.width"])

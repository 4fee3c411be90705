"""Training runs of the upsampling network from YAML, end to end on tiny sizes."""

import json
from pathlib import Path

import pytest
import torch

from gen3d.api.training import read_settings, run_training, validated
from gen3d.errors import ModelError
from gen3d.upsampling.checkpoints import load_upsampler
from gen3d.upsampling.config import RINConfig
from gen3d.upsampling.rin import RIN
from gen3d.upsampling.runs import FlowRun

CONFIGS = Path(__file__).parents[2] / "configs" / "upsampling"
TINY = "{dense_points: 64, candidates: 2, clouds: 1, patches: 2, patch_points: 24}"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_configs_are_valid(path: Path) -> None:
    assert validated(read_settings(path), path).kind.startswith("upsampling-")


def test_shipped_model_is_the_default_one() -> None:
    run = validated(read_settings(CONFIGS / "stage1.yaml"))
    assert isinstance(run, FlowRun) and run.model == RINConfig()


def test_three_stages_make_a_model_that_loads(tmp_path: Path) -> None:
    def source(split: str) -> str:
        shapes = f"{{procedural: {{split: {split}, per_category: 1, categories: [mug, bowl]}}}}"
        make = f"{{shapes: {shapes}, cutting: {TINY}, workers: 1}}"
        return f"{{folder: {tmp_path / split}, make: {make}}}"

    common = [
        f"data.train={source('train')}",
        f"data.held_out={source('val')}",
        "objective.batch_size=2",
        "trainer.max_minutes=null",
        "trainer.steps=2",
        "trainer.validate_every=0",
        "trainer.threads=null",
        "trainer.precision=32-true",
    ]
    model = "{width: 16, latents: 4, blocks: 1, computes: 1, global_count: 3, "
    model += "local: {neighbours: 5, width: 4, scales: [5]}}"
    one = run_training(
        CONFIGS / "stage1.yaml",
        [*common, f"model={model}", f"trainer.output={tmp_path / 'one'}"],
    )
    two = run_training(
        CONFIGS / "stage2.yaml",
        [*common, f"start={one.output}", f"trainer.output={tmp_path / 'two'}"],
    )
    assert two.figures["chamfer_ratio"] > 0
    three = run_training(
        CONFIGS / "stage3.yaml",
        [
            f"model={two.output}",
            f"data={source('val')}",
            "batches.validation_patches=2",
            "times=5",
            f"output={tmp_path / 'three'}",
        ],
    )
    upsampler = load_upsampler(three.output)
    assert isinstance(upsampler.network, RIN) and upsampler.curve is not None
    written = json.loads((tmp_path / "three" / "schedule.json").read_text())
    assert written["losses"] == list(upsampler.curve.losses) and len(written["times"]) == 5
    assert len(upsampler.times(3)) == 4
    on = run_training(
        CONFIGS / "stage1.yaml",
        [*common, f"start={three.output}", f"trainer.output={tmp_path / 'on'}"],
    )
    with torch.no_grad():
        velocity, _ = load_upsampler(on.output).network(torch.rand(1, 9, 3), torch.ones(1), None)
    assert velocity.shape == (1, 9, 3)
    with pytest.raises(ModelError, match="there is no weights file"):
        run_training(CONFIGS / "stage3.yaml", [f"model={tmp_path / 'none.safetensors'}"])

"""What tuning for a reward brought: a tuned model against the model that it came from.

Prompts are captions of the test split, both models start from equal noise. The gap is that between
the base's mean reward and the mean, over prompts, of its best of 16 samples.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from gen3d.api.models import CARD, TUNED_FOR, load_text_model
from gen3d.bench.rows import Row, Rows
from gen3d.data.procedural.dataset import ProceduralDataConfig, build_shape_set
from gen3d.data.procedural.recognise import Recogniser
from gen3d.errors import InputError
from gen3d.io.files import read_bytes
from gen3d.rewards.reward import load_rewards, parse_rewards
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.policy_study import Appraiser, PolicyMeasure, PolicyStudy, make_prompts

_REFERENCES = ProceduralDataConfig.model_validate(
    {"split": "train", "per_category": 20, "queries": 16}
)
_RESAMPLES = 1000


def measure_tuned(
    tuned: Path | str,
    rows: Rows,
    *,
    base: str = "mini",
    reward: str | None = None,
    per_category: int = 2,
    members: int = 16,
    steps: int = 8,
    resolution: int = 32,
    split: str = "test",
    progress: ProgressSink | None = None,
) -> Row:
    """Measure a tuned model.

    Args:
        tuned: Folder that ``gen3d tune`` made.
        rows: Keeps what was measured, prompt by prompt.
        base: The model that it was tuned from.
        reward: What to reward; by default what it was tuned for.
        per_category: Prompts of each category.
        members: Samples per prompt.
        steps: Sampling steps; guidance is the base's default.
        resolution: Grid cells per axis at which rewards are taken.
        split: Whose captions are used.
        progress: Where to report.

    Returns:
        ``gap_closed`` with its bootstrap interval over prompts (``gap_low``, ``gap_high``: 95 %),
        ``tune_accuracy_drop``, and the rewards and accuracies that they come from.

    Raises:
        ModelError: A model is missing or damaged.
        InputError: The reward is unknown, or the model does not say what it was tuned for.
    """
    sink = progress or NullProgress()
    reward = reward or _tuned_for(Path(tuned))
    references = build_shape_set(_REFERENCES, rows.folder / "shapes-references", sink)
    recogniser = Recogniser.from_shapes(references)
    settings = {
        "reward": reward,
        "members": members,
        "steps": steps,
        "resolution": resolution,
        "split": split,
    }
    measures = []
    for model in (str(tuned), base):
        pipeline = load_text_model(model)
        appraiser = Appraiser(pipeline.vae, load_rewards(parse_rewards(reward)), resolution)
        study = PolicyStudy(
            appraiser,
            make_prompts(
                pipeline.text,
                split=split,
                per_category=per_category,
                categories=pipeline.categories,
            ),
            members=members,
            sampling=pipeline.sampling.model_copy(update={"steps": steps}),
            recogniser=recogniser,
        )
        measures.append(_measure(study, pipeline, rows, settings, sink))
    ours, theirs = measures
    low, high = _interval(ours, theirs)
    return {**ours.figures(theirs), "gap_low": low, "gap_high": high}


def _tuned_for(folder: Path) -> str:
    reward = json.loads(read_bytes(folder / CARD)).get(TUNED_FOR)
    if reward is None:
        raise InputError(f"{folder / CARD} names no reward", hint="make the folder by gen3d tune")
    return reward


def _measure(
    study: PolicyStudy,
    pipeline: VecsetPipeline,
    rows: Rows,
    settings: dict[str, object],
    sink: ProgressSink,
) -> PolicyMeasure:
    count = len(study.prompts.numbers)
    sink.stage_started(f"rewards of {pipeline.name}", count)
    parts = []
    for number in range(count):
        key = {**settings, "prompt": number, "files": pipeline.undistilled_fingerprint}

        def measure(number: int = number) -> Row:
            return _as_row(study.measure_prompt(pipeline.dit, number))

        parts.append(_from_row(rows.get("tune", key, measure)))
        sink.advance()
    sink.stage_finished()
    return PolicyMeasure.joined(parts)


def _as_row(measure: PolicyMeasure) -> Row:
    assert measure.right is not None
    rewards = {f"reward {i}": value for i, value in enumerate(measure.rewards[0].tolist())}
    right = {f"right {i}": float(value) for i, value in enumerate(measure.right[0].tolist())}
    return rewards | right


def _from_row(row: Row) -> PolicyMeasure:
    count = len(row) // 2
    rewards = torch.tensor([[row[f"reward {i}"] for i in range(count)]])
    right = torch.tensor([[row[f"right {i}"] > 0 for i in range(count)]])
    return PolicyMeasure(rewards, right)


def _interval(ours: PolicyMeasure, theirs: PolicyMeasure) -> tuple[float, float]:
    """Return the 95 % interval of the closed gap when prompts are drawn again."""
    count = len(ours.rewards)
    generator = make_generator(0)
    gaps = []
    for _ in range(_RESAMPLES):
        chosen = torch.randint(count, (count,), generator=generator)
        base = PolicyMeasure(theirs.rewards[chosen], None)
        gaps.append(PolicyMeasure(ours.rewards[chosen], None).figures(base)["gap_closed"])
    low, high = torch.tensor(gaps).quantile(torch.tensor([0.025, 0.975])).tolist()
    return low, high

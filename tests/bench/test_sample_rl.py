"""What tuning brought, measured on small sizes."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from gen3d.api.models import CARD, EMBEDDED, TUNED_FOR
from gen3d.bench import sample_rl
from gen3d.bench.rows import Row, Rows
from gen3d.bench.sample_rl import measure_tuned
from gen3d.data.procedural.dataset import ProceduralDataConfig
from gen3d.errors import InputError
from gen3d.vecset.policy_study import PolicyMeasure


def measure(folder: Path, rows: Rows) -> Row:
    return measure_tuned(folder, rows, per_category=1, members=2, steps=1, resolution=8)


@pytest.fixture
def few_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    make_prompts = sample_rl.make_prompts

    def first(*args, **options):
        prompts = make_prompts(*args, **options)
        return type(prompts)(prompts.table, prompts.numbers[:2], prompts.categories[:2])

    monkeypatch.setattr(sample_rl, "make_prompts", first)
    config = {"per_category": 1, "queries": 16, "surface": 256, "workers": 1}
    references = ProceduralDataConfig.model_validate(config)
    monkeypatch.setattr(sample_rl, "_REFERENCES", references)


def test_model_that_was_not_changed_closes_no_gap(tmp_path: Path, few_prompts: None) -> None:
    copy = tmp_path / "model"
    shutil.copytree(EMBEDDED["mini"], copy)
    card = json.loads((copy / CARD).read_text()) | {TUNED_FOR: "compact"}
    (copy / CARD).write_text(json.dumps(card))
    rows = Rows(tmp_path / "rows")
    row = measure(copy, rows)
    assert row["gap_closed"] == row["tune_accuracy_drop"] == 0
    assert row["base_reward_best"] > row["base_reward_mean"] > 0
    # Equal files are one row: nothing is measured twice.
    assert len(list(rows.folder.glob("tune-*.json"))) == 2
    assert measure(copy, rows) == row


def test_model_that_names_no_reward_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no reward"):
        measure_tuned(EMBEDDED["mini"], Rows(tmp_path))


def test_interval_holds_the_measured_gap_and_shrinks_to_it_without_spread() -> None:
    rewards = torch.rand(12, 4, generator=torch.Generator().manual_seed(0))
    base = PolicyMeasure(rewards, None)
    gain = 0.2 * torch.rand(12, 1, generator=torch.Generator().manual_seed(1))
    tuned = PolicyMeasure(rewards + gain, None)
    low, high = sample_rl._interval(tuned, base)
    assert low < tuned.figures(base)["gap_closed"] < high
    same = PolicyMeasure(rewards[:1].expand(5, 4), None)
    shifted = PolicyMeasure(same.rewards + 0.1, None)
    assert sample_rl._interval(shifted, same) == pytest.approx(
        (shifted.figures(same)["gap_closed"],) * 2, rel=1e-4
    )

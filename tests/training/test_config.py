from __future__ import annotations

import pytest
from pydantic import ValidationError

from gen3d.training import TrainConfig


def test_run_without_an_end_is_refused() -> None:
    with pytest.raises(ValidationError, match="steps, max_minutes"):
        TrainConfig.model_validate({"output": "run"})


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="learning_rate"):
        TrainConfig.model_validate({"output": "run", "steps": 1, "learning_rate": 1})


def test_settings_survive_the_round_trip_through_json() -> None:
    config = TrainConfig.model_validate({"output": "run", "max_minutes": 3, "muon": {"lr": 0.01}})
    assert TrainConfig.model_validate(config.model_dump(mode="json")) == config

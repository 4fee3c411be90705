from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from gen3d.errors import CancelledError, Gen3dError, InputError, ModelError
from gen3d.training import TrainConfig, Trainer, load_ema_weights
from gen3d.training.state import load_state

Make = Callable[..., Any]


def rows_of(config: TrainConfig) -> list[dict[str, Any]]:
    text = (config.output / "log.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def assert_equal_weights(first: torch.nn.Module, second: torch.nn.Module) -> None:
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_training_learns_and_leaves_a_run_folder(make_config: Make, make_objective: Make) -> None:
    config = make_config(
        steps=300,
        log_every=50,
        validate_every=100,
        best_figure="mse",
        best_direction="min",
        muon={"lr": 0.01},
        adamw={"lr": 0.01},
    )
    trainer = Trainer(config, make_objective())
    before = make_objective().validate(trainer.ema_module())["mse"]
    result = trainer.fit(resume=False)
    assert result.steps == 300
    assert result.figures["mse"] < 0.2 * before
    assert result.checkpoint.exists()
    assert result.best_checkpoint is not None and result.best_checkpoint.exists()
    assert yaml.safe_load((config.output / "config.yaml").read_text())["steps"] == 300
    assert json.loads((config.output / "record.json").read_text())["seed"] == config.seed
    weights = load_ema_weights(result.checkpoint)
    assert torch.equal(weights["0.weight"], trainer.ema_module().state_dict()["0.weight"])


def test_log_has_one_row_per_log_step_and_validation(
    make_config: Make, make_objective: Make
) -> None:
    config = make_config(steps=20, log_every=5, validate_every=10)
    Trainer(config, make_objective()).fit()
    rows = rows_of(config)
    training = [row for row in rows if "loss" in row]
    assert [row["step"] for row in training] == [5, 10, 15, 20]
    assert [row["step"] for row in rows if "validation" in row] == [10, 20]
    for row in training:
        assert set(row["figures"]) == {"error", "constant"}
        assert row["figures"]["constant"] == 2.0
        assert set(row["lr"]) == {"muon", "adamw"}
        assert row["examples_per_s"] > row["steps_per_s"] > 0
        assert row["grad_norm"] > 0


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_resumed_run_equals_uninterrupted_run_bit_for_bit(
    make_config: Make, make_objective: Make, tmp_path: Path, precision: str
) -> None:
    whole = Trainer(make_config(output=tmp_path / "whole", precision=precision), make_objective())
    whole.fit()

    def interrupt(step: int) -> None:
        if step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    config = make_config(output=tmp_path / "parts", precision=precision, validate_every=4)
    with pytest.raises(CancelledError, match="step 8"):
        Trainer(config, make_objective(interrupt)).fit()
    second = Trainer(config, make_objective())
    result = second.fit(resume=True)
    assert result.steps == 20
    assert_equal_weights(whole._objective.module, second._objective.module)
    assert_equal_weights(whole.ema_module(), second.ema_module())
    steps = [row["step"] for row in rows_of(config) if "loss" in row]
    assert steps == [5, 10, 15, 20]


def test_interrupt_saves_the_state_and_puts_signal_handlers_back(
    make_config: Make, make_objective: Make
) -> None:
    handler = signal.getsignal(signal.SIGINT)

    def interrupt(step: int) -> None:
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    config = make_config()
    with pytest.raises(CancelledError) as caught:
        Trainer(config, make_objective(interrupt)).fit()
    assert caught.value.exit_code == 130
    assert load_state(config.output / "last.ckpt")["step"] == 3
    assert signal.getsignal(signal.SIGINT) is handler


def test_second_interrupt_stops_at_once(make_config: Make, make_objective: Make) -> None:
    def interrupt_twice(step: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

    config = make_config()
    with pytest.raises(CancelledError, match="before its state was saved"):
        Trainer(config, make_objective(interrupt_twice)).fit()
    assert not (config.output / "last.ckpt").exists()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_bad_loss_stops_the_run_and_names_the_step(
    make_config: Make, make_objective: Make, bad: float
) -> None:
    objective = make_objective()

    def spoil(step: int) -> None:
        if step == 6:
            objective.target.fill_(bad)

    objective.on_step = spoil
    config = make_config(checkpoint_every_s=1e-9)
    with pytest.raises(Gen3dError, match="step 6"):
        Trainer(config, objective).fit()
    state = load_state(config.output / "last.ckpt")
    assert state["step"] == 6
    assert all(weight.isfinite().all() for weight in state["module"].values())


def test_best_checkpoint_keeps_the_best_validation(make_config: Make, make_objective: Make) -> None:
    objective = make_objective()
    scores = iter([0.2, 0.9, float("nan"), 0.5])
    objective.validate = lambda module: {"iou": next(scores)}
    config = make_config(validate_every=5, best_figure="iou")
    result = Trainer(config, objective).fit()
    assert load_state(config.output / "best.ckpt")["step"] == 10
    assert load_state(config.output / "last.ckpt")["step"] == 20
    assert result.figures == {"iou": 0.5}


def test_unknown_best_figure_is_refused_and_the_state_kept(
    make_config: Make, make_objective: Make
) -> None:
    config = make_config(best_figure="iou")
    with pytest.raises(InputError, match="iou"):
        Trainer(config, make_objective()).fit()
    assert load_state(config.output / "last.ckpt")["step"] == 20


def test_budget_in_minutes_ends_the_run_and_counts_over_resumes(
    make_config: Make, make_objective: Make
) -> None:
    config = make_config(steps=None, max_minutes=0.2 / 60)
    result = Trainer(config, make_objective()).fit()
    assert result.steps > 1
    again = Trainer(config, make_objective()).fit(resume=True)
    assert again.steps == result.steps
    assert rows_of(config)[-1]["elapsed_s"] >= 0.2


def test_finished_run_is_not_overwritten(make_config: Make, make_objective: Make) -> None:
    config = make_config(steps=2)
    Trainer(config, make_objective()).fit()
    with pytest.raises(InputError, match="already holds a run"):
        Trainer(config, make_objective()).fit(resume=False)


def test_resume_without_a_checkpoint_is_refused(make_config: Make, make_objective: Make) -> None:
    with pytest.raises(InputError, match="nothing to resume"):
        Trainer(make_config(), make_objective()).fit(resume=True)


def test_damaged_checkpoint_is_an_error_not_a_fresh_start(
    make_config: Make, make_objective: Make
) -> None:
    config = make_config(steps=2)
    Trainer(config, make_objective()).fit()
    (config.output / "last.ckpt").write_bytes(b"PK damaged")
    with pytest.raises(ModelError, match=r"last\.ckpt"):
        Trainer(config, make_objective()).fit(resume="auto")


def test_checkpoint_of_another_network_is_refused(make_config: Make, make_objective: Make) -> None:
    config = make_config(steps=2)
    Trainer(config, make_objective()).fit()
    other = make_objective()
    other.module[4] = torch.nn.Linear(12, 5)
    with pytest.raises(ModelError, match="another network"):
        Trainer(config, other).fit()


def test_other_seed_is_refused(make_config: Make, make_objective: Make) -> None:
    Trainer(make_config(steps=2), make_objective()).fit()
    with pytest.raises(InputError, match="seed"):
        Trainer(make_config(steps=2, seed=1), make_objective()).fit()


def test_unknown_matrix_name_is_refused(make_config: Make, make_objective: Make) -> None:
    objective = make_objective()
    objective.muon_splits = lambda: {"nowhere.weight": 1}
    with pytest.raises(InputError, match=r"nowhere\.weight"):
        Trainer(make_config(), objective)


def test_global_random_state_and_threads_are_left_alone(
    make_config: Make, make_objective: Make
) -> None:
    objective = make_objective()
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    Trainer(make_config(steps=3), objective).fit()
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_progress_reaches_its_total(make_config: Make, make_objective: Make) -> None:
    class Sink:
        def __init__(self) -> None:
            self.total, self.done, self.open = None, 0, False
            self.info: set[str] = set()

        def stage_started(self, name: str, total: int | None) -> None:
            self.total, self.open = total, True

        def advance(self, n: int = 1, **info: float | str) -> None:
            self.done += n
            self.info |= set(info)

        def stage_finished(self) -> None:
            self.open = False

    sink = Sink()
    Trainer(make_config(), make_objective(), progress=sink).fit()
    assert (sink.total, sink.done, sink.open) == (20, 20, False)
    assert sink.info == {"loss", "error", "constant"}


def test_tensorboard_log_is_written_when_asked_for(make_config: Make, make_objective: Make) -> None:
    pytest.importorskip("tensorboard")
    config = make_config(tensorboard=True)
    Trainer(config, make_objective()).fit()
    assert list((config.output / "tensorboard").glob("events*"))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_training_learns_and_resumes_on_a_gpu(make_config: Make, make_objective: Make) -> None:
    config = make_config(steps=40, device="cuda")
    Trainer(config, make_objective()).fit()
    longer = make_config(steps=80, device="cuda")
    result = Trainer(longer, make_objective()).fit(resume=True)
    assert result.steps == 80
    assert rows_of(longer)[-2]["loss"] < rows_of(longer)[0]["loss"]

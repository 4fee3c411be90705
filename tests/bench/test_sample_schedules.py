"""The study of schedules on a tiny network: what it measures, spends and remembers."""

from pathlib import Path

import pytest
import torch

from gen3d.bench import sample_refiner
from gen3d.bench.rows import Row, Rows
from gen3d.bench.sample_refiner import (
    REFINED_AT,
    LatentRefiner,
    refiner_figures,
    refiner_rows,
    train_refiner,
)
from gen3d.bench.sample_schedules import (
    BUDGET,
    ScheduleStudy,
    StudySizes,
    budget_rows,
    fit_for_budget,
    guidance_rows,
    time_rows,
)
from gen3d.conditioning.text import TextEncoder
from gen3d.runtime.progress import NullProgress
from gen3d.vecset.config import DiTConfig, VAEConfig
from gen3d.vecset.dit import ShapeDiT
from gen3d.vecset.pipeline import VecsetPipeline
from gen3d.vecset.vae import ShapeVAE


def make_study(folder: Path) -> ScheduleStudy:
    text = TextEncoder.load()
    dit = ShapeDiT(
        DiTConfig(
            latent_dim=4, num_latents=6, width=16, double_blocks=1, single_blocks=1, time_dim=8
        )
    ).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in dit.parameters():
            weight.copy_(0.2 * torch.randn(weight.shape, generator=generator))
    vae = ShapeVAE(VAEConfig(num_latents=6, latent_dim=4, width=16))
    pipeline = VecsetPipeline(vae, dit, text, fingerprint={"dit": "tiny"})
    return ScheduleStudy(pipeline, Rows(folder), NullProgress(), StudySizes(2, 2, 4))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> ScheduleStudy:
    return make_study(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def times(study: ScheduleStudy) -> dict[str, Row]:
    return time_rows(study)


def test_guided_steps_cost_two_evaluations(times: dict[str, Row]) -> None:
    for name, row in times.items():
        steps = int(name.split(", ")[1].split()[0])
        assert row["evaluations"] == 2 * steps
        assert (row["t_0"], row[f"t_{steps}"]) == (1, 0)


def test_more_steps_come_closer(times: dict[str, Row]) -> None:
    assert times["uniform, 8 steps"]["latent_rms"] < times["uniform, 3 steps"]["latent_rms"]


def test_rules_share_their_steps(study: ScheduleStudy, times: dict[str, Row]) -> None:
    rows = guidance_rows(study)
    assert rows["CFG, 5 steps"] == pytest.approx(times["uniform, 5 steps"])
    assert {row["evaluations"] for row in rows.values()} == {8, 10}


def test_everything_for_the_budget_spends_it(study: ScheduleStudy) -> None:
    rows = budget_rows(study)
    assert rows.pop("search")["evaluations"] <= BUDGET
    assert {row["evaluations"] for row in rows.values()} == {BUDGET}


def test_rows_are_remembered_and_fits_repeatable(study: ScheduleStudy) -> None:
    again = make_study(study.rows.folder)
    assert time_rows(again) == time_rows(study)
    assert "held" not in vars(again)  # no run was needed
    assert fit_for_budget(again) == fit_for_budget(study)


def test_refiner_begins_without_a_change(study: ScheduleStudy) -> None:
    refiner = LatentRefiner(study.pipeline.dit.config)
    cond = study.pipeline.condition(["a red mug"])
    x, last = (study.pipeline.noise([seed]) for seed in (1, 2))
    assert refiner(x, last, torch.ones(1), cond).abs().max() == 0
    change = train_refiner(study, captions=2, steps=3, batch=2)(x, last, torch.ones(1), cond)
    assert change.abs().max() > 0


def test_refined_steps_ask_the_flow_network_every_other_time(
    study: ScheduleStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    refiner = train_refiner(study, captions=2, steps=1, batch=1)
    monkeypatch.setattr(sample_refiner, "train_refiner", lambda study: refiner)
    rows = refiner_rows(study)
    for count in REFINED_AT:
        spent = {row["evaluations"] for name, row in rows.items() if f", {count} " in name}
        assert spent == {2 * count}
    figures = refiner_figures(rows)
    assert figures["refiner_gain"] == figures["refiner_gain_3"] < 1

from pathlib import Path

import numpy as np
import pytest

from gen3d.api.models import load_text_model
from gen3d.bench.rows import Rows
from gen3d.bench.sample_search import (
    bootstrap_interval,
    make_tasks,
    search_figures,
    search_rows,
)
from gen3d.data.procedural import CATEGORIES
from gen3d.errors import InputError


def test_tasks_ask_for_held_out_shapes_that_fit_their_rewards() -> None:
    tasks = make_tasks(CATEGORIES, 3)
    assert len({task.prompt for task in tasks}) == 3
    for task in tasks:
        assert task.reward("scan")(task.mesh) == pytest.approx(1, abs=0.01)
        assert task.reward("silhouette")(task.mesh) == 1
    assert tasks[0].reward("silhouette")(tasks[1].mesh) < 1
    with pytest.raises(InputError, match="unknown reward"):
        tasks[0].reward("pretty")


def test_bootstrap_interval_narrows_with_the_number_of_values() -> None:
    rng = np.random.default_rng(1)
    few, many = (bootstrap_interval(rng.normal(1.0, 1.0, n)) for n in (20, 2000))
    assert few[0] < 1 < few[1]
    assert many[1] - many[0] == pytest.approx(2 * 1.96 / 2000**0.5, rel=0.1)
    assert bootstrap_interval(np.full(5, 0.25)) == (0.25, 0.25)


def test_a_win_needs_the_whole_interval_above_zero() -> None:
    rows = {"a": {"gain_low": 0.01}, "b": {"gain_low": -0.01}, "c": {"gain_low": 0.2}}
    assert search_figures(rows) == {"rbf_wins": 2.0}


def test_rows_are_measured_once_and_spend_equal_budgets(tmp_path: Path) -> None:
    pipeline = load_text_model("mini", device="cpu")
    options = {"rewards": ("silhouette",), "prompts": 1, "budget": 8}
    first = search_rows(pipeline, Rows(tmp_path), **options)
    row = first["silhouette"]
    best = max(row["best_of_n_1"], row["best_of_n_2"])
    assert 0 < best <= 1
    assert row["gain"] == pytest.approx(row["search"] - best)
    assert row["gain_low"] <= row["gain"] <= row["gain_high"]
    spent = [row[f"{name}_evaluations"] for name in ("search", "best_of_n_1", "best_of_n_2")]
    assert spent == [8, 8, 8]
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert search_rows(pipeline, Rows(tmp_path), **options) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files

"""The shipped students against the teacher and every undistilled solver; and their times."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from jaxtyping import Float, Int

from gen3d.bench.rows import Row
from gen3d.bench.sample_run import HardSetBench, Outcome
from gen3d.runtime.progress import ProgressSink
from gen3d.runtime.seeds import make_generator
from gen3d.vecset.pipeline import VecsetPipeline

STUDENTS = (1, 2, 5)
"""Steps that the pipeline has recipes of its own for: two students, and one without training."""
HELD_TO = {2: 4, 1: 3}
"""A student of so many steps is held to undistilled solvers at so many evaluations."""
FAITHFUL = 1.10
"""How far a sampler may be from held-out shapes, over the teacher's own distance."""
TIMED_AT = 128
_PROMPTS = (
    "a red mug",
    "a blue chair with armrests",
    "a green car",
    "a brown dog",
    "a white house",
)
_RESAMPLES = 1000
_INTERVAL = (2.5, 97.5)


def student_rows(bench: HardSetBench, sink: ProgressSink) -> dict[str, Row]:
    """Measure the teacher and what the pipeline offers at few steps, on all asks."""
    sink.stage_started("teacher and students", len(STUDENTS) + 1)
    found = {"teacher": bench.teacher().row()}
    sink.advance()
    for steps in STUDENTS:
        found[f"pipeline, {steps} steps"] = bench.student(steps).row()
        sink.advance()
    sink.stage_finished()
    return found


def student_figures(bench: HardSetBench) -> Row:
    """Return how much of the teacher each recipe of the pipeline keeps.

    Accuracy is a share of the teacher's own. Chance alone is right once in two, so
    ``accuracy_kept_above_chance`` is the same with 1/2 taken off both.
    """
    teacher = bench.teacher()
    figures = {"teacher_accuracy": float(teacher.right.mean())}
    for steps in STUDENTS:
        prefix = "" if steps == 2 else f"steps{steps}_"
        outcome = bench.student(steps)
        figures |= {f"{prefix}{key}": value for key, value in kept(outcome, teacher).items()}
    return figures


def kept(student: Outcome, teacher: Outcome) -> Row:
    """Compare two samplers on the same asks, with 95 % bootstrap intervals over pairs of asks."""
    ours, theirs = _by_pair(student), _by_pair(teacher)
    draws = _draws(len(ours))
    # A resample in which the teacher is never right has no share.
    truth = np.maximum(theirs[draws].mean(1), 1 / len(teacher.right))
    low, high = np.percentile(ours[draws].mean(1) / truth, _INTERVAL)
    a, b = float(student.right.mean()), float(teacher.right.mean())
    return {
        "accuracy": a,
        "accuracy_kept": a / b,
        "accuracy_kept_low": float(low),
        "accuracy_kept_high": float(high),
        "accuracy_kept_above_chance": (a - 0.5) / (b - 0.5),
        "chamfer_ratio": float(student.chamfer.mean() / teacher.chamfer.mean()),
        "latent_rms": float(student.rms.mean()),
    }


def _by_pair(outcome: Outcome) -> Float[np.ndarray, " pairs"]:
    """Return the share of each pair's asks that are right."""
    return outcome.right[: len(outcome.right) // 2 * 2].reshape(-1, 2).mean(1)


def _draws(count: int) -> Int[np.ndarray, "resamples count"]:
    """Draw indices with replacement, the same for equal counts."""
    return torch.randint(count, (_RESAMPLES, count), generator=make_generator(0)).numpy()


def win_figures(bench: HardSetBench, solvers: Sequence[Outcome], asks: int) -> Row:
    """Tell whether the students beat every undistilled solver that they are held to.

    Args:
        bench: With the test asks.
        solvers: Outcomes of the solvers on the first ``asks``.
        asks: How many these are.

    Returns:
        ``students_win`` and, for each student, the share of the solvers that it beats, by how much
        it leads the best accuracy, the least distance and the least difference from the teacher's
        latents, whichever solvers these belong to.
    """
    figures: Row = {}
    wins = []
    farthest = FAITHFUL * bench.teacher().row(asks)["chamfer"]
    for steps, evaluations in HELD_TO.items():
        ours = bench.student(steps, asks)
        rivals = [outcome for outcome in solvers if outcome.evaluations == evaluations]
        if not rivals:
            continue
        flags = [beats(ours, rival, farthest) for rival in rivals]
        wins += flags
        figures[f"steps{steps}_beaten"] = sum(flags) / len(flags)
        rows = [rival.row() for rival in rivals]
        best = max(row["accuracy"] for row in rows)
        figures[f"steps{steps}_accuracy_lead"] = ours.row()["accuracy"] - best
        for key in ("chamfer", "latent_rms"):
            figures[f"steps{steps}_{key}_lead"] = min(r[key] for r in rows) - ours.row()[key]
    return {"students_win": float(bool(wins) and all(wins)), **figures}


def beats(ours: Outcome, rival: Outcome, farthest: float) -> bool:
    """Tell whether a sampler is better than another on the same asks.

    A sampler whose mean distance from held-out shapes exceeds ``farthest`` has lost; a distance
    smaller than the teacher's earns nothing, for what lies between all shapes is near to each. Of
    two that are near enough, the one that is right more often wins, if the 95 % interval of the
    difference over pairs of asks leaves 0 out. Else they are right equally often, and the one
    whose latents are nearer to the teacher's of the same noise wins.
    """
    if ours.chamfer.mean() > farthest:
        return False
    if rival.chamfer.mean() > farthest:
        return True
    lead = _by_pair(ours) - _by_pair(rival)
    low, high = np.percentile(lead[_draws(len(lead))].mean(1), _INTERVAL)
    if low > 0 or high < 0:
        return bool(low > 0)
    return bool(ours.rms.mean() < rival.rms.mean())


def time_row(pipeline: VecsetPipeline, model: str, sink: ProgressSink, *, runs: int = 5) -> Row:
    """Measure a sentence to a mesh at resolution 128, with and without starting up.

    Args:
        pipeline: The model, loaded.
        model: Its name or folder, for the command line.
        sink: Where to report.
        runs: Times each; the median counts.
    """
    sink.stage_started("times", 2 * runs)
    warm, cold = [], []
    pipeline.text_to_3d(_PROMPTS[0], seed=0, resolution=TIMED_AT)
    for i in range(runs):
        began = time.perf_counter()
        pipeline.text_to_3d(_PROMPTS[i % len(_PROMPTS)], seed=i, resolution=TIMED_AT)
        warm.append(time.perf_counter() - began)
        sink.advance()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(runs):
            cold.append(_cold(model, _PROMPTS[i % len(_PROMPTS)], i, Path(folder)))
            sink.advance()
    sink.stage_finished()
    return {"warm_text_s": median(warm), "cold_text_s": median(cold)}


def _cold(model: str, prompt: str, seed: int, folder: Path) -> float:
    out = folder / f"{seed}.glb"
    command = [sys.executable, "-m", "gen3d", "text", prompt, "--out", str(out), "--quiet"]
    command += ["--seed", str(seed), "--resolution", str(TIMED_AT), "--model", model]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began

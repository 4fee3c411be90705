"""Steering's part of ``gen3d bench sample``: figures from rows, and the rows that are cheap."""

from pathlib import Path

import pytest
import torch

from gen3d.api import load
from gen3d.bench.rows import Rows
from gen3d.bench.sample_steering import (
    adjoint_figures,
    adjoint_rows,
    completion_figures,
    flair_figures,
    flowopt_figures,
    half_shape,
)
from gen3d.bench.saved_bytes import peak_saved_bytes
from gen3d.vecset.pipeline import VecsetPipeline


@pytest.fixture(scope="module")
def pipeline() -> VecsetPipeline:
    return load("mini", device="cpu")


def test_a_half_shape_lies_beyond_a_plane_and_is_the_same_each_time(
    pipeline: VecsetPipeline,
) -> None:
    half, again = (half_shape(pipeline, 1, split="val") for _ in range(2))
    seen = torch.from_numpy(half.seen.points)
    assert len(seen) == 1024 and len(half.whole) == 4096
    assert (half.seen.points == again.seen.points).all()
    # Everything that is not seen lies on the other side of one plane.
    middle = half.whole[:2048].mean(0) - seen.mean(0)
    among = (half.whole[:2048, None] == seen).all(-1).any(1)
    assert int(among.sum()) == 1024
    assert float(((half.whole[:2048][~among] - seen.mean(0)) @ middle).mean()) > 0


def test_memory_of_the_adjoint_is_flat_on_the_model(
    pipeline: VecsetPipeline, tmp_path: Path
) -> None:
    figures = adjoint_figures(adjoint_rows(pipeline, Rows(tmp_path), steps=(1, 3)))
    assert figures["adjoint_memory_growth"] == 1.0
    assert figures["autograd_memory_growth"] > 2.9


def test_saved_bytes_are_those_of_the_largest_moment() -> None:
    x = torch.ones(10, requires_grad=True)

    def work() -> None:
        for _ in range(3):
            torch.autograd.grad(x.exp().sum(), x)  # keeps its result: 40 bytes

    assert peak_saved_bytes(work) == 40


def test_ratios_are_averaged_over_shapes() -> None:
    rows = {
        "a": {"best_of_8": 0.1, "bare": 0.02, "full": 0.01},
        "b": {"best_of_8": 0.02, "bare": 0.012, "full": 0.01},
    }
    figures = completion_figures(rows)
    assert figures["completion_ratio"] == pytest.approx((0.2 + 0.6) / 2)
    assert figures["completion_ratio_full"] == pytest.approx((0.1 + 0.5) / 2)
    assert figures["completion_ratio_of_means"] == pytest.approx(0.032 / 0.12)


def test_gains_are_parts_of_where_it_started() -> None:
    flair = {"a": {"guess": 0.04, "flair": 0.03, "flowchef": 0.02}}
    assert flair_figures(flair) == pytest.approx(
        {"flair_gain": 0.25, "flair_gain_over_flowchef": -0.5}
    )
    flowopt = {
        "8 runs": {"evaluations": 120, "rms": 0.03},
        "1 runs": {"evaluations": 20, "rms": 0.04},
        "finer inversion": {"evaluations": 50, "rms": 0.05},
    }
    assert flowopt_figures(flowopt) == pytest.approx({"flowopt_gain": 0.25})

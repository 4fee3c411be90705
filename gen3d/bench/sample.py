"""``gen3d bench sample``: quality against evaluations on the embedded model.

Its parts can be run alone and resume from finished rows; :mod:`gen3d.bench.hard_set` says what is
asked, :mod:`gen3d.bench.attribute_judge` when an answer is right.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from gen3d.api.models import load_text_model
from gen3d.bench.report import Report, machine_name
from gen3d.bench.rows import Row, Rows, Table
from gen3d.bench.sample_context import Context, SampleSizes
from gen3d.bench.sample_parts import PARTS
from gen3d.bench.sample_plot import Panel, draw_panels
from gen3d.errors import InputError
from gen3d.io.images import save_png
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.vecset.pipeline import VecsetPipeline


def bench_sample(
    model: str = "mini",
    *,
    parts: Sequence[str] = (),
    sizes: SampleSizes | None = None,
    plot: Path | None = None,
    tuned: Path | None = None,
    cache: Path = Path("outputs/bench-sample"),
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> Report:
    """Measure samplers of the text model.

    Args:
        model: Name or folder.
        parts: Names out of ``PARTS``; all when there is none.
        sizes: How much is measured.
        plot: Where to write the picture of quality against evaluations, if a part draws one.
        tuned: Folder of a model that ``gen3d tune`` made, for the part ``tune``.
        cache: Folder of finished rows; a stopped bench resumes. Rows are kept by model: delete
            them after changes of the code.
        device: Where to run.
        progress: Where to report.

    Raises:
        InputError: A part does not exist.
    """
    if unknown := set(parts) - set(PARTS):
        raise InputError(
            f"no part {', '.join(sorted(unknown))} of this bench", hint=f"known: {', '.join(PARTS)}"
        )
    pipeline = load_text_model(model, device=device)
    context = Context(
        pipeline,
        model,
        Rows(cache / _key(pipeline)),
        sizes or SampleSizes(),
        progress or NullProgress(),
        tuned,
    )
    figures: Row = {}
    tables: list[Table] = []
    panels: list[Panel] = []
    seconds: list[str] = []
    for name in parts or PARTS:
        began = time.perf_counter()
        result = PARTS[name](context)
        figures |= result.figures
        tables += result.tables
        panels += result.panels
        seconds.append(f"{name} {time.perf_counter() - began:.0f}")
    if plot is not None and panels:
        save_png(draw_panels(panels), plot)
    notes = {
        "model": pipeline.name,
        "device": str(pipeline.device),
        "machine": machine_name(),
        "threads": str(torch.get_num_threads()),
        "seconds": ", ".join(seconds),
        **{f"sha256 {name}": value for name, value in pipeline.fingerprint.items()},
    }
    return Report(figures, tables, notes)


def _key(pipeline: VecsetPipeline) -> str:
    parts = [pipeline.undistilled_fingerprint, pipeline.sampling.model_dump(), str(pipeline.device)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

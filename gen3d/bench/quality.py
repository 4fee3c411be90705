"""``gen3d bench quality``: what a model makes of shapes, prompts and images it never saw.

In parts that can be run alone: ``reconstruction`` of held-out shapes by the autoencoder; ``text``,
plain prompts; ``unseen`` combinations and paraphrases; ``parts``, counts and part colours;
``images``; and the samples' ``distribution``. Every figure has a 95 % bootstrap interval over its
items, and judges report what they make of true shapes. Definitions: docs/performance/quality.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from gen3d.api.models import load
from gen3d.bench.quality_context import (
    PartResult,
    QualityContext,
    QualitySizes,
    merged,
)
from gen3d.bench.quality_distribution import distribution_part
from gen3d.bench.quality_images import images_part
from gen3d.bench.quality_parts import parts_part
from gen3d.bench.quality_reconstruction import reconstruction_part
from gen3d.bench.quality_text import text_part, unseen_part
from gen3d.bench.report import Report
from gen3d.bench.report_html import Gallery, write_html
from gen3d.bench.rows import Table
from gen3d.errors import InputError
from gen3d.io.images import save_png
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.splatting.mesh_render import contact_sheet
from gen3d.vecset.pipeline import VecsetPipeline

PARTS: dict[str, Callable[[QualityContext], PartResult]] = {
    "reconstruction": reconstruction_part,
    "text": text_part,
    "unseen": unseen_part,
    "parts": parts_part,
    "images": images_part,
    "distribution": distribution_part,
}
"""All parts by name, in the order in which they run."""

SPLITS = ("test", "val")


def bench_quality(
    model: str = "mini",
    *,
    parts: Sequence[str] = (),
    split: str = "test",
    sizes: QualitySizes | None = None,
    cache: Path = Path("outputs/bench-quality"),
    objects: Path | None = Path("data/objects"),
    photos: Path | None = None,
    sheet: Path | None = None,
    html: Path | None = None,
    device: str = "auto",
    progress: ProgressSink | None = None,
) -> Report:
    """Measure a model.

    Args:
        model: Name or folder.
        parts: Some of ``PARTS``; all by default.
        split: ``test`` for reports; ``val`` for choosing settings, with other shapes, words and
            seeds, and with the development split of the real objects.
        sizes: How much is measured.
        cache: Folder for finished samples and true shapes; a stopped bench resumes.
        objects: Folder with shards of real objects in ``train``, ``dev`` and ``val``.
        photos: Folder of photographs, for the report's pictures.
        sheet: Where to write a contact sheet of the plain prompts' samples, if anywhere.
        html: Where to write the report with pictures, if anywhere.
        device: Where to run.
        progress: Where to report.

    Raises:
        InputError: There is no such part or split.
    """
    if unknown := sorted(set(parts) - set(PARTS)):
        raise InputError(f"unknown part {unknown[0]!r}", hint=f"parts: {', '.join(PARTS)}")
    if split not in SPLITS:
        raise InputError(f"split must be {' or '.join(SPLITS)}, got {split!r}")
    context = QualityContext(
        load(model, device=device),
        sizes or QualitySizes(),
        split=split,
        cache=cache,
        sink=progress or NullProgress(),
        objects=objects,
        photos=photos,
    )
    found = merged([run(context) for name, run in PARTS.items() if not parts or name in parts])
    figures = {name: estimate.value for name, estimate in found.figures.items()}
    tables = [_figure_table(found), *found.tables]
    report = Report(figures, tables, _notes(context) | found.notes)
    if sheet is not None:
        _write_sheet(found, context.sizes.per_category, sheet)
    if html is not None:
        title = f"Quality of {context.pipeline.name} ({split} split)"
        galleries = [
            Gallery(name, [(tile.image, tile.caption, tile.wrong) for tile in tiles])
            for name, tiles in found.gallery.items()
        ]
        write_html(title, report.notes, tables, galleries, html)
    return report


def _figure_table(found: PartResult) -> Table:
    rows = [
        [name, f"{estimate.value:.4g}", estimate.interval(), str(estimate.count)]
        for name, estimate in found.figures.items()
    ]
    return "quality", ("figure", "value", "95 % interval", "items"), rows


def _write_sheet(found: PartResult, columns: int, path: Path) -> None:
    tiles = found.gallery.get("Plain prompts", [])
    if not tiles:
        raise InputError("a contact sheet shows plain prompts", hint="add --part text")
    images, labels = [tile.image for tile in tiles], [tile.caption for tile in tiles]
    save_png(contact_sheet(images, labels, max(columns, 12)), path)


def _notes(context: QualityContext) -> dict[str, str]:
    pipeline: VecsetPipeline = context.pipeline
    return {
        "model": pipeline.name,
        "split": context.split,
        "device": str(pipeline.device),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        **{f"sha256 {name}": value for name, value in pipeline.fingerprint.items()},
    }

"""Makes mini.md and mini-curve.svg beside this file out of mini.template.md and figures.

Usage:
    python docs/models/make_mini.py
    python docs/models/make_mini.py --run "autoencoder=runs/vecset-vae:vae_iou" ...
    python docs/models/make_mini.py --objects FOLDER/objects.jsonl

``mini-experiments.json`` keeps all figures: its ``experiments`` are written by hand; ``--run``
reads a run's validations from its log into ``curves``, ``--objects`` counts a collection's
licences into ``objects``. Runs and collections are needed only for that.
"""

import argparse
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from log_plot import log_plot

from gen3d.api.training import read_settings, validated
from gen3d.data.procedural.library import CATEGORIES
from gen3d.vecset.image_runs import ImageRun
from gen3d.vecset.runs import FlowRun, VAERun

_HERE = Path(__file__).parent
_CONFIGS = _HERE.parents[1] / "configs" / "vecset"
_FIGURES = _HERE / "mini-experiments.json"
_RECIPE = ("vae", "image", "dit-image")
_SIZES = ("cpu", "gpu", "cluster")


def read_curve(folder: Path, figure: str) -> dict[str, Any]:
    """Read how a figure grew over a run.

    Returns:
        ``figure``, and ``points``: shapes seen, minutes spent and the figure, per validation.
    """
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    batch = settings["objective"]["batch_size"]
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    points = [
        [row["step"] * batch, round(row["elapsed_s"] / 60, 2), row["validation"][figure]]
        for row in rows
        if figure in row.get("validation", {})
    ]
    return {"figure": figure, "points": points}


def error_of(figure: str, value: float) -> float:
    """Return what goes to zero as a model gets better: 1 - IoU, or an error as it is."""
    return 1 - value if figure.endswith("iou") else value


def fitted_exponent(points: list[tuple[float, float]]) -> float:
    """Fit ``error = a shapes^-b`` by least squares of logarithms and return b."""
    xs, ys = ([math.log(value) for value in values] for values in zip(*points, strict=True))
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - x_mean) ** 2 for x in xs)
    return -sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread


def count_objects(path: Path) -> dict[str, Any]:
    """Count a collection's objects by licence and by source."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    sources = Counter((row["source"], row["author"], row["licence"]) for row in rows)
    return {
        "total": len(rows),
        "licences": dict(Counter(row["licence"] for row in rows).most_common()),
        "sources": [[*key, count] for key, count in sources.most_common()],
    }


def table(header: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def experiments_table(experiments: list[dict[str, Any]]) -> str:
    """Return what was tried, against what, and what came of it."""
    rows = []
    for tried in experiments:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in tried["figures"].items())
        against = ", ".join(f"{value:.4g}" for value in tried.get("baseline", {}).values())
        rows.append([tried["name"], tried["cost"], figures, against, tried["outcome"]])
    return table(["tried", "cost", "figures", "without it", "outcome"], rows)


def curves_table(curves: dict[str, Any]) -> str:
    """Return beginning, end and exponent of each curve."""
    rows = []
    for name, curve in curves.items():
        figure, points = curve["figure"], curve["points"]
        errors = [(shapes, error_of(figure, value)) for shapes, _, value in points]
        exponent = f"{fitted_exponent(errors):.2f}" if len(errors) > 2 else ""
        shapes, minutes, value = points[-1]
        first = f"{points[0][2]:.4g} at {points[0][0]:,}"
        rows.append([name, figure, first, f"{value:.4g} at {shapes:,}", f"{minutes:.0f}", exponent])
    return table(["run", "figure", "first", "last", "minutes", "exponent"], rows)


def sizes_table() -> str:
    """Return the recipe's networks, batches and budgets at each size."""
    rows = []
    for name in _RECIPE:
        path = _CONFIGS / f"{name}.yaml"
        for size in _SIZES:
            run = validated(read_settings(path, size=size), path)
            assert isinstance(run, VAERun | ImageRun | FlowRun)
            tokens = (
                run.model.tokens_per_view if isinstance(run, ImageRun) else run.model.num_latents
            )
            minutes = run.trainer.max_minutes
            batch = run.objective.batch_size
            rows.append([name, size, run.model.width, tokens, batch, f"{minutes:g}"])
    return table(["config", "size", "width", "tokens", "batch", "minutes"], rows)


def objects_tables(objects: dict[str, Any]) -> str:
    """Return the counts by licence and the credits by source."""
    licences = table(["licence", "objects"], [[n, c] for n, c in objects["licences"].items()])
    sources = table(["source", "author", "licence", "objects"], objects["sources"])
    return f"{licences}\n\n{sources}"


def main() -> None:
    """Read, fill, write."""
    parser = argparse.ArgumentParser(description="Makes mini.md.")
    parser.add_argument("--run", action="append", default=[], metavar="NAME=FOLDER:FIGURE")
    parser.add_argument("--objects", type=Path, metavar="FILE")
    asked = parser.parse_args()
    figures = json.loads(_FIGURES.read_text())
    for run in asked.run:
        name, _, where = run.partition("=")
        folder, _, figure = where.rpartition(":")
        figures["curves"][name] = read_curve(Path(folder), figure)
    if asked.objects is not None:
        figures["objects"] = count_objects(asked.objects)
    _FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    curves = {
        name: [(shapes, error_of(curve["figure"], value)) for shapes, _, value in curve["points"]]
        for name, curve in figures["curves"].items()
    }
    plot = log_plot(curves, x_label="shapes seen in training", y_label="held-out error")
    (_HERE / "mini-curve.svg").write_text(plot)
    text = (_HERE / "mini.template.md").read_text()
    for key, made in {
        "sizes": sizes_table(),
        "experiments": experiments_table(figures["experiments"]),
        "curves": curves_table(figures["curves"]),
        "objects": objects_tables(figures["objects"]),
        "categories": str(len(CATEGORIES)),
        "total": f"{figures['objects']['total']:,}",
    }.items():
        text = text.replace("{{" + key + "}}", made)
    (_HERE / "mini.md").write_text(text)


if __name__ == "__main__":
    main()

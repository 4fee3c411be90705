"""How the shapes of plain prompts compare with held-out shapes, as sets, and with training shapes.

Samples and held-out shapes are of the same categories in equal number. Distances are between unit
clouds of equal size; for the earth mover's distance of few points.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.bench.bootstrap import Estimate, mean_of, ratio_of_medians, share_of, spread_of
from gen3d.bench.point_encoder import frechet_distance
from gen3d.bench.quality_context import Made, PartResult, QualityContext, Tile
from gen3d.bench.quality_prompts import make_prompts
from gen3d.geometry.metrics import chamfer_distance, nearest_is_own, pairwise_chamfer
from gen3d.geometry.transport import pairwise_transport

_POINTS, _MOVED_POINTS, _FINE_POINTS = 256, 48, 512
_COPY_PERCENTILE = 1.0
_WORST_PAIRS = 12


def distribution_part(context: QualityContext) -> PartResult:
    """Measure 1-NNA, coverage, MMD, Fréchet distance, and distances to training shapes."""
    sizes = context.sizes
    prompts = make_prompts(sizes.per_category, split=context.split, categories=sizes.categories)
    made = context.made(prompts, "generating")
    count = sizes.per_category * len(sizes.categories)
    if len(made.shown) < 2:
        return PartResult(notes={"one_nna": "not measured: hardly any sample has a surface"})
    samples, true = made.clouds, context.held_out_clouds[:count]
    context.sink.stage_started("comparing sets", None)
    figures = _set_figures(samples, true) | _frechet(context, samples)
    near = _training_distances(context, made)
    figures |= near.figures
    context.sink.stage_finished()
    return PartResult(figures, gallery=near.gallery)


def _set_figures(
    samples: Float[Tensor, "s n 3"], true: Float[Tensor, "r n 3"]
) -> dict[str, Estimate]:
    a, b = samples[:, :_POINTS], true[:, :_POINTS]
    across = pairwise_chamfer(a, b)
    own = nearest_is_own(pairwise_chamfer(a, a), pairwise_chamfer(b, b), across)
    covered = torch.isin(torch.arange(len(b)), across.argmin(1))
    a, b = a[:, :_MOVED_POINTS], b[:, :_MOVED_POINTS]
    moved = nearest_is_own(
        pairwise_transport(a, a), pairwise_transport(b, b), pairwise_transport(a, b)
    )
    return {
        "one_nna": share_of(own.tolist()),
        "one_nna_emd": share_of(moved.tolist()),
        "coverage": share_of(covered.tolist()),
        "mmd_cd": mean_of(across.amin(0).numpy()),
    }


def _frechet(context: QualityContext, samples: Float[Tensor, "s n 3"]) -> dict[str, Estimate]:
    """Return the Fréchet distance to held-out shapes, and that of training shapes, its floor."""
    encoder = context.encoder
    made, true = encoder.features(samples), encoder.features(context.held_out_clouds)
    known = encoder.features(context.reference_clouds[: len(samples)])

    def distance(rows: np.ndarray) -> float:
        return frechet_distance(made[torch.from_numpy(rows)], true)

    return {
        "fpd": spread_of(distance, len(made), resamples=40),
        "fpd_of_training_shapes": Estimate.plain(frechet_distance(known, true), len(known)),
    }


def _training_distances(context: QualityContext, made: Made) -> PartResult:
    """Compare distances to the nearest training shape of the category.

    ``copies`` counts samples nearer to it than all but 1 % of held-out shapes are.
    """
    clouds, categories = context.reference_clouds, context.references.categories
    groups: dict[str, list[int]] = {}
    for index, category in enumerate(categories):
        groups.setdefault(category, []).append(index)
    held_out = context.held_out
    asked = [prompt.category for prompt, _ in made.shown]
    from_samples, at = _nearest(made.clouds, asked, clouds, groups)
    from_true, _ = _nearest(context.held_out_clouds, held_out.categories, clouds, groups)
    limit = float(np.percentile(from_true, _COPY_PERCENTILE))
    figures = {
        "nn_train_ratio": ratio_of_medians(from_samples, from_true),
        "copies": share_of((from_samples < limit).tolist()),
    }
    closest = np.argsort(from_samples)[:_WORST_PAIRS].tolist()
    tiles = [
        Tile(
            made.shown[i][1].tile,
            f"{made.shown[i][0].text}: {from_samples[i]:.3f} from training shape "
            f"{categories[at[i]]} {at[i] // len(groups)} (copy below {limit:.3f})",
            "copy" if from_samples[i] < limit else "",
        )
        for i in closest
    ]
    return PartResult(figures, gallery={"Nearest to training shapes": tiles})


def _nearest(
    clouds: Float[Tensor, "s n 3"],
    categories: list[str],
    known: Float[Tensor, "r n 3"],
    groups: dict[str, list[int]],
) -> tuple[Float[np.ndarray, " s"], list[int]]:
    """Return each cloud's distance to the nearest known one of its category, and which it is."""
    distances, index = [], []
    for cloud, category in zip(clouds, categories, strict=True):
        own = groups[category]
        row = chamfer_distance(cloud[:_FINE_POINTS], known[own][:, :_FINE_POINTS])
        best = int(row.argmin())
        distances.append(float(row[best]))
        index.append(own[best])
    return np.array(distances), index

"""Whether texts and images find their own shapes among all that were made."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.bench.bootstrap import Estimate, share_of
from gen3d.bench.category_judge import CategoryJudge
from gen3d.bench.quality_context import Made
from gen3d.geometry.color import COLOUR_NAMES

# What is nowhere is worth as much as what is there by a hundredth.
_LEAST_SHARE = 0.01


def text_retrieval(judge: CategoryJudge, made: Made) -> dict[str, Estimate]:
    """Return how often a text's best shape is its own, and a shape's best text.

    A shape fits a text by the logarithm of the probability that the judge gives to the
    category, plus that of the share of the surface in the colour. Pairs of category and colour
    differ between texts.
    """
    scores = text_scores(judge, made)
    lookup = {id(sample): i for i, (_, sample) in enumerate(made.shown)}
    own = [lookup.get(id(sample)) for sample in made.samples]
    to_shape, to_text = [], []
    for text, shape in enumerate(own):
        to_shape.append(shape is not None and bool(scores[text].argmax() == shape))
        to_text.append(shape is not None and bool(scores[:, shape].argmax() == text))
    return {"text_to_shape_r1": share_of(to_shape), "shape_to_text_r1": share_of(to_text)}


def text_scores(judge: CategoryJudge, made: Made) -> Float[Tensor, "texts shapes"]:
    """Return how well each text fits each shape that has a surface."""
    shapes = [sample for _, sample in made.shown]
    categories = (judge.probabilities(made.clouds) + _LEAST_SHARE).log()
    shares = np.stack([np.bincount(s.names, minlength=len(COLOUR_NAMES)) for s in shapes])
    shares = torch.from_numpy(shares / shares.sum(1, keepdims=True))
    colours = (shares + _LEAST_SHARE).log().to(categories)
    rows = [
        categories[:, judge.encoder.categories.index(prompt.category)]
        + colours[:, COLOUR_NAMES.index(prompt.colour)]
        for prompt in made.prompts
    ]
    return torch.stack(rows)


def nearest_own(distances: Float[Tensor, "n n"]) -> list[bool]:
    """Tell of each row whether its smallest entry is on the diagonal."""
    return (distances.argmin(1) == torch.arange(len(distances))).tolist()

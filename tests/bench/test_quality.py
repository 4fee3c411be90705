"""The arithmetic of the quality bench, on data whose truth is known."""

import torch

from gen3d.bench.quality import classify, make_prompts
from gen3d.data.procedural import CATEGORIES
from gen3d.geometry.color import COLOUR_NAMES


def test_prompts_cover_all_categories_and_colours() -> None:
    prompts = make_prompts(10)
    assert len(prompts) == 10 * len(CATEGORIES)
    assert {p.colour for p in prompts} == set(COLOUR_NAMES)
    assert all(p.colour in p.text for p in prompts)
    assert len({p.seed for p in prompts}) == len(prompts)


def test_majority_of_the_nearest_wins_and_ties_go_to_the_nearer() -> None:
    distances = torch.tensor([[0.1, 0.2, 0.3, 9.0, 9.0], [0.1, 0.2, 0.3, 0.4, 9.0]])
    assert classify(distances, ["a", "b", "b", "c", "c"], 3) == ["b", "b"]
    assert classify(distances, ["a", "b", "b", "a", "c"], 4)[1] == "a"

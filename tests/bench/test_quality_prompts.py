"""What the quality bench asks for."""

from gen3d.bench.quality_prompts import make_paraphrases, make_prompts, make_unseen
from gen3d.data.procedural import CATEGORIES, HELD_OUT_COMBINATIONS
from gen3d.data.procedural.paraphrases import is_held_out
from gen3d.geometry.color import COLOUR_NAMES


def test_prompts_cover_all_categories_and_colours() -> None:
    prompts = make_prompts(3)
    assert len(prompts) == 3 * len(CATEGORIES)
    assert {p.colour for p in prompts} == set(COLOUR_NAMES)
    assert all(p.colour in p.text and p.category in p.text for p in prompts)
    assert len({p.seed for p in prompts}) == len({(p.category, p.colour) for p in prompts})
    assert not {(p.category, p.colour) for p in prompts} & set(HELD_OUT_COMBINATIONS)


def test_splits_share_neither_seeds_nor_texts() -> None:
    test, val = make_prompts(2), make_prompts(2, split="val")
    assert not {p.seed for p in test} & {p.seed for p in val}
    assert not {p.text for p in test} & {p.text for p in val}


def test_unseen_prompts_are_the_held_out_combinations() -> None:
    prompts = make_unseen()
    assert [(p.category, p.colour) for p in prompts] == list(HELD_OUT_COMBINATIONS)
    assert "a green airplane" in [p.text for p in prompts]
    assert [p.category for p in make_unseen(categories=("airplane",))] == ["airplane"]


def test_paraphrases_have_forms_that_training_never_sees() -> None:
    prompts = make_paraphrases(60)
    assert len({p.text for p in prompts}) == 60
    assert all(is_held_out(p.text) for p in prompts)
    assert all(p.colour in p.text for p in prompts)
    assert len({p.category for p in prompts}) == 60

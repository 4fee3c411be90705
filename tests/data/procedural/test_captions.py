"""The caption writer on drafts with known facts."""

import numpy as np
import pytest

from gen3d.data.procedural.captions import all_features, part_facts, write_captions
from gen3d.data.procedural.draft import Draft
from gen3d.data.procedural.palette import Finish, tone
from gen3d.data.procedural.paraphrases import HELD_OUT_PATTERNS, TRAIN_PATTERNS, fill, is_held_out
from gen3d.data.procedural.sketch import Sketch


def table(**facts) -> Draft:
    finish = facts.pop("finish", Finish(tone("red"), "wooden", True))
    return Draft(Sketch(), facts.pop("noun", "table"), finish, **facts)


def many(draft: Draft, seeds: int = 60) -> list[str]:
    captions = [write_captions(draft, np.random.default_rng(seed)) for seed in range(seeds)]
    return [caption for eight in captions for caption in eight]


def test_first_is_the_noun_and_second_says_everything() -> None:
    draft = table(
        adjectives=["round"],
        style="rustic",
        features=["with a shelf"],
        counts={"legs": 3},
        part_tones={"legs": tone("blue")},
    )
    captions = write_captions(draft, np.random.default_rng(0))
    assert captions[0] == "a table"
    assert captions[1] == "a round rustic red wooden table with a shelf and three blue legs"
    assert len(captions) == 8


def test_captions_of_a_seed_are_the_same() -> None:
    draft = table(counts={"legs": 3})
    one, other = (write_captions(draft, np.random.default_rng(5)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    "words",
    [
        "with three legs",
        "with 3 legs",
        "three-legged",
        "that has",
        "having",
        "made of wood",
        "red wooden table",
        "table in ",
        "table, ",
        "color",
        "rustic",
        "desk",
    ],
)
def test_phrasings_occur(words: str) -> None:
    draft = table(synonyms=["desk"], style="rustic", counts={"legs": 3})
    assert any(words in caption for caption in many(draft))


@pytest.mark.parametrize(
    "words", ["with a blue handle", "whose handle is", "the handle is", ", a blue handle"]
)
def test_part_colours_are_said_in_many_ways(words: str) -> None:
    draft = table(noun="mug", part_tones={"handle": tone("blue")})
    assert any(words in caption for caption in many(draft))


def test_a_part_in_the_dominant_colour_is_not_coloured_in_captions() -> None:
    draft = table(part_tones={"legs": tone("dark red")}, counts={"legs": 4})
    assert "dark red" not in " ".join([*many(draft), *all_features(draft)])


def test_zero_of_a_part_is_said() -> None:
    captions = many(table(counts={"arms": 0}))
    assert any("with no arms" in caption for caption in captions)
    assert any("without arms" in caption for caption in captions)


def test_one_part_loses_its_plural() -> None:
    draft = table(counts={"sails": 1}, part_tones={"sail": tone("orange")})
    (fact,) = part_facts(draft)
    assert (fact.word, fact.count) == ("sail", 1)
    features = all_features(draft)
    assert "with an orange sail" in features
    assert "with one orange sail" in features
    assert not any("sails" in caption for caption in many(draft))


def test_colour_joins_the_feature_that_names_its_part() -> None:
    draft = table(features=["with an arched headboard"], part_tones={"headboard": tone("black")})
    captions = write_captions(draft, np.random.default_rng(0))
    assert captions[1] == "a red wooden table with a black arched headboard"
    assert all(caption.count("headboard") < 2 for caption in many(draft))


def test_plural_nouns_take_no_article_and_plural_verbs() -> None:
    draft = table(noun="scissors", part_tones={"handles": tone("orange")})
    for caption in many(draft):
        assert " a scissors" not in f" {caption}"
        assert not caption.startswith("a red scissors")
        assert "scissors is" not in caption
        assert "scissors has" not in caption


def test_colour_that_a_material_implies_stays_unsaid() -> None:
    draft = table(finish=Finish(tone("yellow"), "golden", False))
    assert not any("yellow" in caption for caption in many(draft))


def test_a_pot_is_what_a_plant_stands_in() -> None:
    draft = table(noun="cactus", part_tones={"pot": tone("orange")})
    assert "in an orange pot" in all_features(draft)
    assert not any("with an orange pot" in caption for caption in many(draft))


def test_what_is_worn_has_the_colour_in_place_of_the_noun() -> None:
    draft = table(noun="person", finish=Finish(tone("red"), "", True), worn="shirt")
    captions = many(draft)
    assert "with a red shirt" in all_features(draft)
    assert not any("red person" in caption for caption in captions)
    for words in ("with a red shirt", "wearing a red shirt", "in a red shirt"):
        assert any(words in caption for caption in captions), words


def test_garments_are_worn_together() -> None:
    draft = table(noun="person", worn="shirt", part_tones={"trousers": tone("blue")})
    assert any("wearing a red shirt and blue trousers" in caption for caption in many(draft))


def test_held_out_patterns_are_apart_from_training() -> None:
    assert len(HELD_OUT_PATTERNS) >= 12
    assert not set(HELD_OUT_PATTERNS) & set(TRAIN_PATTERNS)
    for pattern in HELD_OUT_PATTERNS:
        for noun in ("lamp", "scissors"):
            text = fill(pattern, noun, colour="orange")
            assert is_held_out(text), text
            assert noun in text
            assert "a orange" not in text
    assert not is_held_out("a red table")

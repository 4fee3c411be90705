import pytest

from gen3d.conditioning.concepts import Concepts, head_phrases
from gen3d.conditioning.text import TextEncoder
from gen3d.errors import ModelError

NAMES = """chair,table,sofa,bed,lamp,mug,bottle,teapot,house,guitar,hammer,car,airplane,sailboat,
tree,cactus,dog,fish,teddy bear,ice cream""".replace("\n", "").split(",")


@pytest.fixture(scope="module")
def concepts() -> Concepts:
    return Concepts(TextEncoder.load(), NAMES)


@pytest.mark.parametrize(
    ("prompt", "head"),
    [
        ("a red wooden chair with four legs", "chair"),
        ("a 3d model of a teddy bear, low poly", "teddy bear"),
        ("an object: tall ice cream on its own", "ice cream"),
        ("a bottle made of glass", "bottle"),
        ("House", "house"),
        ("a standing teddy bear with a bow tie", "teddy bear"),
        ("a cup of coffee", "cup"),
    ],
)
def test_head_phrases_name_the_thing(prompt: str, head: str) -> None:
    assert head in head_phrases(prompt)
    assert "legs" not in head_phrases(prompt)


@pytest.mark.parametrize("name", NAMES)
def test_known_concept_is_nearest_to_itself(concepts: Concepts, name: str) -> None:
    best = concepts.nearest(f"a small blue {name} with stripes", 1)[0]
    assert best.name == name
    assert not concepts.is_far(f"a small blue {name} with stripes")


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a comfortable couch", "sofa"),
        ("a silver automobile", "car"),
        ("a propeller plane", "airplane"),
        ("a coffee cup", "mug"),
        ("a stool", "chair"),
        ("a puppy with long ears", "dog"),
    ],
)
def test_synonyms_find_their_concept(concepts: Concepts, prompt: str, name: str) -> None:
    assert concepts.nearest(prompt, 1)[0].name == name
    assert concepts.warning(prompt) is None


@pytest.mark.parametrize(
    "prompt", ["quantum field theory", "the stock market", "a portrait of a woman", "asdfgh qwerty"]
)
def test_far_prompt_gets_a_warning_with_the_nearest_names(concepts: Concepts, prompt: str) -> None:
    warning = concepts.warning(prompt)
    assert warning is not None
    assert "\n" not in warning
    assert sum(name in warning for name in NAMES) >= 3


def test_nearest_is_sorted_and_bounded(concepts: Concepts) -> None:
    matches = concepts.nearest("a wooden chair", 5)
    values = [match.similarity for match in matches]
    assert values == sorted(values, reverse=True)
    assert len(matches) == 5
    assert len(concepts.nearest("a chair", 100)) == len(NAMES)


def test_no_names_is_an_error() -> None:
    with pytest.raises(ModelError, match="no concepts"):
        Concepts(TextEncoder.load(), [])

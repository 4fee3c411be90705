"""Captions from file names."""

import numpy as np
import pytest

from gen3d.data.object_captions import describe, read_name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wood chair stool", "wooden stool"),
        ("carrot chopped", "chopped carrot"),
        ("blue medieval home", "medieval blue home"),
        ("fence stone", "stone fence"),
        ("small decorated table", "small decorated table"),
        ("pine tree group", "group of pine trees"),
        ("red panda astronaut", "red panda astronaut"),
        ("LargeRoundTable_02", "large round table"),
    ],
)
def test_names_become_phrases(name: str, said: str) -> None:
    words = read_name(name)
    parts = [*words.adjectives, words.style, words.colour, words.material, words.noun]
    assert " ".join(part for part in parts if part) == said


def test_what_follows_the_noun_stays_behind_it() -> None:
    assert read_name("vase with flowers").features == ["with flowers"]
    assert read_name("woman sitting cheering").features == ["sitting and cheering"]
    assert read_name("long table tablecloth").features == ["with a tablecloth"]


def captions(name: str, colours: np.ndarray | None, category: str = "chair") -> tuple[str, ...]:
    rng = np.random.default_rng(0)
    return describe(name, category=category, colours=colours, rng=rng)


def test_captions_begin_with_the_bare_noun_and_name_the_main_colour() -> None:
    red = np.tile([[0.8, 0.1, 0.1]], (50, 1))
    said = captions("small armchair", red)
    assert said[0] == "an armchair" and len(said) == 8
    assert said[1] == "a small red armchair"
    assert any("chair" in caption.split() for caption in said)


def test_two_colours_of_like_area_are_both_named() -> None:
    flag = np.repeat([[0.8, 0.1, 0.1], [0.95, 0.95, 0.93]], [30, 20], axis=0)
    assert captions("flag", flag, "")[1] == "a red and white flag"


def test_placeholder_colours_are_not_named() -> None:
    grey = np.full((50, 3), 0.8)
    for colours in (grey, None):
        assert captions("armchair", colours)[1] == "an armchair"

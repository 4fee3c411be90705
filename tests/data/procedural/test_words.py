import pytest

from gen3d.data.procedural.words import compound, is_plural, number, singular, with_articles


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a orange lamp", "an orange lamp"),
        ("a lamp with a oval shade", "a lamp with an oval shade"),
        ("a umbrella", "an umbrella"),
        ("a unicorn", "a unicorn"),
        ("a ukulele", "a ukulele"),
        ("a one-armed cactus", "a one-armed cactus"),
        ("a hourglass", "an hourglass"),
        ("a 8-legged stool", "an 8-legged stool"),
        ("a 3-legged stool", "a 3-legged stool"),
        ("a house", "a house"),
    ],
)
def test_articles_follow_the_sound(text: str, expected: str) -> None:
    assert with_articles(text) == expected


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("legs", "leg"),
        ("shelves", "shelf"),
        ("boxes", "box"),
        ("benches", "bench"),
        ("cherries", "cherry"),
        ("keys", "key"),
        ("wing tips", "wing tip"),
        ("feet", "foot"),
        ("horses", "horse"),
        ("hooves", "hoof"),
        ("antennas", "antenna"),
        ("bananas", "banana"),
    ],
)
def test_plurals_are_known_and_undone(plural: str, one: str) -> None:
    assert singular(plural) == one
    assert is_plural(plural)
    assert not is_plural(one)


def test_singular_words_on_s_are_no_plurals() -> None:
    for word in ("glass", "canvas", "cactus", "bus", "tennis", "lens", "compass"):
        assert not is_plural(word)
        assert singular(word) == word


def test_numbers_are_words_or_digits() -> None:
    assert number(0) == "no"
    assert number(3) == "three"
    assert number(3, digits=True) == "3"
    assert number(40) == "40"


def test_compounds_exist_only_where_english_has_them() -> None:
    assert compound(3, "legs") == "three-legged"
    assert compound(4, "wheels", digits=True) == "4-wheeled"
    assert compound(2, "handles") is None
    assert compound(0, "legs") is None

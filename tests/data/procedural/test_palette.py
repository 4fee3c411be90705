import numpy as np
import pytest

from gen3d.data.procedural.hold_out import held_out_colours, held_out_combinations
from gen3d.data.procedural.palette import MATERIALS, Palette, Tone
from gen3d.geometry.color import COLOUR_NAMES, nearest_basic_colour


def material_tones() -> list[Tone]:
    found = {(t.name, t.phrase, t.rgb): t for m in MATERIALS.values() for t in m.tones}
    return list(found.values())


@pytest.mark.parametrize("tone", material_tones(), ids=lambda tone: f"{tone.phrase} {tone.rgb}")
def test_colours_of_materials_belong_to_their_names(tone: Tone) -> None:
    palette = Palette(np.random.default_rng(0))
    jittered = np.array([palette.jitter(tone.rgb) for _ in range(50)])
    hits = [COLOUR_NAMES[int(i)] == tone.name for i in nearest_basic_colour(jittered)]
    assert np.mean(hits) > 0.9


def test_forbidden_colours_are_never_dominant() -> None:
    forbidden = frozenset({"brown", "white"})
    palette = Palette(np.random.default_rng(1), forbidden)
    for _ in range(200):
        assert palette.finish("wooden", "porcelain", "marble").tone.name not in forbidden
        assert palette.natural("brown", "white").tone.name not in forbidden


def test_materials_whose_colours_are_forbidden_are_not_named_for_them() -> None:
    palette = Palette(np.random.default_rng(1), frozenset({"white"}))
    finishes = [palette.finish("porcelain", plain=0.0, painted=0.0) for _ in range(20)]
    assert {finish.material for finish in finishes} == {""}


def test_golden_things_are_never_painted() -> None:
    palette = Palette(np.random.default_rng(2))
    for _ in range(50):
        finish = palette.finish("golden", plain=0.0, painted=1.0)
        assert finish.tone.name == "yellow"
        assert not finish.colour_said


def test_about_half_of_all_names_lack_one_colour() -> None:
    names = tuple(f"thing {i}" for i in range(200))
    pairs = held_out_combinations(names)
    assert 70 <= len(pairs) <= 130
    assert len({category for category, _ in pairs}) == len(pairs)
    assert len({colour for _, colour in pairs}) == len(COLOUR_NAMES)


def test_green_airplanes_are_held_out_and_green_trees_are_not() -> None:
    assert held_out_colours("airplane") == ("green",)
    assert "green" not in held_out_colours("tree")

import numpy as np
import pytest

from gen3d.errors import InputError
from gen3d.geometry.materials import (
    DEFAULT_ROUGHNESS,
    FINISH_WORDS,
    MATERIAL_WORDS,
    Material,
    material_of_prompt,
)


@pytest.mark.parametrize(
    ("prompt", "roughness", "metallic"),
    [
        ("a chair", DEFAULT_ROUGHNESS, 0.0),
        ("a gold ring", 0.2, 1.0),
        ("a shiny gold ring", 0.15, 1.0),
        ("a MATTE black vase", 0.9, 0.0),
        ("a wooden chair with metal legs", 0.7, 0.0),
        ("a rusty iron gate", 0.9, 0.0),
        ("a chrome-plated bumper", 0.05, 1.0),
    ],
)
def test_words_set_roughness_and_metallic(prompt: str, roughness: float, metallic: float) -> None:
    material = material_of_prompt(prompt)
    assert (material.roughness, material.metallic) == (roughness, metallic)
    assert not material.textured


def test_parts_of_words_do_not_count() -> None:
    for prompt in ("a goldfish", "an ironing board", "a woodpecker", "a mattress"):
        assert material_of_prompt(prompt).metallic == 0
        assert material_of_prompt(prompt).roughness == DEFAULT_ROUGHNESS


def test_every_figure_of_the_tables_makes_a_material() -> None:
    for roughness, metallic in MATERIAL_WORDS.values():
        Material(roughness=roughness, metallic=metallic)
    for roughness in FINISH_WORDS.values():
        Material(roughness=roughness)


def test_materials_refuse_numbers_and_images_out_of_range() -> None:
    with pytest.raises(InputError, match="roughness must lie in"):
        Material(roughness=1.5)
    with pytest.raises(InputError, match="base_color must be uint8"):
        Material(np.zeros((4, 4, 3)))

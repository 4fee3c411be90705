from dataclasses import dataclass

import pytest
import torch
from pydantic import ValidationError

from gen3d.vecset.caption_table import CaptionTable
from gen3d.vecset.condition_source import MixtureShares, MixtureSource, TextSource, join_conditions
from gen3d.vecset.dit import Condition
from gen3d.vecset.image_encoder import join_views
from tests.vecset.image_fixtures import WIDTH, ColourEncoder

SHAPES = torch.arange(20) % 3


@dataclass
class NumberedPictures:
    """Token values say which picture of which shape they are of."""

    copies: int = 4

    def encoded(self, shapes, copies, generator):
        value = (10 * (shapes[:, None] + 1) + copies).float()
        tokens = value[:, :, None, None].expand(-1, -1, 5, WIDTH)
        return join_views(tokens, torch.ones(*copies.shape, WIDTH))


@pytest.fixture
def captions():
    return CaptionTable.encode(ColourEncoder(), [["a red ball"], ["a green ball"], ["a blue ball"]])


def mixture(captions, **shares):
    return MixtureSource(captions, NumberedPictures(), MixtureShares(**shares))


def test_text_source_is_one_part_with_each_shapes_caption(captions, generator):
    (part,) = TextSource(captions).pick(SHAPES, generator)
    assert part.rows.tolist() == list(range(20))
    assert part.condition.pooled is not None
    assert part.condition.pooled[:, :3].argmax(1).tolist() == SHAPES.tolist()


def test_mixture_splits_a_batch_by_its_shares_and_covers_each_row_once(captions, generator):
    parts = mixture(captions, image=0.35, both=0.15, pair=0).pick(SHAPES, generator)
    assert [len(p.rows) for p in parts] == [10, 7, 3]
    assert torch.cat([p.rows for p in parts]).tolist() == list(range(20))
    assert [p.condition.tokens.shape[1] for p in parts] == [1, 5, 6]


def test_pictures_are_of_the_shapes_of_their_rows(captions, generator):
    parts = mixture(captions, image=0.5, both=0.5, pair=0).pick(SHAPES, generator)
    for part in parts:
        shown = part.condition.tokens[:, -1, 0] // 10 - 1
        assert shown.tolist() == SHAPES[part.rows].tolist()


def test_pairs_are_two_different_pictures(captions, generator):
    (part,) = mixture(captions, image=1, both=0, pair=1).pick(SHAPES, generator)
    assert part.condition.tokens.shape[1] == 10
    assert bool((part.condition.tokens[:, 0, 0] != part.condition.tokens[:, 9, 0]).all())


def test_validation_conditions_are_fixed(captions):
    source = mixture(captions)
    once, again = source.fixed(SHAPES), source.fixed(SHAPES)
    assert set(once) == {"flow_velocity_mse", "image_velocity_mse"}
    for name, condition in once.items():
        assert torch.equal(condition.tokens, again[name].tokens)
    assert bool((once["image_velocity_mse"].tokens[:, 0, 0] % 10 == 0).all())


def test_joined_condition_keeps_both_and_one_scale():
    text = Condition(
        torch.ones(2, 3, 4), torch.tensor([[True] * 3, [True, False, False]]), torch.ones(2, 4)
    )
    image = Condition(2 * torch.ones(2, 5, 4), None, -3 * torch.ones(2, 4))
    joined = join_conditions(text, image)
    assert joined.tokens[0, :, 0].tolist() == [1, 1, 1, 2, 2, 2, 2, 2]
    assert joined.mask is not None
    assert joined.mask.sum(1).tolist() == [8, 6]
    assert joined.pooled is not None
    assert torch.allclose(joined.pooled, -torch.ones(2, 4))


def test_shares_beyond_the_whole_are_refused():
    with pytest.raises(ValidationError, match="add up to"):
        MixtureShares(image=0.8, both=0.3)

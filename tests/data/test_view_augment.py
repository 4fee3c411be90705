import pytest
import torch

from gen3d.data.view_augment import AugmentConfig, augment_views, plain_views

STILL = AugmentConfig(
    shift=0,
    scale=(1.0, 1.0),
    turn_deg=0,
    brightness=0,
    gamma=0,
    saturation=0,
    white_balance=0,
    noise=0,
    edge_share=0,
    shadow_share=0,
    cut_share=0,
    unmasked_share=0,
    blur_share=0,
    block_share=0,
)


def disc(count: int = 4, size: int = 32) -> torch.Tensor:
    place = (torch.arange(size) + 0.5) / size - 0.5
    inside = (place[:, None].square() + place.square()).sqrt() < 0.3
    image = torch.zeros(count, size, size, 4, dtype=torch.uint8)
    image[:, inside] = torch.tensor([200, 40, 30, 255], dtype=torch.uint8)
    return image


def augmented(config: AugmentConfig, seed: int = 0) -> torch.Tensor:
    return augment_views(disc(), torch.Generator().manual_seed(seed), config, grey=0.5)


def with_(**changes: object) -> AugmentConfig:
    return STILL.model_copy(update=changes)


def test_plain_views_stand_on_grey_with_their_opacity():
    plain = plain_views(disc(), grey=0.5)
    assert plain.shape == (4, 4, 32, 32)
    assert torch.equal(plain[0, :, 0, 0], torch.tensor([0.5, 0.5, 0.5, 0.0]))
    assert torch.allclose(plain[0, :, 16, 16], torch.tensor([200, 40, 30, 255]) / 255)


def test_nothing_asked_for_changes_nothing():
    assert torch.allclose(augmented(STILL), plain_views(disc(), grey=0.5), atol=2e-3)


def test_everything_stays_a_function_of_the_generator_and_within_range():
    once, again, other = (augmented(AugmentConfig(), seed) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert 0 <= float(once.min()) <= float(once.max()) <= 1


def test_zoom_changes_the_covered_area_by_its_square():
    area = augmented(with_(scale=(0.8, 0.8)))[:, 3].sum((1, 2))
    full = plain_views(disc(), grey=0.5)[:, 3].sum((1, 2))
    assert torch.allclose(area / full, torch.full((4,), 0.64), atol=0.02)


def test_shadow_is_taken_for_the_object_below_its_middle():
    added = augmented(with_(shadow_share=1.0))[:, 3] - plain_views(disc(), grey=0.5)[:, 3]
    assert float(added.min()) > -1e-3
    assert bool((added[:, 16:].sum((1, 2)) > 10 * added[:, :8].sum((1, 2))).all())


def test_failed_mask_is_opaque_on_one_colour():
    image = augmented(with_(unmasked_share=1.0))
    assert bool((image[:, 3] == 1).all())
    corners = image[:, :3, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert torch.allclose(corners, corners[:, :, :1].expand_as(corners), atol=1e-3)


def test_cut_out_removes_a_piece_of_some():
    change = augmented(with_(cut_share=1.0))[:, 3] - plain_views(disc(), grey=0.5)[:, 3]
    assert float(change.max()) < 1e-3
    assert float(change.min()) < -0.9


def test_compression_keeps_the_means_and_loses_detail():
    plain, image = plain_views(disc(), grey=0.5), augmented(with_(block_share=1.0))
    inside = plain[:, 3:] > 0.99
    off = (image[:, :3] - plain[:, :3]).abs() * inside
    assert 0.005 < float(off.sum() / inside.sum() / 3) < 0.08


@pytest.mark.parametrize("name", ["noise", "white_balance", "brightness", "gamma"])
def test_light_changes_the_object_and_not_the_grey_around_it(name):
    image = augmented(with_(**{name: 0.2}))
    plain = plain_views(disc(), grey=0.5)
    assert float((image - plain)[:, :3, 14:18, 14:18].abs().max()) > 0.01
    assert torch.allclose(image[:, :, :4], plain[:, :, :4], atol=2e-3)

import numpy as np
import pytest
import torch

from gen3d.vecset.image_encoder import ImageEncoder, ImageEncoderConfig
from gen3d.vecset.picture_source import (
    TABLE_FILE,
    TOKENS_FILE,
    LivePictures,
    PictureConfig,
    build_picture_table,
)
from tests.vecset.image_fixtures import SIZE, WIDTH, ball_views

CONFIG = PictureConfig(copies=3, slot_share=1.0)
SHAPES, COPIES = torch.tensor([4, 0, 4]), torch.tensor([[0], [1], [2]])


@pytest.fixture
def encoder():
    config = ImageEncoderConfig(
        size=SIZE, patch=8, stem=4, width=16, heads=2, layers=1, out_dim=WIDTH
    )
    torch.manual_seed(0)
    encoder = ImageEncoder(config).eval().requires_grad_(False)
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return encoder


def test_first_picture_is_plain_and_the_others_follow_the_generator(encoder):
    pictures = LivePictures(encoder, ball_views(5), CONFIG)
    one, again, other = (
        pictures.encoded(SHAPES, COPIES, torch.Generator().manual_seed(s)).tokens for s in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert torch.equal(one[0], other[0])
    assert not torch.allclose(one[1:], other[1:], atol=1e-3)


def test_table_reads_back_what_was_encoded_and_is_made_once(encoder, tmp_path, generator):
    table = build_picture_table(encoder, ball_views(5), CONFIG, tmp_path)
    assert (len(table), table.copies) == (5, 3)
    live = LivePictures(encoder, ball_views(5), CONFIG)
    first = torch.zeros(3, 1, dtype=torch.long)
    stored, made = (s.encoded(SHAPES, first, generator) for s in (table, live))
    assert torch.allclose(stored.tokens, made.tokens, atol=5e-3)
    assert torch.allclose(stored.pooled, made.pooled, atol=5e-3)
    pair = table.encoded(SHAPES, torch.tensor([[0, 1]] * 3), generator)
    assert torch.equal(pair.tokens[:, :5], stored.tokens)
    assert torch.equal(pair.tokens[1, 5:], torch.from_numpy(table.tokens[0, 1].astype("f4")))
    before = (tmp_path / TOKENS_FILE).stat().st_mtime_ns
    build_picture_table(encoder, ball_views(5), CONFIG, tmp_path)
    assert (tmp_path / TOKENS_FILE).stat().st_mtime_ns == before


def test_table_of_another_encoder_is_made_anew(encoder, tmp_path):
    old = np.array(build_picture_table(encoder, ball_views(5), CONFIG, tmp_path).tokens)
    with torch.no_grad():
        encoder.kind += 1
    new = build_picture_table(encoder, ball_views(5), CONFIG, tmp_path)
    assert not np.allclose(old, new.tokens, atol=1e-2)


def test_unfinished_table_is_made_anew(encoder, tmp_path):
    whole = np.array(build_picture_table(encoder, ball_views(5), CONFIG, tmp_path).tokens)
    (tmp_path / TABLE_FILE).unlink()
    (tmp_path / TOKENS_FILE).write_bytes(b"half")
    assert np.array_equal(
        build_picture_table(encoder, ball_views(5), CONFIG, tmp_path).tokens, whole
    )

import time
from pathlib import Path

import pytest
import torch

from gen3d.conditioning.text import (
    PROMPT_TOKENS,
    ROLE_WEIGHTS,
    WEIGHTS,
    TextConfig,
    TextEncoder,
    bind_neighbours,
    role_tokens,
    validate_prompt,
)
from gen3d.conditioning.wordpiece import WordPiece
from gen3d.errors import InputError, ModelError


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.load()


def similarity(encoder: TextEncoder, a: str, b: str) -> float:
    x, y = encoder.encode([a, b]).pooled
    return torch.cosine_similarity(x, y, dim=0).item()


def test_shipped_file_is_small_and_loads_fast() -> None:
    assert WEIGHTS.stat().st_size <= 2.5e6
    TextEncoder.load()
    # Processor time, so that a busy machine does not count; about 0.01 s.
    start = time.process_time()
    TextEncoder.load()
    assert time.process_time() - start < 0.1


def test_shapes_and_scales(encoder: TextEncoder) -> None:
    condition = encoder.encode(["a red wooden chair", "a mug"], max_tokens=12)
    assert condition.tokens.shape == (2, 12, encoder.width)
    assert condition.mask.sum(1).tolist() == [4, 2]
    rms = condition.tokens.square().mean(-1).sqrt()
    assert torch.allclose(rms[condition.mask], torch.ones(6), atol=1e-2)
    assert torch.all(rms[~condition.mask] == 0)
    assert torch.allclose(condition.pooled.square().mean(-1), torch.ones(2), atol=1e-4)


def test_empty_prompt_is_one_zero_token(encoder: TextEncoder) -> None:
    condition = encoder.encode(["", "  \n", "a chair"])
    assert condition.mask[:2].sum(1).tolist() == [1, 1]
    assert torch.all(condition.tokens[:2] == 0)
    assert torch.all(condition.pooled[:2] == 0)
    assert condition.pooled[2].abs().sum() > 0


def test_padding_and_neighbours_do_not_change_a_prompt(encoder: TextEncoder) -> None:
    text = "a tall blue lamp"
    alone = encoder.encode([text], max_tokens=8)
    padded = encoder.encode(["a very long prompt about many other things", text], max_tokens=40)
    assert torch.allclose(alone.pooled[0], padded.pooled[1], atol=1e-4)
    assert torch.allclose(alone.tokens[0, :4], padded.tokens[1, :4], atol=1e-4)


def test_long_prompt_keeps_its_first_tokens_and_says_so(encoder: TextEncoder) -> None:
    condition = encoder.encode(["red " * 30, "red " * 24, "red"], max_tokens=24)
    assert condition.truncated == (True, False, False)
    assert torch.allclose(condition.pooled[0], condition.pooled[1], atol=1e-4)


def test_case_and_unicode_forms_do_not_matter(encoder: TextEncoder) -> None:
    a, b = encoder.encode(["A CAFÉ Table", "a cafe\u0301 table"]).pooled
    assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("near", "base", "far"),
    [
        ("an automobile", "a car", "a flower"),
        ("a couch", "a sofa", "a fish"),
        ("a crimson mug", "a red mug", "a white bottle"),
        ("a timber seat", "a wooden chair", "a sports car"),
        ("a yacht", "a sailboat", "a teapot"),
        ("a puppy", "a dog", "a house"),
    ],
)
def test_synonyms_are_nearer_than_other_things(
    encoder: TextEncoder, near: str, base: str, far: str
) -> None:
    assert similarity(encoder, near, base) > similarity(encoder, far, base)


def test_tokens_carry_the_words_before_them(encoder: TextEncoder) -> None:
    tokens = encoder.encode(["a red chair with blue legs", "a blue chair with red legs"]).tokens
    for noun in (2, 5):
        change = (tokens[0, noun] - tokens[1, noun]).norm() / tokens[0, noun].norm()
        assert change > 0.1


def test_binding_rolls_channels_of_the_two_words_before() -> None:
    tokens = torch.eye(9)[None, :4]
    bound = bind_neighbours(tokens)[0]
    # Token 2 holds channel 2, channel 1 rolled by 3 and channel 0 rolled by 6.
    assert set(bound[2].nonzero().flatten().tolist()) == {2, 4, 6}
    assert torch.allclose(bound.square().mean(-1), torch.ones(4), atol=1e-4)
    assert bound[0].nonzero().flatten().tolist() == [0]


def test_a_token_with_roles_is_its_word_beside_its_neighbours() -> None:
    words = torch.nn.functional.normalize(torch.randn(1, 5, 64), dim=-1)
    mask = torch.tensor([[True, True, True, True, False]])
    tokens = role_tokens(words, mask)
    assert torch.allclose(tokens[0, 0, :64], words[0, 0] * 64**0.5, atol=1e-4)
    assert torch.allclose(tokens.square().mean(-1), mask.float(), atol=1e-4)
    # What is masked is no neighbour.
    assert torch.allclose(role_tokens(words[:, :4], mask[:, :4]), tokens[:, :4], atol=1e-6)


def test_roles_tell_each_place_around_a_word_from_the_others() -> None:
    blank = torch.zeros(1, 7, 64)
    blank[0, 3, 0] = 1.0
    word = torch.nn.functional.normalize(torch.randn(64), dim=0)
    seen = []
    for distance in ROLE_WEIGHTS:
        placed = blank.clone()
        placed[0, 3 + distance] = word
        seen.append(role_tokens(placed, torch.ones(1, 7, dtype=torch.bool))[0, 3, 64:])
    unit = torch.nn.functional.normalize(torch.stack(seen), dim=-1)
    off = (unit @ unit.T - torch.eye(len(seen))).abs().max()
    assert off < 0.6


def test_what_stands_too_far_away_is_not_in_a_token() -> None:
    words = torch.nn.functional.normalize(torch.randn(1, 9, 64), dim=-1)
    other = words.clone()
    other[0, 8] = -other[0, 8]
    mask = torch.ones(1, 9, dtype=torch.bool)
    a, b = role_tokens(words, mask)[0], role_tokens(other, mask)[0]
    assert torch.equal(a[:6], b[:6])
    assert not torch.allclose(a[7], b[7])


def test_digits_are_read_as_the_numbers_words() -> None:
    config = TextConfig(width=16, table_width=8, heads=2, layers=1, roles=True)
    encoder = TextEncoder(WordPiece(["[UNK]", "3", "three", "four", "legs"]), config)
    encoder.set_table(torch.randn(5, 8))
    a, b, c = encoder.encode(["3 legs", "three legs", "four legs"]).tokens
    assert torch.equal(a, b)
    assert not torch.allclose(a, c)


def test_roles_need_a_width_of_two_tables() -> None:
    with pytest.raises(ValueError, match="twice"):
        TextConfig(width=64, table_width=64, roles=True)


def test_max_tokens_out_of_range_is_refused(encoder: TextEncoder) -> None:
    for bad in (0, encoder.config.max_tokens + 1):
        with pytest.raises(InputError, match="max_tokens"):
            encoder.encode(["a"], max_tokens=bad)


def test_encoder_is_frozen_and_takes_no_prompts(encoder: TextEncoder) -> None:
    assert not any(p.requires_grad for p in encoder.parameters())
    assert encoder.encode([]).tokens.shape == (0, PROMPT_TOKENS, encoder.width)


@pytest.mark.parametrize("roles", [False, True])
def test_saved_encoder_comes_back_the_same(tmp_path: Path, roles: bool) -> None:
    torch.manual_seed(0)
    config = TextConfig(width=16, table_width=8, heads=2, layers=1, roles=roles)
    made = TextEncoder(WordPiece(["[UNK]", "a", "é", "##b"]), config)
    made.set_table(torch.randn(4, 8))
    made.half().float().save(tmp_path / "t.safetensors")
    back = TextEncoder.load(tmp_path / "t.safetensors")
    assert back.tokenizer.vocabulary == made.tokenizer.vocabulary
    assert torch.equal(back.encode(["a ab"]).tokens, made.encode(["a ab"]).tokens)
    first = (tmp_path / "t.safetensors").read_bytes()
    made.save(tmp_path / "t.safetensors")
    assert (tmp_path / "t.safetensors").read_bytes() == first


def test_table_in_eight_bits_is_within_half_a_step() -> None:
    encoder = TextEncoder(WordPiece(["[UNK]", "a"]), TextConfig(table_width=8, width=16))
    rows = torch.tensor([[0.0] * 8, [1.0, -2.0, 0.5, 0.1, 0, 3, -3, 2.9]])
    encoder.set_table(rows)
    assert torch.allclose(encoder.look_up(torch.arange(2)), rows, atol=0.51 * 3 / 127)


def test_missing_cut_and_foreign_files_are_model_errors(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weights file"):
        TextEncoder.load(tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(WEIGHTS.read_bytes()[:100_000])
    with pytest.raises(ModelError, match="damaged"):
        TextEncoder.load(cut)
    from gen3d.io.tensors import save_tensors

    save_tensors({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="no readable text encoder"):
        TextEncoder.load(tmp_path / "other.safetensors")


def test_prompt_is_composed_and_its_spaces_made_single() -> None:
    assert validate_prompt("  a cafe\u0301\n\n table ") == "a café table"


@pytest.mark.parametrize("text", ["", " \t\n", "\u200b", "\x00"])
def test_empty_prompt_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="empty"):
        validate_prompt(text)


@pytest.mark.parametrize("text", ["word " * 10_000, "x" * 100_000])
def test_endless_prompt_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="expected at most") as caught:
        validate_prompt(text)
    assert len(str(caught.value)) < 200

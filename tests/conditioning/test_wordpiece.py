import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from gen3d.conditioning.text import TextEncoder
from gen3d.conditioning.wordpiece import WordPiece

TINY = WordPiece(["[UNK]", "chair", "arm", "##chair", "##s", "a", "-", "red", "e", "##e"])


def pieces(text: str) -> list[str]:
    return [TINY.vocabulary[i] for i in TINY.encode(text)]


def test_longest_piece_wins_from_the_left() -> None:
    assert pieces("armchairs") == ["arm", "##chair", "##s"]


def test_word_that_cannot_be_covered_is_one_unknown() -> None:
    assert pieces("a chairx red") == ["a", "[UNK]", "red"]


def test_case_accents_and_spaces_do_not_matter() -> None:
    assert pieces("  A\tRÉD \u200b chair\n") == pieces("a red chair")


def test_punctuation_stands_alone() -> None:
    assert pieces("red-chair") == ["red", "-", "chair"]


def test_endless_word_is_unknown() -> None:
    assert pieces("e" * 101) == ["[UNK]"]
    assert len(pieces("e" * 100)) == 100


@pytest.fixture(scope="module")
def ours() -> WordPiece:
    return TextEncoder.load().tokenizer


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, ours: WordPiece) -> BertWordPieceTokenizer:
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    special = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"]
    path.write_text("\n".join([*special, *ours.vocabulary]))
    return BertWordPieceTokenizer(str(path), lowercase=True)


# Compatibility forms (ligatures, ordinals) and odd controls are folded by ours only, on purpose.
LETTERS = st.characters(categories=["Lu", "Ll", "Nd", "Po", "Pd", "Zs"], max_codepoint=0x17E)
PLAIN = LETTERS.filter(lambda c: not unicodedata.decomposition(c).startswith("<"))


@settings(max_examples=60, deadline=None)
@given(text=st.text(PLAIN, max_size=40))
def test_same_pieces_as_the_tokenizers_package(
    reference: BertWordPieceTokenizer, ours: WordPiece, text: str
) -> None:
    expected = reference.encode(text, add_special_tokens=False).tokens
    assert [ours.vocabulary[i] for i in ours.encode(text)] == expected

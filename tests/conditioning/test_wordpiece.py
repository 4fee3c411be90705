import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from gen3d.conditioning.text import TextEncoder
from gen3d.conditioning.wordpiece import WordPiece, normalise

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
def reference(tmp_path_factory: pytest.TempPathFactory) -> BertWordPieceTokenizer:
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    special = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"]
    path.write_text("\n".join([*special, *TextEncoder.load().tokenizer.vocabulary]))
    return BertWordPieceTokenizer(str(path), lowercase=True)


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(max_codepoint=0x17E, exclude_categories=["Cs"]), max_size=40))
def test_same_pieces_as_the_tokenizers_package(
    reference: BertWordPieceTokenizer, text: str
) -> None:
    # Compatibility forms (NFKD) are folded by ours only, on purpose.
    if normalise(text).isascii() and all(ord(c) < 0x80 or c.isalpha() for c in text):
        text = "".join(c for c in text if c.isascii() or not _is_compatibility(c))
        expected = reference.encode(text, add_special_tokens=False).tokens
        ours = TextEncoder.load().tokenizer
        assert [ours.vocabulary[i] for i in ours.encode(text)] == expected


def _is_compatibility(char: str) -> bool:
    import unicodedata

    return unicodedata.decomposition(char).startswith("<")

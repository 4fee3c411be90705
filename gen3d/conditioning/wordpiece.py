"""WordPiece tokens of BERT's uncased vocabulary, in plain Python.

The `tokenizers` package takes longer to load its JSON than this takes to split a dictionary, and a
prompt has a dozen words. A test compares the two.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

CONTINUATION = "##"
UNKNOWN = "[UNK]"
# Longer "words" are noise (URLs, base64); BERT's own limit is the same.
MAX_WORD_CHARACTERS = 100


def normalise(text: str) -> str:
    """Lower-case, decompose, drop accents and control characters, make all white space spaces."""
    kept = []
    for char in unicodedata.normalize("NFKD", text.lower()):
        if char.isspace():
            kept.append(" ")
        elif unicodedata.category(char) not in ("Mn", "Cc", "Cf") and char != "\ufffd":
            kept.append(char)
    return "".join(kept)


def split_words(text: str) -> Iterator[str]:
    """Yield words and single punctuation marks of a normalised text."""
    word = ""
    for char in text:
        alone = _stands_alone(char)
        if alone or char == " ":
            if word:
                yield word
            word = ""
            if alone:
                yield char
        else:
            word += char
    if word:
        yield word


def _stands_alone(char: str) -> bool:
    """Say whether a character is a token by itself: punctuation, ASCII symbols, Han signs."""
    if char.isascii():
        return not char.isalnum() and char != " "
    return unicodedata.category(char).startswith("P") or "\u4e00" <= char <= "\u9fff"


class WordPiece:
    """Splits text into pieces: greedy longest match from the left, within each word.

    Args:
        vocabulary: The pieces; a piece inside a word starts with ``##``. Holds ``[UNK]``.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self._ids = {piece: i for i, piece in enumerate(self.vocabulary)}
        self.unknown = self._ids[UNKNOWN]

    def __len__(self) -> int:
        return len(self.vocabulary)

    def id_of(self, piece: str) -> int | None:
        """Return the number of a piece, or None where it is not in the vocabulary."""
        return self._ids.get(piece)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text's pieces, without special tokens."""
        ids: list[int] = []
        for word in split_words(normalise(text)):
            ids += self._encode_word(word)
        return ids

    def _encode_word(self, word: str) -> list[int]:
        """Match a word; one that cannot be covered becomes a single unknown."""
        if len(word) > MAX_WORD_CHARACTERS:
            return [self.unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            prefix = CONTINUATION if start else ""
            for end in range(len(word), start, -1):
                number = self._ids.get(prefix + word[start:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return [self.unknown]
        return found

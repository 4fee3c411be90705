import re

import numpy as np

from gen3d.conditioning import words
from gen3d.conditioning.phrases import BASIC_COLOURS, make_corpus

VOCABULARY = [f"word{chr(97 + i)}" for i in range(26)]


def corpus(seed: int = 0, shapes: int = 0):
    return make_corpus(
        VOCABULARY,
        shapes=shapes,
        captions=300,
        held_out=40,
        held_out_fraction=0.1,
        rng=np.random.default_rng(seed),
    )


# Words of the frame ("a photo of", "in a room") belong to no list entry.
FRAME = set(
    re.findall(r"\w+", "a an one model of 3d object photo in room on its own low poly asset")
)
FRAME |= {"with", "and", "made", "next", "to"}


def test_no_training_phrase_holds_a_held_out_word() -> None:
    made = corpus()
    hidden = {word for word in made.held_out_words if " " not in word} - FRAME
    for text in made.training:
        assert not hidden & set(text.replace(",", "").replace(":", "").split())


def test_held_out_phrases_hold_a_held_out_word() -> None:
    made = corpus()
    assert all(any(word in text for word in made.held_out_words) for text in made.held_out)
    assert not made.held_out_words & set(BASIC_COLOURS)


def test_counts_are_met_without_doubles_and_by_seed() -> None:
    made = corpus()
    assert len(set(made.training)) == 300
    assert len(set(made.held_out)) == 40
    assert made == corpus()
    assert made != corpus(1)


def test_captions_of_shapes_are_extra_and_hold_no_held_out_word() -> None:
    plain, more = corpus(), corpus(shapes=200)
    assert more.training == plain.training
    assert more.held_out == plain.held_out
    assert len(set(more.shapes)) == 200
    hidden = {word for word in more.held_out_words if " " not in word} - FRAME
    hidden -= {"that", "has", "whose", "is", "are"}
    for text in more.shapes:
        assert not hidden & set(re.findall(r"[\w-]+", text))


def test_shapes_have_plain_words_and_others_for_them() -> None:
    assert len(words.SHAPES) >= 80
    assert all(words.SHAPES.values())
    assert all(kind not in others for kind, others in words.SHAPES.items())

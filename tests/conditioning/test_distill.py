from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gen3d.conditioning import distill
from gen3d.conditioning.distill import DistillConfig, read_config
from gen3d.conditioning.text import TextConfig, TextEncoder
from gen3d.conditioning.wordpiece import WordPiece
from gen3d.errors import InputError

CONFIGS = Path(__file__).parents[2] / "configs" / "conditioning"
WIDTH = 32


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """A folder with a random one-layer BERT in the published layout."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "chair", "red", "table", "##s", "with"]
    pieces += [f"{c}{d}x" for c in "bcdfghjk" for d in "aeiou"]
    torch.manual_seed(0)
    keys = {
        "embeddings.word_embeddings.weight": (len(pieces), WIDTH),
        "embeddings.position_embeddings.weight": (64, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    layer = "encoder.layer.0."
    for name in ("query", "key", "value"):
        keys[f"{layer}attention.self.{name}.weight"] = (WIDTH, WIDTH)
        keys[f"{layer}attention.self.{name}.bias"] = (WIDTH,)
    for name, n_out, n_in in (
        ("attention.output.dense", WIDTH, WIDTH),
        ("intermediate.dense", 4 * WIDTH, WIDTH),
        ("output.dense", WIDTH, 4 * WIDTH),
    ):
        keys[f"{layer}{name}.weight"] = (n_out, n_in)
        keys[f"{layer}{name}.bias"] = (n_out,)
    for name in ("attention.output.LayerNorm", "output.LayerNorm"):
        keys[f"{layer}{name}.weight"] = (WIDTH,)
        keys[f"{layer}{name}.bias"] = (WIDTH,)
    folder = tmp_path / "teacher"
    folder.mkdir()
    tensors = {key: torch.randn(shape) * 0.3 for key, shape in keys.items()}
    save_file(tensors, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    return folder


def settings(folder: Path, output: Path) -> dict:
    return {
        "teacher": folder,
        "output": output,
        "cache": output.parent / "cache",
        "captions": 120,
        "held_out": 30,
        "encoder": {"width": 16, "table_width": 8, "heads": 2, "layers": 1},
        "steps": 40,
        "batch_size": 32,
        "lr": 0.01,
        "warmup_steps": 5,
    }


def test_run_writes_an_encoder_and_is_repeatable(teacher: Path, tmp_path: Path) -> None:
    first = distill.run(settings(teacher, tmp_path / "a.safetensors"))
    second = distill.run(settings(teacher, tmp_path / "b.safetensors"))
    assert first.output.read_bytes() == second.output.read_bytes()
    assert first.figures == second.figures
    assert -1 <= first.figures["heldout_spearman"] <= 1
    assert TextEncoder.load(first.output).encode(["a red chair"]).pooled.shape == (1, 16)


def test_training_draws_the_student_to_its_targets() -> None:
    torch.manual_seed(0)
    config = DistillConfig(
        encoder=TextConfig(width=16, table_width=8, heads=2, layers=1),
        steps=60,
        batch_size=16,
        lr=0.01,
        warmup_steps=5,
    )
    encoder = TextEncoder(WordPiece(["[UNK]", *map(chr, range(97, 117))]), config.encoder)
    encoder.set_table(torch.randn(21, 8))
    rows = [[i, j] for i in range(1, 21) for j in range(1, 21)]
    meanings = torch.randn(21, 16)
    targets = torch.stack([meanings[i] + meanings[j] for i, j in rows])
    lesson = distill.Lesson(rows, torch.nn.functional.normalize(targets, dim=-1))

    def cosine() -> float:
        ids = torch.tensor(rows)
        pooled = encoder(ids, torch.ones_like(ids, dtype=torch.bool))[1]
        return torch.cosine_similarity(pooled, lesson.targets).mean().item()

    before = cosine()
    distill.train(encoder, lesson, config, distill.NullProgress())
    assert cosine() > before + 0.4


def test_spread_words_have_no_common_part_and_no_leading_direction() -> None:
    torch.manual_seed(0)
    config = TextConfig(width=16, table_width=8, heads=2, layers=1, roles=True)
    encoder = TextEncoder(WordPiece(["[UNK]", *map(chr, range(97, 117))]), config)
    encoder.set_table(torch.randn(21, 8) * torch.logspace(0, -1, 8) + 3)
    distill.spread_words(encoder, list(map(chr, range(97, 117))), shrink=0.0)
    spread = encoder.spread(encoder.look_up(torch.arange(1, 21)))
    assert torch.allclose(spread.mean(0), torch.zeros(8), atol=1e-3)
    assert torch.allclose(spread.T @ spread / 20, torch.eye(8), atol=1e-2)


def test_loss_is_zero_for_equal_directions() -> None:
    targets = torch.nn.functional.normalize(torch.randn(6, 4), dim=-1)
    assert distill.distillation_loss(targets * 3, targets, 10.0).item() == pytest.approx(
        0, abs=1e-6
    )


def test_spearman_is_one_for_a_rotated_copy_and_small_for_noise() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 8)
    rotation = torch.linalg.qr(torch.randn(8, 8)).Q
    assert distill.pair_spearman(x, x @ rotation) == pytest.approx(1, abs=1e-4)
    assert abs(distill.pair_spearman(x, torch.randn(200, 8))) < 0.1


def test_kept_pieces_are_latin_and_short_numbers() -> None:
    kept = ["[UNK]", "chair", "##s", "3d", "42", "##7", "-", "["]
    dropped = ["[PAD]", "[unused7]", "1987", "19th", "日", "é"]
    assert all(map(distill.keeps, kept))
    assert not any(map(distill.keeps, dropped))


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("text*.yaml")), ids=lambda p: p.name)
def test_shipped_configs_are_valid_and_complete(path: Path) -> None:
    config = read_config(path)
    assert config.encoder.width == 128


def test_unknown_field_and_missing_file_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stepz"):
        read_config({"stepz": 3})
    with pytest.raises(InputError, match="not valid"):
        read_config(tmp_path / "none.yaml")

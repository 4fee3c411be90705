"""Training of the text encoder: the static table, then the transformer on top of it.

1. Every WordPiece goes through the teacher alone; a weighted PCA of these embeddings is the table.
2. Phrases go through the teacher; the student's pooled vectors learn their PCA projection, by the
   cosine to it and by the similarities among the phrases of a batch (relational distillation,
   Park et al. 2019, arXiv:1904.05068).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import yaml
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from gen3d.conditioning import words
from gen3d.conditioning.minilm import MiniLM
from gen3d.conditioning.phrases import Corpus, make_corpus
from gen3d.conditioning.text import WEIGHTS, Block, TextConfig, TextEncoder, pad_rows
from gen3d.conditioning.wordpiece import UNKNOWN, WordPiece
from gen3d.errors import InputError
from gen3d.nn.attention import zero_
from gen3d.runtime.atomic import atomic_write
from gen3d.runtime.progress import NullProgress, ProgressSink
from gen3d.runtime.seeds import MAX_SEED, item_seed, make_generator


class DistillConfig(BaseModel):
    """One distillation run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["text"] = "text"
    output: Path = WEIGHTS
    teacher: Path | None = Field(default=None, description="folder; None: the installed package")
    cache: Path = Field(default=Path("build/text"), description="keeps the teacher's answers")
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    encoder: TextConfig = TextConfig()
    captions: int = Field(default=40_000, ge=1, description="training phrases")
    shapes: int = Field(default=0, ge=0, description="captions of the embedded model's shapes")
    held_out: int = Field(default=3000, ge=10, description="phrases with a held-out word")
    held_out_fraction: float = Field(default=0.08, gt=0, lt=1, description="of the words")
    domain_weight: float = Field(
        default=0.5, ge=0, lt=1, description="share of the caption words in the table's PCA"
    )
    steps: int = Field(default=400, ge=1)
    batch_size: int = Field(default=256, ge=2)
    lr: float = Field(default=2e-3, gt=0)
    warmup_steps: int = Field(default=40, ge=1)
    weight_decay: float = Field(default=0.01, ge=0)
    pair_weight: float = Field(default=10.0, ge=0, description="of the pairwise similarities")


@dataclass(frozen=True)
class DistillResult:
    """What a run made.

    Attributes:
        output: The written file.
        figures: Measurements on held-out phrases.
    """

    output: Path
    figures: dict[str, float]


@dataclass(frozen=True)
class Lesson:
    """Tokenised phrases with the teacher's answers."""

    rows: list[list[int]]
    targets: Float[Tensor, "n width"]


def run(config: Mapping[str, Any] | Path, *, progress: ProgressSink | None = None) -> DistillResult:
    """Distil a text encoder and write it.

    Args:
        config: The fields of :class:`DistillConfig`, or a YAML file that holds them.
        progress: Is told about the stages.

    Raises:
        InputError: The configuration is not valid.
        MissingDependencyError: The teacher is not installed.
        OutputError: The result cannot be written.
    """
    settings = read_config(config)
    progress = progress or NullProgress()
    teacher = MiniLM.load(settings.teacher)
    pieces = teacher.tokenizer.vocabulary
    corpus = make_corpus(
        whole_words(pieces),
        captions=settings.captions,
        held_out=settings.held_out,
        held_out_fraction=settings.held_out_fraction,
        rng=np.random.default_rng(settings.seed),
        shapes=settings.shapes,
    )
    alone = [[i] for i in range(len(pieces))]
    table = _remember(settings.cache, "table", "\n".join(pieces), teacher, alone, progress)
    answers = {
        name: _remember(settings.cache, name, "\n".join(texts), teacher, texts, progress)
        for name, texts in (
            ("training", corpus.training),
            ("shapes", corpus.shapes),
            ("held_out", corpus.held_out),
        )
        if texts
    }
    taught = torch.cat([answers[name] for name in ("training", "shapes") if name in answers])

    kept = [i for i, piece in enumerate(pieces) if keeps(piece)]
    tokenizer = WordPiece([pieces[i] for i in kept])
    table = table[kept]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        encoder = TextEncoder(tokenizer, settings.encoder)
    weights = domain_weights(tokenizer, settings.domain_weight)
    centre = weights @ table
    encoder.set_table((table - centre) @ principal_axes(table - centre, weights, encoder))

    projection = target_projection(taught, settings.encoder.width)
    lesson = _lesson(tokenizer, corpus, table, taught @ projection, projection)
    if settings.encoder.roles:
        spread_words(encoder, corpus.shapes or corpus.training)
    start_from_regression(encoder, lesson)
    train(encoder, lesson, settings, progress)
    encoder.eval().requires_grad_(False)
    encoder.save(settings.output, metadata={"seed": str(settings.seed)})
    shipped = TextEncoder.load(settings.output)
    figures = measure(shipped, corpus.held_out, answers["held_out"], projection)
    figures["file_mb"] = settings.output.stat().st_size / 1e6
    return DistillResult(settings.output, figures)


def read_config(config: Mapping[str, Any] | Path) -> DistillConfig:
    """Validate the settings of a run.

    Raises:
        InputError: A field is unknown or out of range, or the file cannot be read.
    """
    try:
        if isinstance(config, Path):
            config = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
        return DistillConfig.model_validate(config)
    except (ValidationError, OSError, yaml.YAMLError) as error:
        first = " ".join(str(error).split())
        raise InputError(f"the distillation's configuration is not valid: {first}") from error


def keeps(piece: str) -> bool:
    """Say whether the student keeps a piece of BERT's vocabulary.

    Non-Latin scripts, reserved entries and long numbers go: 3000 rows that no caption needs. Long
    numbers still split into kept pairs of digits.
    """
    if piece == UNKNOWN or piece in ("2d", "3d"):
        return True
    if not piece.isascii() or (piece.startswith("[") and len(piece) > 1):
        return False
    return not re.search(r"\d", piece) or len(piece.removeprefix("##")) <= 2


def whole_words(pieces: Sequence[str]) -> list[str]:
    """Return the pieces that are English-looking words of three letters or more."""
    return [p for p in pieces if p.isascii() and p.isalpha() and len(p) >= 3]


def domain_weights(tokenizer: WordPiece, share: float) -> Float[Tensor, " pieces"]:
    """Weigh the pieces for the PCA: ``share`` on those of caption words, the rest on all."""
    groups = (words.OBJECTS, words.COLOURS, words.SHADES, words.MATERIALS, words.STYLES)
    groups += (words.PARTS, words.COUNTS, words.PART_STYLES)
    groups += (tuple(words.SHAPES), *words.SHAPES.values())
    groups += (words.SHAPE_PARTS, words.SHAPE_STYLES, words.NUMBERS)
    chosen = sorted({i for group in groups for word in group for i in tokenizer.encode(word)})
    weights = torch.full((len(tokenizer),), (1 - share) / len(tokenizer))
    weights[chosen] += share / len(chosen)
    return weights


def principal_axes(
    rows: Float[Tensor, "n channels"], weights: Float[Tensor, " n"], encoder: TextEncoder
) -> Float[Tensor, "channels table_width"]:
    """Return the axes of largest weighted variance, largest first."""
    covariance = (rows * weights[:, None]).double().T @ rows.double()
    axes = torch.linalg.eigh(covariance).eigenvectors.flip(1)
    return fix_signs(axes[:, : encoder.config.table_width]).float()


def target_projection(
    answers: Float[Tensor, "n channels"], width: int
) -> Float[Tensor, "channels width"]:
    """Return the axes that keep most of the embeddings' length (not centred: cosines stay)."""
    axes = torch.linalg.eigh(answers.double().T @ answers.double()).eigenvectors.flip(1)
    return fix_signs(axes[:, :width]).float()


def fix_signs(axes: Float[Tensor, "channels n"]) -> Float[Tensor, "channels n"]:
    """Make each axis' largest entry positive, for eigenvectors come with either sign."""
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    return axes * largest.sign()


def _remember(
    cache: Path,
    name: str,
    key: str,
    teacher: MiniLM,
    inputs: Sequence[str] | Sequence[list[int]],
    progress: ProgressSink,
) -> Float[Tensor, "n channels"]:
    """Ask the teacher once; later runs read its answers (float16) from the cache."""
    path = cache / f"{name}_{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        rows = [x if isinstance(x, list) else teacher.tokenizer.encode(x) for x in inputs]
        # bf16 moves an answer by a cosine of 2e-5 and saves a fifth; the table stays exact.
        with torch.autocast("cpu", torch.bfloat16, enabled=name != "table"):
            answers = teacher.embed_ids(rows, progress=progress).astype(np.float16)
        cache.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            np.save(file, answers)
    return torch.from_numpy(np.load(path)).float()


def _lesson(
    tokenizer: WordPiece,
    corpus: Corpus,
    table: Float[Tensor, "pieces channels"],
    targets: Float[Tensor, "n width"],
    projection: Float[Tensor, "channels width"],
) -> Lesson:
    """Join the phrases with the single words, whose answers the table needed anyway."""
    singles = [
        i
        for word in whole_words(tokenizer.vocabulary)
        if word not in corpus.held_out_words and (i := tokenizer.id_of(word)) is not None
    ]
    phrases = corpus.training + corpus.shapes
    rows = [tokenizer.encode(text) for text in phrases] + [[i] for i in singles]
    joined = torch.cat([targets, table[singles] @ projection])
    return Lesson(rows, torch.nn.functional.normalize(joined, dim=-1))


@torch.no_grad()
def spread_words(encoder: TextEncoder, phrases: Sequence[str], *, shrink: float = 0.05) -> None:
    """Whiten the words of the tokens with roles, so that every direction tells equally much.

    Sentence encoders crowd all words into a cone, where "red" and "blue" or "three" and "four" are
    nearly one; what attention can tell apart is what is left without their common part.

    Args:
        encoder: Its ``spread`` is set.
        phrases: Captions like those that shape models read: their words are spread out.
        shrink: Added to all variances, as a share of their mean, so that rare directions do not
            outweigh the others.
    """
    pieces = [i for phrase in phrases for i in encoder.tokenizer.encode(phrase)]
    counts = torch.bincount(encoder.same[torch.tensor(pieces)]).double()
    weights = torch.zeros(len(encoder.tokenizer), dtype=torch.float64)
    weights[: len(counts)] = counts / counts.sum()
    rows = encoder.look_up(torch.arange(len(weights))).double()
    centre = weights @ rows
    covariance = ((rows - centre) * weights[:, None]).T @ (rows - centre)
    variances, axes = torch.linalg.eigh(covariance)
    whiten = (axes * (variances + shrink * variances.mean()).rsqrt()) @ axes.T
    encoder.spread.weight.copy_(whiten)
    encoder.spread.bias.copy_(-(whiten @ centre))


@torch.no_grad()
def start_from_regression(encoder: TextEncoder, lesson: Lesson, *, ridge: float = 1e-3) -> None:
    """Start near a static model: residual branches at zero, pooling by ridge regression.

    With the branches silent, the pooled vector is a linear map of the mean token, for which the
    best map (before its division by the length) has a closed form.

    Args:
        encoder: Changed in place.
        lesson: What to regress on.
        ridge: Penalty over the mean diagonal of the normal matrix.
    """
    for block in encoder.modules():
        if isinstance(block, Block):
            zero_(block.attention.proj)
            zero_(block.mlp.fc_out)
    zero_(encoder.weigh)
    width = encoder.config.width
    inputs = torch.empty(len(lesson.rows), width + 1)
    for at in range(0, len(lesson.rows), 4096):
        rows = lesson.rows[at : at + 4096]
        ids, lengths = pad_rows(rows, max(map(len, rows)))
        mask = torch.arange(ids.shape[1]) < lengths[:, None]
        tokens = encoder.norm(encoder.lift(encoder.look_up(ids)) + encoder.positions[: len(ids[0])])
        inputs[at : at + 4096, :width] = (tokens * mask[..., None]).sum(1) / lengths[:, None]
    inputs[:, width] = 1
    normal = inputs.T @ inputs
    normal += ridge * normal.diagonal().mean() * torch.eye(width + 1)
    solution = torch.linalg.solve(normal, inputs.T @ lesson.targets)
    # Outputs are normalised, so a common factor is free; this one gives weights their usual size.
    solution *= width**0.5
    encoder.pool.weight.copy_(solution[:width].T)
    encoder.pool.bias.copy_(solution[width])


def batches(
    lesson: Lesson, size: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield ids, lengths and targets for ever; phrases of like length go together."""
    while True:
        order = torch.randperm(len(lesson.rows), generator=generator)
        for pool in order.split(8 * size):
            ranked = sorted(pool.tolist(), key=lambda i: len(lesson.rows[i]))
            chunks = [ranked[i : i + size] for i in range(0, len(ranked), size)]
            for k in torch.randperm(len(chunks), generator=generator).tolist():
                rows = [lesson.rows[i] for i in chunks[k]]
                ids, lengths = pad_rows(rows, max(map(len, rows)))
                yield ids, lengths, lesson.targets[chunks[k]]


def distillation_loss(
    pooled: Float[Tensor, "batch width"],
    targets: Float[Tensor, "batch width"],
    pair_weight: float,
) -> Float[Tensor, ""]:
    """``mean(1 - cos)`` plus the weighted mean square error of all pairs' similarities."""
    unit = torch.nn.functional.normalize(pooled, dim=-1)
    cosine = (unit * targets).sum(-1)
    pairs = (unit @ unit.T - targets @ targets.T).square().mean()
    return (1 - cosine).mean() + pair_weight * pairs


def train(
    encoder: TextEncoder, lesson: Lesson, settings: DistillConfig, progress: ProgressSink
) -> None:
    """Fit the transformer; the table stays, so that words never trained keep their place."""
    matrices = [p for p in encoder.parameters() if p.ndim > 1]
    vectors = [p for p in encoder.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],
        lr=settings.lr,
        betas=(0.9, 0.98),
        weight_decay=settings.weight_decay,
    )
    stream = batches(lesson, settings.batch_size, make_generator(item_seed(settings.seed, 1)))
    progress.stage_started("distil", settings.steps)
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.lr * lr_factor(step, settings)
        ids, lengths, targets = next(stream)
        mask = torch.arange(ids.shape[1]) < lengths[:, None]
        loss = distillation_loss(encoder(ids, mask)[1], targets, settings.pair_weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        progress.advance(1, loss=loss.item())
    progress.stage_finished()


def lr_factor(step: int, settings: DistillConfig) -> float:
    """Linear warm-up, then half a cosine down to zero."""
    warm = min(1.0, (step + 1) / settings.warmup_steps)
    return warm * 0.5 * (1 + math.cos(math.pi * step / settings.steps))


def measure(
    encoder: TextEncoder,
    phrases: Sequence[str],
    answers: Float[Tensor, "n channels"],
    projection: Float[Tensor, "channels width"],
) -> dict[str, float]:
    """Compare the student with the teacher on phrases that it was not trained on.

    Returns:
        ``heldout_cosine`` to the projected answer; ``heldout_spearman`` of pair similarities
        against the teacher's, ``static_spearman`` the same for plain means of table rows, and
        ``projection_energy``, the share of the teacher's squared length that the targets keep.
    """
    rows = [encoder.tokenizer.encode(text) for text in phrases]
    static = torch.stack([encoder.look_up(torch.tensor(row)).mean(0) for row in rows])
    pooled = encoder.encode(list(phrases), max_tokens=encoder.config.max_tokens).pooled
    targets = torch.nn.functional.normalize(answers @ projection, dim=-1)
    unit = torch.nn.functional.normalize(pooled, dim=-1)
    return {
        "heldout_cosine": (unit * targets).sum(-1).mean().item(),
        "heldout_spearman": pair_spearman(pooled, answers),
        "static_spearman": pair_spearman(static, answers),
        "projection_energy": (
            (answers @ projection).square().sum() / answers.square().sum()
        ).item(),
    }


def pair_spearman(a: Float[Tensor, "n p"], b: Float[Tensor, "n q"]) -> float:
    """Rank correlation of the cosines of pairs (i, i + k), k up to 20, in two embeddings."""
    cosines = []
    for x in (a, b):
        unit = torch.nn.functional.normalize(x, dim=-1)
        cosines.append(torch.cat([(unit * unit.roll(k, 0)).sum(-1) for k in range(1, 21)]))
    ranks = [c.argsort().argsort().double() for c in cosines]
    return torch.corrcoef(torch.stack(ranks))[0, 1].item()

"""Text as tokens: a small encoder that ships with the package.

A static table (one row per WordPiece, distilled from a sentence encoder as in Model2Vec, Tulkens
and van Dongen 2024) lets it know words that no caption ever used; two transformer layers see how
the words of a prompt belong together. :mod:`gen3d.conditioning.distill` trains it.
"""

from __future__ import annotations

import json
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import Tensor, nn

from gen3d.conditioning.wordpiece import WordPiece
from gen3d.errors import InputError, ModelError
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.nn.attention import SelfAttention
from gen3d.nn.mlp import MLP

WEIGHTS = Path(__file__).parents[1] / "weights" / "text.safetensors"
MAX_PROMPT_WORDS = 256
MAX_PROMPT_CHARACTERS = 4096
PROMPT_TOKENS = 40
"""Tokens kept of a prompt. Full captions of the procedural library have a median of 14 and at most
33; of 24 tokens, 7 % of them lost their end."""
# A token keeps two thirds of its energy.
NEIGHBOUR_WEIGHTS = {1: 0.6, 2: 0.4}
# fmt: off
# Read as one: a sentence encoder has "3" hardly nearer to "three" than "four" is.
SAME_WORDS = {
    "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight",
    "9": "nine", "10": "ten", "11": "eleven", "12": "twelve", "gray": "grey",
}
# fmt: on
# By distance: what stands before a word tells more of it ("three blue legs") than what follows
# ("whose legs are blue").
ROLE_WEIGHTS = {-1: 1.0, -2: 0.75, -3: 0.5, 1: 0.55, 2: 0.4}
_VOCABULARY = "vocabulary"
_CONFIG = "text_encoder"


class TextConfig(BaseModel):
    """Sizes of a text encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(default=128, ge=8, description="channels of tokens and pooled vector")
    table_width: int = Field(default=64, ge=8, description="channels of the static table")
    heads: int = Field(default=4, ge=1)
    layers: int = Field(default=2, ge=1)
    mlp_ratio: float = Field(default=2.0, gt=0)
    max_tokens: int = Field(default=64, ge=1, description="longest prompt in tokens")
    roles: bool = Field(
        default=False,
        description="tokens are words beside their neighbours, not the transformer's outputs",
    )

    @model_validator(mode="after")
    def _halves_fit(self) -> TextConfig:
        if self.roles and self.width != 2 * self.table_width:
            raise ValueError("tokens with roles need a width of twice table_width")
        return self


@dataclass(frozen=True)
class TextCondition:
    """Prompts as a generative model reads them.

    Attributes:
        tokens: Root mean square 1 where ``mask`` holds, 0 elsewhere. The empty prompt is one zero
            token.
        mask: True at tokens, at least one per prompt.
        pooled: The sentence, of root mean square 1; 0 for the empty prompt.
        truncated: True for prompts of which only the first tokens were kept.
    """

    tokens: Float[Tensor, "batch tokens width"]
    mask: Bool[Tensor, "batch tokens"]
    pooled: Float[Tensor, "batch width"]
    truncated: tuple[bool, ...]

    def to(self, device: torch.device | str) -> TextCondition:
        """Move the tensors."""
        return TextCondition(
            self.tokens.to(device), self.mask.to(device), self.pooled.to(device), self.truncated
        )


def validate_prompt(text: str) -> str:
    """Check a user's prompt and return it composed (NFC), with single spaces.

    Raises:
        InputError: It is empty, or longer than anything a model could follow.
    """
    words = unicodedata.normalize("NFC", text).split()
    if not any(char.isprintable() for word in words for char in word):
        raise InputError("the prompt is empty", hint='say what to make, such as "a red chair"')
    if len(words) > MAX_PROMPT_WORDS:
        raise InputError(
            f"the prompt has {len(words)} words, expected at most {MAX_PROMPT_WORDS}",
            hint="describe one object in a sentence",
        )
    cleaned = " ".join(words)
    if len(cleaned) > MAX_PROMPT_CHARACTERS:
        raise InputError(
            f"the prompt has {len(cleaned)} characters, expected at most {MAX_PROMPT_CHARACTERS}",
            hint="describe one object in a sentence",
        )
    return cleaned


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = MLP(width, ratio=mlp_ratio)

    def forward(
        self, x: Float[Tensor, "batch tokens width"], mask: Bool[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch tokens width"]:
        """Let the tokens look at each other, then map each."""
        x = x + self.attention(self.attention_norm(x), mask)
        return x + self.mlp(self.mlp_norm(x))


class TextEncoder(nn.Module):
    """Prompts to tokens and a pooled vector.

    Args:
        tokenizer: The vocabulary; row i of the table belongs to piece i.
        config: Sizes.

    Attributes:
        source: The file it was read from, if it was.
    """

    table: Tensor
    scales: Tensor
    same: Tensor

    def __init__(self, tokenizer: WordPiece, config: TextConfig) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.config = config
        self.source: Path | None = None
        rows = len(tokenizer)
        # Eight bits and a scale per row: see docs/model-cards/text.md for what that costs.
        self.register_buffer("table", torch.zeros(rows, config.table_width, dtype=torch.int8))
        self.register_buffer("scales", torch.zeros(rows, 1, dtype=torch.float16))
        if config.roles:
            same = torch.arange(rows)
            for word, other in SAME_WORDS.items():
                known = tokenizer.id_of(word), tokenizer.id_of(other)
                if known[0] is not None and known[1] is not None:
                    same[known[0]] = known[1]
            self.register_buffer("same", same, persistent=False)
            self.spread = nn.Linear(config.table_width, config.table_width)
        self.lift = nn.Linear(config.table_width, config.width)
        self.positions = nn.Parameter(torch.randn(config.max_tokens, config.width) * 0.02)
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.mlp_ratio) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width, elementwise_affine=False)
        self.weigh = nn.Linear(config.width, 1)
        self.pool = nn.Linear(config.width, config.width)

    @property
    def width(self) -> int:
        """Channels of tokens and of the pooled vector."""
        return self.config.width

    @staticmethod
    def load(path: Path | None = None) -> TextEncoder:
        """Read an encoder, frozen; the shipped one by default.

        Raises:
            ModelError: The file is missing or damaged.
        """
        path = path or WEIGHTS
        tensors, metadata = load_tensors(path)
        try:
            config = TextConfig.model_validate_json(metadata[_CONFIG])
            packed = tensors.pop(_VOCABULARY)
            pieces = zlib.decompress(packed.numpy().tobytes()).decode().split("\n")
            encoder = TextEncoder(WordPiece(pieces), config)
            encoder.load_state_dict(tensors)
        except (KeyError, ValidationError, zlib.error, UnicodeDecodeError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(
                f"{path} holds no readable text encoder: {reason}", hint="reinstall gen3d"
            ) from error
        encoder.source = path
        return encoder.eval().requires_grad_(False)

    def save(self, path: Path, *, metadata: dict[str, str] | None = None) -> None:
        """Write everything, vocabulary included, into one safetensors file.

        Raises:
            OutputError: The file cannot be written.
        """
        tensors = {
            name: value if name in ("table", "scales") else value.half()
            for name, value in self.state_dict().items()
        }
        packed = zlib.compress("\n".join(self.tokenizer.vocabulary).encode(), 9)
        tensors[_VOCABULARY] = torch.frombuffer(bytearray(packed), dtype=torch.uint8)
        config = json.dumps(self.config.model_dump(), sort_keys=True)
        save_tensors(tensors, path, metadata={**(metadata or {}), _CONFIG: config})

    def set_table(self, rows: Float[Tensor, "pieces table_width"]) -> None:
        """Quantise a table to eight bits, with one scale per row."""
        scales = (rows.abs().amax(1, keepdim=True) / 127).clamp_min(1e-6).half()
        self.scales.copy_(scales)
        self.table.copy_((rows / scales.float()).round().clamp(-127, 127).to(torch.int8))

    def look_up(self, ids: Int[Tensor, "*batch"]) -> Float[Tensor, "*batch table_width"]:
        """Return the table's rows in float32."""
        return self.table[ids].float() * self.scales[ids].float()

    def forward(
        self, ids: Int[Tensor, "batch tokens"], mask: Bool[Tensor, "batch tokens"]
    ) -> tuple[Float[Tensor, "batch tokens width"], Float[Tensor, "batch width"]]:
        """Encode piece numbers; every row of ``mask`` needs a True.

        Returns:
            Tokens (0 where masked) and pooled vectors, each of root mean square 1.
        """
        words = self.look_up(self.same[ids] if self.config.roles else ids)
        x = self.lift(words) + self.positions[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, mask)
        tokens = self.norm(x) * mask[..., None]
        # Learned weights, since "a" and "with" say less than "chair".
        weights = self.weigh(tokens).squeeze(-1).masked_fill(~mask, -torch.inf).softmax(-1)
        mean = (weights[..., None] * tokens).sum(1)
        pooled = nn.functional.normalize(self.pool(mean), dim=-1) * self.width**0.5
        if self.config.roles:
            return role_tokens(self.spread(words), mask), pooled
        return bind_neighbours(tokens) * mask[..., None], pooled

    @torch.no_grad()
    def encode(self, prompts: Sequence[str], *, max_tokens: int = PROMPT_TOKENS) -> TextCondition:
        """Encode prompts, padded to ``max_tokens`` so that shapes never depend on the words.

        The empty string is the unconditional prompt.

        Args:
            prompts: Any texts; user input goes through :func:`validate_prompt` first.
            max_tokens: Tokens kept per prompt, at most ``config.max_tokens``.

        Raises:
            InputError: ``max_tokens`` is out of range.
        """
        if not 1 <= max_tokens <= self.config.max_tokens:
            raise InputError(
                f"max_tokens must lie in 1..{self.config.max_tokens}, got {max_tokens}"
            )
        rows = [self.tokenizer.encode(prompt) for prompt in prompts]
        device = self.positions.device
        ids, lengths = pad_rows([row[:max_tokens] for row in rows], max_tokens)
        spoken = (lengths > 0).to(device)
        # An empty prompt still has one key to attend to; its outputs are then set to zero.
        mask = torch.arange(max_tokens) < lengths.clamp_min(1)[:, None]
        tokens, pooled = self(ids.to(device), mask.to(device))
        return TextCondition(
            tokens * spoken[:, None, None],
            mask.to(device),
            pooled * spoken[:, None],
            tuple(len(row) > max_tokens for row in rows),
        )


def bind_neighbours(
    tokens: Float[Tensor, "batch tokens width"],
) -> Float[Tensor, "batch tokens width"]:
    """Mix into each token the two before it, with their channels rolled.

    The shape models read tokens as a set, and sentence similarity hardly teaches word order, so
    ``red chair with blue legs`` must carry which colour precedes which noun. Rolling channels marks
    the role of what is added (binding by permutation, Kanerva 2009, Hyperdimensional computing).

    Returns:
        Tokens of root mean square 1.
    """
    mixed = tokens
    for distance, weight in NEIGHBOUR_WEIGHTS.items():
        earlier = nn.functional.pad(tokens, (0, 0, distance, 0))[:, : tokens.shape[1]]
        shift = distance * tokens.shape[-1] // 3
        mixed = mixed + weight * earlier.roll(shift, dims=-1)
    return nn.functional.rms_norm(mixed, mixed.shape[-1:])


def role_tokens(
    words: Float[Tensor, "batch tokens half"], mask: Bool[Tensor, "batch tokens"]
) -> Float[Tensor, "batch tokens width"]:
    """Put beside each word the sum of its neighbours, each turned by its place.

    The first half of a token says which word it is, the second what stands around it: in
    ``a white mug with a blue handle`` the token of ``mug`` holds ``white`` and that of ``handle``
    holds ``blue``. Attention over the set of tokens can thus read which colour or number belongs to
    which part, also for words never seen together (binding by permutation, Kanerva 2009).

    Args:
        words: Vectors of which any direction matters alike (whitened).
        mask: True at words.

    Returns:
        Tokens of root mean square 1, 0 where masked.
    """
    own = nn.functional.normalize(words, dim=-1) * mask[..., None]
    length, half = own.shape[1:]
    channels = torch.arange(half, device=own.device)
    around = torch.zeros_like(own)
    for place, (distance, weight) in enumerate(ROLE_WEIGHTS.items()):
        before, after = max(-distance, 0), max(distance, 0)
        moved = nn.functional.pad(own, (0, 0, before, after))[:, after : after + length]
        # A roll and a Walsh function's signs: an orthogonal map that needs no storage.
        moved = moved.roll((place + 1) * half // (len(ROLE_WEIGHTS) + 1), dims=-1)
        around = around + weight * moved * (1 - 2 * (channels >> place & 1))
    tokens = torch.cat([own, nn.functional.normalize(around, dim=-1)], dim=-1)
    return nn.functional.rms_norm(tokens, tokens.shape[-1:]) * mask[..., None]


def pad_rows(
    rows: Sequence[list[int]], length: int
) -> tuple[Int[Tensor, "batch length"], Int[Tensor, " batch"]]:
    """Pad token rows with zeros to one length; returns ids and true lengths."""
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows], dtype=torch.long)
    return ids.reshape(len(rows), length), torch.tensor([len(row) for row in rows])

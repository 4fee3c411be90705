"""From latent tokens to values at any point: occupancy logits or colours."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from gen3d.nn.attention import KeysValues
from gen3d.nn.blocks import CrossBlock
from gen3d.nn.fourier import FourierFeatures
from gen3d.vecset.config import QueryDecoderConfig, VAEConfig


class QueryDecoder(nn.Module):
    """Each query point looks at all tokens once: cross-attention, MLP, linear output.

    Args:
        config: The whole autoencoder's sizes.
        decoder: This part's.
        fourier: Features of points, shared with the encoder.
        outputs: Values per query.
    """

    def __init__(
        self,
        config: VAEConfig,
        decoder: QueryDecoderConfig,
        fourier: FourierFeatures,
        *,
        outputs: int,
    ) -> None:
        super().__init__()
        width = decoder.width
        self.fourier = fourier
        self.query_proj = nn.Linear(fourier.out_dim, width)
        self.latents_proj: nn.Module = nn.Identity()
        if decoder.project_latents:
            self.latents_proj = nn.Linear(config.width, width)
        self.cross = CrossBlock(
            width,
            decoder.heads,
            context_width=width if decoder.project_latents else config.width,
            mlp_ratio=decoder.mlp_ratio,
            gelu=config.gelu,
            norm_eps=config.norm_eps,
            qkv_bias=config.qkv_bias,
            qk_norm=decoder.qk_norm,
            zero_init=config.zero_init,
        )
        self.ln_post = nn.LayerNorm(width, eps=1e-5) if decoder.ln_post else nn.Identity()
        self.output_proj = nn.Linear(width, outputs)

    def keys_values(self, tokens: Float[Tensor, "batch latents width"]) -> KeysValues:
        """Prepare a shape's tokens once, for any number of queries."""
        return self.cross.keys_values(self.latents_proj(tokens))

    def forward(
        self, queries: Float[Tensor, "batch n 3"], shape: KeysValues
    ) -> Float[Tensor, "batch n outputs"]:
        """Return the raw values at ``queries`` (network frame)."""
        features = self.fourier(queries).to(self.query_proj.weight.dtype)
        return self.output_proj(self.ln_post(self.cross(self.query_proj(features), shape)))

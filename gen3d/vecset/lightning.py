"""Narrower geometry decoders for a trained autoencoder: first weights, assembly, cost.

FlashVDM (arXiv 2503.16302, section 3.3) exchanges the geometry decoder alone for one of half the
width and heads and a quarter of the MLP; encoder, latents and latent transformer stay as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gen3d.vecset.config import QueryDecoderConfig, VAEConfig
from gen3d.vecset.query_decoder import QueryDecoder
from gen3d.vecset.vae import ShapeVAE


def lightning_decoder(vae: ShapeVAE, decoder: QueryDecoderConfig, *, seed: int = 0) -> QueryDecoder:
    """Make a trainable geometry decoder that starts from the autoencoder's own.

    Every weight is the leading part (channels, hidden channels, heads and channels of each head)
    of its namesake; at equal sizes the new decoder computes exactly what the old one does. Weights
    without a large enough namesake start at random, but a projection of the latents that the old
    decoder lacks passes on the leading channels.

    Args:
        vae: The trained autoencoder.
        decoder: Sizes of the new decoder.
        seed: Of weights that start at random.
    """
    full = vae.geometry
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        narrow = QueryDecoder(vae.config, decoder, full.fourier, outputs=1)
    if isinstance(narrow.latents_proj, nn.Linear) and isinstance(full.latents_proj, nn.Identity):
        nn.init.eye_(narrow.latents_proj.weight)
        nn.init.zeros_(narrow.latents_proj.bias)
    theirs, ours = full.state_dict(), narrow.state_dict()
    for name in theirs.keys() & ours.keys():
        source = _by_head(name, theirs[name], full.cross.attention.heads)
        target = _by_head(name, ours[name], narrow.cross.attention.heads)
        if all(a <= b for a, b in zip(target.shape, source.shape, strict=True)):
            target.copy_(source[tuple(slice(n) for n in target.shape)])
    return narrow.to(vae.from_latent.weight.device)


def with_geometry(
    vae: ShapeVAE, decoder: QueryDecoderConfig, weights: dict[str, Tensor]
) -> ShapeVAE:
    """Return a copy of an autoencoder with another geometry decoder, in eval mode and frozen.

    Args:
        vae: Where all other weights come from.
        decoder: Sizes of the decoder.
        weights: Its state dict.

    Raises:
        RuntimeError: The weights are not of those sizes.
    """
    with torch.random.fork_rng(devices=[]):
        made = ShapeVAE(vae.config.model_copy(update={"geometry": decoder}))
    kept = {n: x for n, x in vae.state_dict().items() if not n.startswith("geometry.")}
    made.load_state_dict(kept | {f"geometry.{name}": x for name, x in weights.items()})
    return made.to(vae.from_latent.weight.device).eval().requires_grad_(False)


def query_macs(
    config: VAEConfig, decoder: QueryDecoderConfig | None = None, *, keys: float | None = None
) -> float:
    """Count the multiplications of one query, keys and values given, as the plain layers do them.

    Args:
        config: The autoencoder.
        decoder: Another geometry decoder than the config's.
        keys: Keys per head, in the mean; all latents by default.
    """
    decoder = decoder or config.geometry
    keys = config.num_latents if keys is None else keys
    width, features = decoder.width, 3 * (2 * config.fourier.num_freqs + 1)
    inner = width // decoder.heads * decoder.heads
    attention = 2 * width * inner + 2 * keys * inner
    return features * width + attention + 2 * width * round(width * decoder.mlp_ratio) + width


def _by_head(name: str, weight: Tensor, heads: int) -> Tensor:
    """View a weight with heads as an axis of their own where it has them."""
    if name.startswith("cross.attention.q."):
        return weight.unflatten(0, (heads, -1))
    if name.startswith("cross.attention.kv."):
        return weight.unflatten(0, (2, heads, -1))
    if name == "cross.attention.proj.weight":
        return weight.unflatten(1, (heads, -1))
    return weight

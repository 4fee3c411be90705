"""Names and shapes of the published networks, written out without our code."""

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def _both(shapes: Shapes, name: str, weight: tuple[int, ...]) -> None:
    shapes[f"{name}.weight"], shapes[f"{name}.bias"] = weight, weight[:1]


def _batch_norm(shapes: Shapes, name: str, width: int) -> None:
    for part in ("weight", "bias", "running_mean", "running_var"):
        shapes[f"{name}.{part}"] = (width,)
    shapes[f"{name}.num_batches_tracked"] = ()


def rin_layout(
    width: int, latents: int, blocks: int, computes: int, global_widths: tuple[int, ...]
) -> Shapes:
    shapes: Shapes = {"z_init": (1, latents, width)}
    channels = 3
    for i, out in enumerate(global_widths):
        _both(shapes, f"global_cond.net.{3 * i}", (out, channels, 1))
        _batch_norm(shapes, f"global_cond.net.{3 * i + 1}", out)
        channels = out
    _both(shapes, "input_proj", (width, 3))
    for name in ("ln_pre", "ln_latent", "ln_post"):
        _both(shapes, name, (width,))
    for name in ("time_embed", "latent_mlp"):
        _both(shapes, f"{name}.fc1", (4 * width, width))
        _both(shapes, f"{name}.fc2", (width, 4 * width))
    for i in range(blocks):
        parts = {
            "read": ("norm_x", "norm_z1", "norm_z2"),
            "write": ("norm_z", "norm_x1", "norm_x2"),
        }
        parts |= {f"compute.{j}": ("norm_z1", "norm_z2") for j in range(computes)}
        for part, norms in parts.items():
            name = f"blocks.{i}.{part}"
            for norm in norms:
                _both(shapes, f"{name}.{norm}", (width,))
            for matrix in ("wq", "wk", "wv", "proj"):
                _both(shapes, f"{name}.attn.{matrix}", (width, width))
            _both(shapes, f"{name}.mlp.fc1", (4 * width, width))
            _both(shapes, f"{name}.mlp.fc2", (width, 4 * width))
    _both(shapes, "output_proj", (3, width))
    return shapes


def _squash(shapes: Shapes, name: str, width: int) -> None:
    _both(shapes, f"{name}._layer", (width, width, 1))
    shapes[f"{name}._hyper_bias.weight"] = (width, 3)
    _both(shapes, f"{name}._hyper_gate", (width, 3))


Levels = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


def pufm_layout(
    levels: Levels, ups: tuple[tuple[int, ...], ...], head: int, *, attention: bool
) -> Shapes:
    """``levels`` from fine to coarse, ``ups`` for fp4, fp3, fp2, fp1."""
    shapes: Shapes = {}
    channels, outs = 48, []
    for level, scales in enumerate(levels, 1):
        for s, widths in enumerate(scales):
            before = channels + 3
            for j, out in enumerate(widths):
                _both(shapes, f"sa{level}.conv_blocks.{s}.{j}", (out, before, 1, 1))
                _batch_norm(shapes, f"sa{level}.bn_blocks.{s}.{j}", out)
                before = out
        channels = scales[0][-1] + scales[1][-1]
        outs.append(channels)
        if level < 4 or not attention:
            _squash(shapes, f"cond{level}", channels)
    coarse = outs[3]
    for number, widths in zip((4, 3, 2, 1), ups, strict=True):
        before = coarse + (outs[number - 2] if number > 1 else 0)
        for j, out in enumerate(widths):
            _both(shapes, f"fp{number}.mlp_convs.{j}", (out, before, 1))
            _batch_norm(shapes, f"fp{number}.mlp_bns.{j}", out)
            before = out
        coarse = widths[-1]
        if number > 1:
            _squash(shapes, f"cond{9 - number}", coarse)
    _both(shapes, "conv1", (head, coarse, 1))
    _both(shapes, "conv2", (3, head, 1))
    if attention:
        _attention(shapes, outs[3])
    return shapes


def _attention(shapes: Shapes, width: int) -> None:
    for name in ("q_conv", "k_conv", "v_conv"):
        _both(shapes, f"attn.{name}", (width, width, 1))
    for name, channels in (("geo_mlp", 3), ("rel_mlp", width)):
        _both(shapes, f"attn.{name}.0", (width // 2, channels, 1, 1))
        _batch_norm(shapes, f"attn.{name}.1", width // 2)
        _both(shapes, f"attn.{name}.3", (width, width // 2, 1, 1))
    _both(shapes, "attn.out_conv.0", (2 * width, width, 1))
    _batch_norm(shapes, "attn.out_conv.1", 2 * width)
    _both(shapes, "attn.out_conv.3", (width, 2 * width, 1))
    _batch_norm(shapes, "attn.out_conv.4", width)
    _squash(shapes, "attn.time_cond", width)


def random_state(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(shape, generator=generator)
        else:
            state[name] = 0.3 * torch.randn(shape, generator=generator)
    return state

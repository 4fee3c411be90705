"""What cheaper decoders lose: selections of keys, and a narrower network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from statistics import median_high

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gen3d.bench.decode_speed import TimedField
from gen3d.bench.rows import Row, Rows
from gen3d.geometry.metrics import volume_iou
from gen3d.ops.isosurface import CORNER_OFFSETS
from gen3d.ops.volume_packing import KeySelection, PackedDecoder, PackedShape
from gen3d.runtime.progress import ProgressSink
from gen3d.vecset.decode import DecodedField, DecodeMode, QueryGroups, decode_field
from gen3d.vecset.extract import shape_field
from gen3d.vecset.field import GeometryField, KeySelector
from gen3d.vecset.key_selection import MassSelector, MeanSelector, MergeSelector
from gen3d.vecset.lightning import query_macs
from gen3d.vecset.vae import ShapeVAE

SELECTORS: Mapping[str, tuple[Callable[[int], KeySelector], DecodeMode]] = {
    "mean": (MeanSelector, "flashvdm"),
    "merge": (MergeSelector, "flashvdm"),
    "mass": (MassSelector, "sparse"),
}
"""Ways to choose keys, each with the mode of decoding that it belongs to."""


@torch.no_grad()
def selection_rows(
    vae: ShapeVAE,
    latents: Float[Tensor, "shapes latents channels"],
    resolution: int,
    rows: Rows,
    progress: ProgressSink,
) -> dict[str, Row]:
    """Decode with third, half and two thirds of the keys, and compare with all of them.

    Args:
        vae: The autoencoder.
        latents: As it takes them.
        resolution: Cells per axis.
        rows: Finished measurements.
        progress: Where to report.

    Returns:
        By ``mean_16`` and so on ``iou_lost`` (1 - volume IoU of the grid's samples against the
        same mode with all keys, averaged over shapes; ``iou_lost_max`` is the worst) and
        ``flop_saved`` (share of the decoder's operations by the published count, the choice of
        keys not counted).
    """
    tokens = vae.config.num_latents
    counts = sorted({max(tokens // 3, 1), max(tokens // 2, 1), max(2 * tokens // 3, 1)})
    cases = [(name, k) for name in SELECTORS for k in counts]
    progress.stage_started("selections of keys", len(cases))

    @cache
    def all_keys(i: int, mode: DecodeMode) -> Bool[Tensor, " n"]:
        return _inside(vae, latents[i], mode, resolution, None)

    def measure(name: str, k: int) -> Row:
        make, mode = SELECTORS[name]
        found = []
        for i, latent in enumerate(latents):
            counted = _Counted(make(k))
            inside = _inside(vae, latent, mode, resolution, counted)
            keys = counted.pairs / counted.queries
            lost = 1 - float(volume_iou(inside, all_keys(i, mode)))
            saved = 1 - _flop(vae, keys) / _flop(vae, tokens)
            found.append({"iou_lost": lost, "flop_saved": saved, "keys": keys})
        return _means(found)

    found = {}
    for name, k in cases:
        settings = [name, k, len(latents), resolution]
        found[f"{name}_{k}"] = rows.get(
            "selection", settings, lambda name=name, k=k: measure(name, k)
        )
        progress.advance()
    progress.stage_finished()
    return found


@torch.no_grad()
def lightning_row(
    vae: ShapeVAE,
    lightning: ShapeVAE,
    latents: Float[Tensor, "shapes latents channels"],
    resolution: int,
) -> Row:
    """Compare another geometry decoder with a model's own, both sparse with all keys.

    Args:
        vae: The autoencoder.
        lightning: The same with another geometry decoder.
        latents: As both take them.
        resolution: Cells per axis.

    Returns:
        ``iou_lost``, ``iou_lost_max`` and ``flop_saved`` as :func:`selection_rows`, and the
        seconds in the fields, ``full_s`` and ``lightning_s``.
    """
    flops = [_flop(one, one.config.num_latents) for one in (vae, lightning)]
    found = []
    for latent in latents:
        decoded, seconds = [], []
        for one in (vae, lightning):
            bounds = (-one.config.bounds, one.config.bounds)
            field = TimedField(shape_field(one, one.decode(latent[None])))
            decode_field(field, 32, bounds=bounds, device=latent.device)
            field.seconds = 0.0
            decoded.append(decode_field(field, resolution, bounds=bounds, device=latent.device))
            seconds.append(field.seconds)
        iou = volume_iou(*(occupied(one).flatten() for one in decoded))
        found.append({"iou_lost": 1 - float(iou), "full_s": seconds[0], "lightning_s": seconds[1]})
    times = {name: median_high([row[name] for row in found]) for name in ("full_s", "lightning_s")}
    return _means(found) | times | {"flop_saved": 1 - flops[1] / flops[0]}


def occupied(decoded: DecodedField) -> Bool[Tensor, "s s s"]:
    """Return which samples of the grid are inside: each line's last known sign carries on."""
    side = decoded.resolution + 1
    device = decoded.cells.device
    signs = torch.zeros(side, side, side, dtype=torch.int8, device=device)
    offsets = torch.tensor(CORNER_OFFSETS, device=device)
    x, y, z = (decoded.cells.long()[:, None] + offsets).unbind(-1)
    signs[x, y, z] = torch.where(decoded.corner_values > 0, 1, -1).to(torch.int8)
    place = torch.arange(side, device=device) * (signs != 0)
    # Before the first known sample of a line is the wall, which is outside.
    return signs.gather(2, place.cummax(2).values) > 0


class _Counted:
    """A selector that counts pairs of query and key, and those without a selection."""

    def __init__(self, selector: KeySelector) -> None:
        self.selector = selector
        self.pairs = self.queries = 0

    def __call__(
        self, decoder: PackedDecoder, shape: PackedShape, points: Tensor, groups: QueryGroups
    ) -> Sequence[KeySelection]:
        chosen = self.selector(decoder, shape, points, groups)
        self.queries += len(points)
        self.pairs += sum(int(one.offsets[-1]) * one.keys.shape[-1] for one in chosen)
        return chosen


def _inside(
    vae: ShapeVAE,
    latent: Float[Tensor, "latents channels"],
    mode: DecodeMode,
    resolution: int,
    selector: KeySelector | None,
) -> Bool[Tensor, " n"]:
    shape, bounds = vae.decode(latent[None]).geometry, vae.config.bounds
    field = GeometryField(vae.geometry, shape, bounds=bounds, selector=selector)
    found = decode_field(
        field,
        resolution,
        mode=mode,
        bounds=(-bounds, bounds),
        grouped=selector is not None,
        device=latent.device,
    )
    return occupied(found).flatten()


def _flop(vae: ShapeVAE, keys: float) -> float:
    return 2 * query_macs(vae.config, keys=keys)


def _means(found: list[Row]) -> Row:
    row = {name: sum(one[name] for one in found) / len(found) for name in found[0]}
    return row | {"iou_lost_max": max(one["iou_lost"] for one in found)}

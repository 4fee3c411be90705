"""Many pictures on one, each with a caption."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from gen3d.errors import InputError

_GAP = 6
_PAPER = (255, 255, 255)
_INK = (45, 45, 48)


def contact_sheet(
    images: Sequence[UInt8[np.ndarray, "h w c"]],
    labels: Sequence[str] | None = None,
    columns: int | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
    """Lays pictures out in rows on white, with a line of text under each.

    Args:
        images: sRGB bytes with 3 or 4 channels; sizes may differ, cells take the largest.
        labels: One caption per picture; shortened with an ellipsis where too wide.
        columns: Pictures per row; near a square sheet where None.

    Returns:
        The sheet, sRGB bytes.

    Raises:
        InputError: There is no picture, or the number of labels differs.
    """
    if not images:
        raise InputError("no images were given for the contact sheet")
    if labels is not None and len(labels) != len(images):
        raise InputError(f"{len(labels)} labels for {len(images)} images")
    columns = columns or max(1, round(len(images) ** 0.5 * 1.2))
    columns = min(columns, len(images))
    cell_h, cell_w = (max(image.shape[axis] for image in images) for axis in range(2))
    font_size = max(10, cell_w // 16)
    font = ImageFont.load_default(size=font_size)
    text_h = round(font_size * 1.6) if labels is not None else 0
    rows = -(-len(images) // columns)
    sheet_w = columns * (cell_w + _GAP) + _GAP
    sheet_h = rows * (cell_h + text_h + _GAP) + _GAP
    sheet = Image.new("RGB", (sheet_w, sheet_h), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, array in enumerate(images):
        image = Image.fromarray(np.ascontiguousarray(array))
        left = _GAP + (i % columns) * (cell_w + _GAP)
        top = _GAP + (i // columns) * (cell_h + text_h + _GAP)
        at = (left + (cell_w - image.width) // 2, top + (cell_h - image.height) // 2)
        sheet.paste(image, at, image if image.mode == "RGBA" else None)
        if labels is not None:
            text = _shortened(labels[i], draw, font, cell_w - 2 * _GAP)
            x = left + (cell_w - draw.textlength(text, font=font)) / 2
            draw.text((x, top + cell_h + 0.15 * font_size), text, fill=_INK, font=font)
    return np.asarray(sheet).copy()


def _shortened(
    text: str,
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    width: int,
) -> str:
    text = " ".join(text.split())
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text.rstrip() + "…"

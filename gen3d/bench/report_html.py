"""One HTML file with figures, tables and pictures, nothing outside it needed."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from gen3d.bench.rows import Table
from gen3d.runtime.atomic import atomic_write

# Pictures of shapes have few colours; 64 make them a third as large.
_COLOURS = 64

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light; }}
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
  padding: 0 1rem; color: #2d2d30; background: #fff; }}
h1 {{ font-size: 1.6rem; }}
h2 {{ font-size: 1.15rem; margin-top: 2.2rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #e4e4e7; text-align: left; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: .85rem; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.gallery {{ display: flex; flex-wrap: wrap; gap: .6rem; }}
figure {{ margin: 0; max-width: 15rem; border: 2px solid #e4e4e7; border-radius: 6px;
  padding: .2rem; font-size: .75rem; }}
figure.wrong {{ border-color: #d33; }}
figcaption {{ contain: inline-size; }}
figcaption b {{ color: #b11; font-weight: 600; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


@dataclass(frozen=True)
class Gallery:
    """Pictures under a heading.

    Attributes:
        title: The heading.
        tiles: Picture, caption, and what is wrong ("" for nothing) of each.
    """

    title: str
    tiles: Sequence[tuple[UInt8[np.ndarray, "h w c"], str, str]]


def write_html(
    title: str,
    notes: Mapping[str, str],
    tables: Sequence[Table],
    galleries: Sequence[Gallery],
    path: Path | str,
) -> None:
    """Write the report, whole or not at all; equal content gives equal bytes.

    Args:
        title: Of the page.
        notes: Where and on what it was measured.
        tables: The first is shown open, the others folded.
        galleries: Pictures.
        path: The file.

    Raises:
        OutputError: The file cannot be written.
    """
    body = [_table(table) for table in tables[:1]]
    body += [_gallery(gallery) for gallery in galleries if gallery.tiles]
    body += [
        f"<details><summary>{html.escape(table[0])}</summary>{_table(table)}</details>"
        for table in tables[1:]
    ]
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in notes.items()
    )
    body.append(f"<h2>Notes</h2><dl>{rows}</dl>")
    page = _PAGE.format(title=html.escape(title), body="\n".join(body))
    with atomic_write(path) as file:
        file.write(page.encode())


def data_uri(image: UInt8[np.ndarray, "h w c"]) -> str:
    """Return a picture as a small PNG within an address."""
    picture = Image.fromarray(np.ascontiguousarray(image[..., :3])).quantize(_COLOURS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _table(table: Table) -> str:
    title, head, rows = table
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<h2>{html.escape(title)}</h2><table><tr>{top}</tr>{lines}</table>"


def _gallery(gallery: Gallery) -> str:
    wrong = sum(bool(fault) for _, _, fault in gallery.tiles)
    figures = "".join(_figure(*tile) for tile in gallery.tiles)
    title = f"{html.escape(gallery.title)} ({len(gallery.tiles)}, {wrong} marked)"
    return f'<h2>{title}</h2><div class="gallery">{figures}</div>'


def _figure(image: UInt8[np.ndarray, "h w c"], caption: str, wrong: str) -> str:
    text = html.escape(caption) + (f"<br><b>{html.escape(wrong)}</b>" if wrong else "")
    style = ' class="wrong"' if wrong else ""
    height, width = image.shape[:2]
    return (
        f'<figure{style}><img src="{data_uri(image)}" width="{width}" height="{height}" '
        f'alt="{html.escape(caption, quote=True)}"><figcaption>{text}</figcaption></figure>'
    )

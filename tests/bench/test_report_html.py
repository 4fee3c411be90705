"""The report's page."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from gen3d.bench.report_html import Gallery, data_uri, write_html


def test_page_holds_all_it_shows_and_nothing_else(tmp_path: Path) -> None:
    image = np.full((4, 6, 3), 200, np.uint8)
    tables = [("quality", ("figure", "value"), [["a<b", "0.5"]]), ("more", ("", "n"), [["x", "1"]])]
    gallery = Gallery("Prompts", [(image, "a <mug>", ""), (image, "a hat", "seen as bowl")])
    write_html("Quality & more", {"model": "mini"}, tables, [gallery], tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "Quality &amp; more" in page
    assert "a&lt;b" in page and "a &lt;mug&gt;" in page
    assert page.count('<figure class="wrong">') == 1 and "seen as bowl" in page
    assert "Prompts (2, 1 marked)" in page
    assert page.count("src=") == page.count('src="data:image/png;base64,') == 2
    assert "http" not in page


def test_inlined_picture_keeps_its_colours() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4], image[4:] = (250, 10, 20), (255, 255, 255)
    data = base64.b64decode(data_uri(image).partition(",")[2])
    found = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert np.abs(found - image).max() <= 2

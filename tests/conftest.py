"""What tests of several rooms share: tiny published models, and a picture to feed them."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Processes that tests start find the tests' own classes; last, so that gen3d is the installed one.
sys.path.append(str(Path(__file__).parent.parent))


@pytest.fixture(scope="session")
def tiny_published(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a tiny random published model, once per kind; do not change its files."""
    source = Path(__file__).parent / "vecset" / "tiny_published.py"
    spec = importlib.util.spec_from_file_location("tiny_published", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: dict[tuple, Path] = {}

    def make(family: str = "2.0", **options: object) -> Path:
        key = (family, *sorted(options.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("published")
            made[key] = module.make_tiny_published(folder, family, **options)
        return made[key]

    return make


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A disc with a gradient, cut out."""
    y, x = np.mgrid[-1:1:48j, -1:1:40j]
    rgba = np.zeros((48, 40, 4), dtype=np.uint8)
    rgba[..., 0], rgba[..., 1] = 100 + 100 * x, 100 + 100 * y
    rgba[..., 3] = 255 * (x**2 + y**2 < 0.6)
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(rgba).save(folder / "photo.png")
    return folder / "photo.png"

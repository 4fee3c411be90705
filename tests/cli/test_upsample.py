import json
from pathlib import Path

import numpy as np
import pytest

from gen3d.cli.main import main
from gen3d.geometry.cloud import PointCloud
from gen3d.io import load, save


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    points = np.random.default_rng(0).normal(size=(80, 3))
    save(PointCloud(points), tmp_path / "scan.ply")
    return tmp_path / "scan.ply"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["upsample", *map(str, arguments)])
    return int(stop.value.code or 0)


def test_writes_the_file_and_prints_its_path(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dense.ply"
    figures = tmp_path / "figures.json"
    arguments = (scan, "-r", 3, "-o", out, "--model", "midpoint", "--json", figures)
    assert run(*arguments, "--keep-input", "--outliers", 3) == 0
    assert capsys.readouterr().out.strip() == str(out)
    found = json.loads(figures.read_text())
    assert found["points_in"] == 80
    dense = load(out)
    assert isinstance(dense, PointCloud)
    assert len(dense) == found["points_out"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("-r", "0"), "rate must be more than 1"),
        (("--tile", "5"), "tile must be 0 or at least 1024"),
        (("--steps", "0"), "steps must lie in 1..1000"),
        (("--keep-input", "--denoise"), "cannot both be kept and denoised"),
        (("--model", "nothing.safetensors"), "nothing.safetensors"),
    ],
)
def test_mistakes_are_one_line_and_code_2(
    scan: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    line: str,
) -> None:
    out = tmp_path / "dense.ply"
    assert run(scan, "-o", out, *arguments) == 2
    said = capsys.readouterr().err.strip()
    assert line in said
    assert "\n" not in said
    assert not out.exists()

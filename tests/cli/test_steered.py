"""``gen3d complete`` and ``gen3d edit`` as users meet them."""

import json
from pathlib import Path

import numpy as np
import pytest

from gen3d.cli.main import main
from gen3d.geometry.cloud import PointCloud
from gen3d.geometry.mesh import Mesh
from gen3d.io import save

QUICK = ["--steps", "2", "--resolution", "32", "--device", "cpu", "--seed", "1"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    rows = np.random.default_rng(0).normal(size=(200, 3))
    rows[:, 0] = np.abs(rows[:, 0])
    normals = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return save(PointCloud(400 * normals, normals), tmp_path / "scan.ply")


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) / 2.0
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    return save(Mesh(corners, faces), tmp_path / "mesh.glb")


def test_complete_says_what_to_do_about_millimetres(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.glb"
    code, _, err = run(["complete", str(scan), "-o", str(out), *QUICK], capsys)
    assert code == 2
    assert err.count("\n") == 1 and "--fit" in err
    code, shown, err = run(
        ["complete", str(scan), "-o", str(out), "--scale", "0.001", *QUICK], capsys
    )
    assert code == 0, err
    assert shown.strip() == str(out) and out.exists()


def test_edit_tells_what_was_kept(
    mesh: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, figures = tmp_path / "out.glb", tmp_path / "figures.json"
    box = "--box=0,0,0,0.5,0.2,0.5"
    arguments = ["edit", str(mesh), "--prompt", "a mug", box, "-o", str(out)]
    code, _, err = run([*arguments, "--json", str(figures), *QUICK], capsys)
    assert code == 0, err
    assert "outside the box: IoU" in err
    record = json.loads(figures.read_text())["items"][0]["record"]
    assert record["box"] == [0, 0, 0, 0.5, 0.2, 0.5]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--prompt", "a mug", "--box", "0,0,0,1,1"], "6 numbers"),
        (["--prompt", "a mug", "--box", "here"], "no box"),
        (["--prompt", "a mug", "--box", "0,0,0,0,1,1"], "empty"),
        (["--prompt", "a mug", "--box", "7,7,7,8,8,8"], "outside the mesh"),
        (["--prompt", "a mug", "--box", "-9,-9,-9,-8,-8,-8"], "outside the mesh"),
        (["--prompt", " "], "prompt"),
        ([], "--prompt"),
    ],
)
def test_edit_refuses_in_one_line(
    mesh: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    expected: str,
) -> None:
    out = tmp_path / "out.glb"
    code, _, err = run(["edit", str(mesh), *arguments, "-o", str(out), *QUICK], capsys)
    assert code == 2
    assert expected in err and err.count("\n") == 1
    assert not out.exists()

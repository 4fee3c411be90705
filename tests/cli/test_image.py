"""``gen3d image`` and ``gen3d models`` as users meet them, on tiny random models."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from gen3d.cli.main import main
from gen3d.io.tensors import load_tensors, save_tensors

QUICK = ["--steps", "2", "--resolution", "24", "--device", "cpu"]
Maker = Callable[..., Path]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    return folder / "out.glb"


@pytest.fixture(autouse=True)
def no_models_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEN3D_MODELS", "HY3DGEN_MODELS", "HF_HUB_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))


def test_image_prints_the_path_the_plan_and_writes_json(
    photo: Path, out: Path, tiny_published: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ["--weights", str(tiny_published("2.0").parent), "--model", "hunyuan3d-2"]
    figures = out.with_suffix(".json")
    options = ["--seed", "3", "--json", str(figures), "--faces", "400", "-v", *QUICK]
    code, stdout, err = run(["image", str(photo), "-o", str(out), *weights, *options], capsys)
    assert code == 0, err
    assert stdout.strip() == str(out)
    assert "plan: cpu" in err and "seed 3" in err
    item = json.loads(figures.read_text())["items"][0]
    assert item["record"]["task"] == "image_to_3d"
    assert set(item["timings_s"]) >= {"encode", "sample", "decode"}
    again = out.with_name("again.glb")
    arguments = ["reproduce", str(out), "-o", str(again), "--image", str(photo), *weights[:2]]
    code, _, err = run(arguments, capsys)
    assert code == 0, err
    assert again.read_bytes() == out.read_bytes()


def test_comfyui_file_without_configuration_works(
    photo: Path, out: Path, tiny_published: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tiny_published("mini-turbo", layout="comfyui")
    arguments = ["image", str(photo), "-o", str(out), "--weights", str(weights.parent.parent)]
    code, _, err = run([*arguments, "-n", "2", *QUICK], capsys)
    assert code == 0, err
    assert sorted(path.name for path in out.parent.iterdir()) == ["out-1.glb", "out-2.glb"]


def test_four_views_go_to_a_multi_view_model(
    photo: Path, out: Path, tiny_published: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [f"--view-{side}={photo}" for side in ("left", "back", "right")]
    weights = ["--weights", str(tiny_published("mv"))]
    assert run(["image", str(photo), "-o", str(out), *sides, *weights, *QUICK], capsys)[0] == 0
    code, _, err = run(
        ["image", str(photo), *sides, "--weights", str(tiny_published("2.0")), *QUICK], capsys
    )
    assert code == 2
    assert "takes 1 view" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["PHOTO", "--model", "hunyuan3d-2"], "GEN3D_MODELS"),
        (["PHOTO", "--model", "hunyuan3d-3"], "unknown model 'hunyuan3d-3'"),
        (["PHOTO", "--model", "hunyuan3d-3", "--weights", "MODEL"], "names: hunyuan3d-2"),
        (["PHOTO", "--iso-level", "0.1"], "iso_level is for published"),
        (["PHOTO", "--prompt", "a mug", "--weights", "MODEL"], "take no prompt"),
        (["PHOTO", "--texture", "512", "--weights", "MODEL"], "bare meshes"),
        (["PHOTO", "--weights", "missing"], "there is no missing"),
        (["PHOTO", "--weights", "EMPTY"], "does not hold"),
        (["PHOTO", "--weights", "MODEL", "--model", "hunyuan3d-2-mv"], "there is hunyuan3d-2"),
        (["PHOTO", "--weights", "MODEL", "--dtype", "int8"], "unknown dtype"),
        (["PHOTO", "--weights", "MODEL", "--steps", "0"], "steps"),
        (["PHOTO", "--weights", "MODEL", "--iso-level", "nan"], "iso_level"),
        (["PHOTO", "--weights", "MODEL", "--mask", "missing.png"], "no file"),
        (["missing.png", "--weights", "MODEL"], "no file missing.png"),
        (["OPAQUE", "--weights", "MODEL"], "background"),
        (["MODEL", "--weights", "MODEL"], "is a folder"),
        (["PHOTO", "--weights", "MODEL", "-o", "out.docx"], "unknown format"),
        ([], "Missing argument"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_bad_input_is_one_clear_line_and_exit_2(
    change: list[str],
    message: str,
    photo: Path,
    out: Path,
    tiny_published: Maker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(out.parent)
    opaque, empty = photo.with_name("opaque.png"), photo.with_name("empty")
    Image.open(photo).convert("RGB").save(opaque)
    empty.mkdir()
    names = {"PHOTO": photo, "OPAQUE": opaque, "EMPTY": empty, "MODEL": tiny_published("2.0")}
    arguments = [str(names.get(word, word)) for word in change]
    code, stdout, err = run(["image", *arguments, "--device", "cpu"], capsys)
    assert code == 2, err
    assert stdout == ""
    assert len(err.strip().splitlines()) == 1 and err.startswith("error: ")
    assert message in err
    assert not list(out.parent.iterdir())


class Bomb:
    """Runs code where a pickle is opened without care."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple:
        return Path.touch, (self.proof,)


@pytest.mark.parametrize("place", ["itself", "above"])
@pytest.mark.parametrize("damage", ["cut off", "other", "not a number", "bomb", "missing", "shape"])
def test_damaged_weights_are_one_clear_line(
    damage: str,
    place: str,
    photo: Path,
    out: Path,
    tmp_path: Path,
    tiny_published: Maker,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = tiny_published("2.0")
    folder = Path(shutil.copytree(source, tmp_path / "models" / source.name))
    file, proof = folder / "model.fp16.safetensors", tmp_path / "proof"
    tensors, _ = load_tensors(file)
    name = "model.latent_in.weight"
    expected = "damaged"
    if damage == "cut off":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "other":
        save_tensors({"unet.weight": torch.zeros(2)}, file)
        expected = "unet.weight"
    elif damage == "not a number":
        tensors[name][0, 0] = torch.nan
        save_tensors(tensors, file)
        expected = "latent_in.weight"
    elif damage == "shape":
        tensors["model.double_blocks.1.img_mlp.0.weight"] = torch.zeros(7, 3)
        save_tensors(tensors, file)
        expected = "double_blocks.1.img_mlp.0.weight"
    elif damage == "bomb":
        file.unlink()
        file.with_suffix(".ckpt").write_bytes(pickle.dumps({"model": Bomb(proof)}, protocol=2))
        expected = "model.fp16.ckpt"
    else:
        file.unlink()
        expected = "there are no weights in"
    weights = folder if place == "itself" else folder.parent
    code, stdout, err = run(
        ["image", str(photo), "-o", str(out), "--weights", str(weights), "-q", *QUICK], capsys
    )
    assert code == 2, err
    assert stdout == ""
    assert len(err.strip().splitlines()) == 1 and err.startswith("error: ")
    assert expected in err
    assert not proof.exists()
    assert not list(out.parent.iterdir())


def test_models_lists_what_it_finds(
    tiny_published: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tiny_published("2.0").parent
    code, stdout, _ = run(["models", str(root), "--json", "-"], capsys)
    assert code == 0
    rows = {row["name"]: row for row in json.loads(stdout)["models"]}
    assert rows["mini"]["task"] == "text" and rows["hunyuan3d-2"]["task"] == "image"
    assert rows["hunyuan3d-2"]["files"] == ["model.fp16.safetensors"]
    code, stdout, _ = run(["models", str(root)], capsys)
    assert code == 0
    assert "hunyuan3d-2" in stdout and "Apache-2.0" in stdout


def test_damaged_models_are_listed_as_such(
    tmp_path: Path, tiny_published: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tiny_published("2.0")
    file = Path(shutil.copytree(source, tmp_path / "models" / source.name))
    file = file / "model.fp16.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    code, stdout, _ = run(["models", str(tmp_path / "models"), "--json", "-"], capsys)
    assert code == 0
    rows = {row["name"]: row for row in json.loads(stdout)["models"]}
    assert not rows["hunyuan3d-2"]["complete"]
    assert "damaged" in rows["hunyuan3d-2"]["problem"]


def test_models_without_a_folder_says_where_it_looked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, stdout, err = run(["models"], capsys)
    assert code == 0
    assert "mini" in stdout and "hunyuan3d" not in stdout
    assert str(tmp_path / "nowhere") in err.replace("\n", "")
    assert run(["models", str(tmp_path / "nowhere")], capsys)[0] == 2


def test_text_refuses_an_image_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(["text", "a mug", "--model", "hunyuan3d-2"], capsys)
    assert code == 2
    assert "gen3d image" in err

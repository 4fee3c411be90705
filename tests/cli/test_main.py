"""The command line as users meet it: one line per mistake, the right exit code, whole files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gen3d.cli.main import main
from gen3d.runtime.doctor import Check

QUICK = ["--steps", "2", "--resolution", "32", "--device", "cpu"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def test_text_prints_the_path_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, figures = tmp_path / "mug.glb", tmp_path / "mug.json"
    code, out, err = run(
        ["text", "a mug", "-o", str(target), "--json", str(figures), *QUICK], capsys
    )
    assert code == 0, err
    assert out.strip() == str(target)
    item = json.loads(figures.read_text())["items"][0]
    assert item["faces"] > 0
    assert f"seed {item['seed']}" in err


def test_json_on_standard_output_is_all_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "mug.glb"
    code, out, _ = run(["text", "a mug", "-o", str(target), "--json", "-", "-q", *QUICK], capsys)
    assert code == 0
    assert json.loads(out)["items"][0]["path"] == str(target)


def test_reproduce_knows_how_the_mesh_was_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "mug.glb"
    arguments = ["text", "a mug", "-o", str(target), "--mesher", "dual-contouring", *QUICK]
    assert run([*arguments, "--seed", "1"], capsys)[0] == 0
    code, _, err = run(["reproduce", str(target)], capsys)
    assert code == 0, err
    assert "the same bytes" in err
    assert (tmp_path / "mug-again.glb").read_bytes() == target.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        ["text", ""],
        ["text", "word " * 10_000],
        ["text", "a mug", "--model", "maxi"],
        ["text", "a mug", "-o", "no/such/folder/a.glb"],
        ["text", "a mug", "-o", "a.docx"],
        ["text", "a mug", "--resolution", "4096"],
        ["text", "a mug", "--steps", "0"],
        ["text", "a mug", "--steps", "many"],
        ["text", "a mug", "--mesher", "poisson"],
        ["text", "a mug", "--nonsense"],
        ["text", "a mug", "--search", "luck", "--reward", "symmetric"],
        ["text", "a mug", "--search", "rbf"],
        ["text", "a mug", "--search", "rbf", "--reward", "pretty"],
        ["text", "a mug", "--search", "rbf", "--reward", "scan=missing.ply"],
        ["text", "a mug", "--search", "rbf", "--reward", "symmetric", "--budget", "0"],
        ["text", "a mug", "--budget", "100"],
        ["text", "a mug", "-n", "0"],
        ["convert", "missing.glb", "a.obj"],
        ["render", "missing.glb"],
        ["reproduce", "missing.glb"],
        ["train", "missing.yaml"],
        ["nonsense"],
    ],
    ids=lambda a: " ".join(a)[:40],
)
def test_bad_input_is_one_clear_line_and_exit_2(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(arguments, capsys)
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    assert "rror" in err
    assert not list(tmp_path.iterdir())


def test_interrupt_leaves_no_file_and_exits_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gen3d.vecset.texture.extract_mesh", interrupted)
    code, _, err = run(["text", "a mug", "-o", str(tmp_path / "a.glb"), *QUICK], capsys)
    assert code == 130
    assert "stopped" in err
    assert not list(tmp_path.iterdir())


def test_internal_error_is_one_line_without_debug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("gen3d.vecset.texture.extract_mesh", broken)
    arguments = ["text", "a mug", "-o", str(tmp_path / "a.glb"), *QUICK]
    code, _, err = run(arguments, capsys)
    assert code == 1
    assert err.strip().splitlines()[-1].startswith("error: gen3d failed: ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        main([*arguments, "--debug"])


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from gen3d.cli.main import main\n"
        f"main(['text', 'a mug', '-o', {str(tmp_path / 'a.glb')!r}, '-q', *{QUICK!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot write" in done.stderr
    assert not list(tmp_path.iterdir())


def test_convert_and_render_make_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    glb, ply, png = (tmp_path / name for name in ("a.glb", "a.ply", "a.png"))
    assert run(["text", "a mug", "-o", str(glb), "-q", *QUICK], capsys)[0] == 0
    assert run(["convert", str(glb), str(ply), "--faces", "300"], capsys)[0] == 0
    assert run(["render", str(ply), "-o", str(png), "--size", "64", "--views", "2"], capsys)[0] == 0
    assert png.read_bytes().startswith(b"\x89PNG")


def test_doctor_table_shows_extras_in_brackets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check("extra x", "off", "missing y", 'pip install "gen3d[x]"')
    monkeypatch.setattr("gen3d.api.examine", lambda: [check])
    code, _, err = run(["doctor"], capsys)
    assert code == 0
    assert "[x]" in err


def test_doctor_reports_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(["doctor", "--json", "-"], capsys)
    assert code == 0
    assert {"python", "torch", "model mini"} <= {row["name"] for row in json.loads(out)["checks"]}


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    import gen3d

    assert run(["--version"], capsys)[1].strip() == gen3d.__version__

"""Importing gen3d and asking for help load nothing heavy."""

import subprocess
import sys

HEAVY = ("torch", "numpy", "trimesh", "lightning_fabric", "safetensors", "PIL")


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


def test_import_gen3d_loads_nothing_heavy() -> None:
    assert not loaded_after("import gen3d") & set(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "from gen3d.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert stop.code in (0, None)"
    )
    assert not loaded_after(code) & set(HEAVY)


def test_help_of_every_command_works() -> None:
    for command in (
        "text",
        "image",
        "models",
        "train",
        "convert",
        "render",
        "reproduce",
        "doctor",
        "bench",
    ):
        done = subprocess.run(
            [sys.executable, "-m", "gen3d", command, "--help"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout

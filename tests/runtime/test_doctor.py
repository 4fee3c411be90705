from pathlib import Path

import pytest

from gen3d.runtime.doctor import EXTRAS, check_extras, check_python, check_torch

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 brings it")
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_extras_are_those_of_the_package() -> None:
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    declared.pop("dev")
    names = {
        extra: tuple(line.split(">=")[0].split("[")[0] for line in lines)
        for extra, lines in declared.items()
    }
    assert names == EXTRAS


def test_torch_works_here() -> None:
    assert check_torch()[0].state == "ok"
    assert check_python().state == "ok"


def test_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen3d.runtime.doctor.package_version", lambda name: None)
    for check in check_extras():
        assert check.state == "off"
        assert "pip install" in check.remedy

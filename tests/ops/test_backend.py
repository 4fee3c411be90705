import pytest
import torch

from gen3d.errors import InputError, MissingDependencyError
from gen3d.ops import backend as room


def test_reference_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEN3D_BACKEND", "reference")
    assert room.backend() == "reference"
    assert not room.uses_native(torch.device("cpu"))
    assert "GEN3D_BACKEND" in room.why_not()


def test_default_is_native_where_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEN3D_BACKEND", raising=False)
    assert room.backend() == ("native" if room.native_available() else "reference")


def test_unknown_choice_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEN3D_BACKEND", "fast")
    with pytest.raises(InputError, match="fast"):
        room.backend()


def test_missing_native_is_reported_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_load", lambda name: (None, f"gen3d.{name} was not built"))
    monkeypatch.setenv("GEN3D_BACKEND", "native")
    with pytest.raises(MissingDependencyError, match="not built"):
        room.backend()
    monkeypatch.setenv("GEN3D_BACKEND", "auto")
    assert room.backend() == "reference"
    assert "not built" in room.why_not("cuda")

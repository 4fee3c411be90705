from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gen3d.errors import ModelError, OutputError
from gen3d.training.state import load_state, save_state


def test_state_survives_the_round_trip(tmp_path: Path) -> None:
    state = {"step": 3, "module": {"w": torch.arange(5.0)}, "best": None}
    save_state(state, tmp_path / "last.ckpt")
    loaded = load_state(tmp_path / "last.ckpt")
    assert torch.equal(loaded["module"]["w"], torch.arange(5.0))
    assert loaded["step"] == 3
    assert loaded["best"] is None


def test_crash_while_writing_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    save_state({"step": 1}, path)

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        save_state({"step": 2}, path)
    assert load_state(path)["step"] == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_damaged_checkpoint_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "last.ckpt"
    save_state({"w": torch.randn(1000)}, path)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flipped":
        data[len(data) // 2] ^= 1
    elif damage == "empty":
        data = bytearray()
    path.write_bytes(data)
    if damage == "foreign":
        torch.save({"w": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=r"last\.ckpt"):
        load_state(path)


def test_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.ckpt"):
        load_state(tmp_path / "none.ckpt")

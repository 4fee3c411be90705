import hashlib
from pathlib import Path

import pytest
import torch

from gen3d.errors import InputError, ModelError, OutputError
from gen3d.io.tensors import load_tensors, save_tensors, sha256_of


def test_tensors_and_metadata_round_trip(tmp_path: Path) -> None:
    shared = torch.arange(12.0).reshape(3, 4)
    tensors = {
        "plain": shared,
        "view": shared.T,
        "half": torch.ones(2, dtype=torch.float16),
        "brain": torch.ones(2, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 3),
        "grad": torch.nn.Parameter(torch.ones(1)),
    }
    save_tensors(tensors, tmp_path / "a.safetensors", {"name": "mini", "note": "ü"})
    again, metadata = load_tensors(tmp_path / "a.safetensors")
    assert metadata == {"name": "mini", "note": "ü"}
    assert set(again) == set(tensors)
    for name, tensor in tensors.items():
        assert again[name].dtype == tensor.dtype
        assert torch.equal(again[name], tensor.detach())


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    # The format's library keeps metadata in hash maps, each with an order of its own.
    tensors = {"b": torch.ones(3), "a": torch.zeros(2)}
    written = set()
    for start in range(8):
        names = sorted(map(str, range(20)), key=lambda name: (int(name) + start) % 20)
        save_tensors(tensors, tmp_path / "a.safetensors", dict.fromkeys(names, "x"))
        written.add((tmp_path / "a.safetensors").read_bytes())
        tensors = dict(reversed(tensors.items()))
    assert len(written) == 1


def test_missing_weights_are_a_model_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ModelError, match="no weights file"):
            load_tensors(path)


def test_damage_is_a_model_error(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_tensors({"a": torch.arange(100.0)}, path)
    whole = path.read_bytes()
    for data in (b"", whole[:5], whole[:40], whole[:-1], b"\xff" * 8 + whole[8:], b"x" * 500):
        path.write_bytes(data)
        with pytest.raises(ModelError, match="damaged or cut off"):
            load_tensors(path)


def test_hash_finds_a_single_changed_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_tensors({"a": torch.arange(100.0)}, path)
    known = sha256_of(path)
    assert known == hashlib.sha256(path.read_bytes()).hexdigest()
    assert torch.equal(load_tensors(path, sha256=known)[0]["a"], torch.arange(100.0))
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    with pytest.raises(ModelError, match="SHA-256"):
        load_tensors(path, sha256=known)


def test_unwritable_target_and_wrong_metadata_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save_tensors({"a": torch.ones(1)}, tmp_path / "none" / "a.safetensors")
    with pytest.raises(InputError, match="text"):
        save_tensors({"a": torch.ones(1)}, tmp_path / "a.safetensors", {"steps": 3})  # type: ignore[dict-item]

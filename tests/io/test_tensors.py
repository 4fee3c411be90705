import hashlib
import subprocess
import sys
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


def test_equal_content_gives_equal_bytes_in_every_process(tmp_path: Path) -> None:
    script = (
        "import sys, torch; from gen3d.io.tensors import save_tensors\n"
        "save_tensors({'b': torch.ones(3), 'a': torch.zeros(2)}, sys.argv[1],"
        " {str(i): 'x' for i in range(20)})"
    )
    path = tmp_path / "other.safetensors"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=120)
    metadata = {str(i): "x" for i in reversed(range(20))}
    tensors = {"a": torch.zeros(2), "b": torch.ones(3)}
    save_tensors(tensors, tmp_path / "here.safetensors", metadata)
    assert path.read_bytes() == (tmp_path / "here.safetensors").read_bytes()


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

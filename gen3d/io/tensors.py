"""Named tensors in safetensors files: weights and training state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gen3d.errors import InputError, ModelError
from gen3d.runtime.atomic import atomic_write

_CHUNK = 2**20
_BLOCK = 4096


def save_tensors(
    tensors: Mapping[str, Tensor], path: Path | str, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors, whole or not at all; equal content gives equal bytes.

    Args:
        tensors: By name; any device, layout and sharing.
        path: File to write.
        metadata: Text fields.

    Raises:
        InputError: A metadata value is not text.
        OutputError: The file cannot be written.
    """
    fields = dict(metadata or {})
    if not all(isinstance(text, str) for text in (*fields, *fields.values())):
        raise InputError("metadata of tensors must be text to text")
    # The format refuses tensors that share memory, and tied weights do.
    plain = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in sorted(tensors.items())
    }
    data = _sorted_header(safetensors.torch.save(plain, fields or None))
    with atomic_write(path) as file:
        file.write(data)


def load_tensors(
    path: Path | str, *, device: torch.device | str = "cpu", sha256: str | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file by name, and its text fields.

    Args:
        path: File to read.
        device: Where the tensors shall live.
        sha256: What the file's hash must be, when known.

    Raises:
        ModelError: The file is missing, damaged, cut off, or not the one expected.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"there is no weights file {path}", hint="check the model's folder")
    try:
        if sha256 is not None and sha256_of(path) != sha256:
            raise ModelError(
                f"the weights file {path} is damaged: its SHA-256 is not {sha256[:12]}...",
                hint="download or copy it again",
            )
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except SafetensorError as error:
        raise ModelError(
            f"the weights file {path} is damaged or cut off: {error}",
            hint="download or copy it again",
        ) from error
    except OSError as error:
        raise ModelError(f"cannot read the weights file {path}: {error}") from error
    return tensors, metadata


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def identity_of(path: Path | str, *, whole_up_to: int = 1 << 28, samples: int = 4096) -> str:
    """Return what tells one weights file from another, in reasonable time.

    That is the SHA-256, as far as the file is small. Of a large one (hashing gigabytes takes longer
    than some models run) it is the hash of its size and of 4 KiB blocks at even distances, the
    first and the last included, after the word ``sampled:``. It tells versions apart; damage in
    between it need not see.

    Args:
        path: The file.
        whole_up_to: Bytes up to which the whole file is hashed.
        samples: Blocks that are hashed otherwise.

    Raises:
        OSError: It cannot be read.
    """
    path = Path(path)
    size = path.stat().st_size
    if size <= whole_up_to:
        return sha256_of(path)
    digest = hashlib.sha256(str(size).encode())
    last = size - _BLOCK
    with path.open("rb") as file:
        for index in range(samples):
            file.seek(last * index // max(1, samples - 1))
            digest.update(file.read(_BLOCK))
    return f"sampled:{digest.hexdigest()}"


def _sorted_header(data: bytes) -> bytes:
    """Sort the header's keys: safetensors keeps metadata in a hash map, in random order."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]

"""Foreign checkpoints: read by part, and refused with one clear line."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from gen3d.errors import ModelError
from gen3d.io.checkpoints import open_tensors
from gen3d.io.key_map import Row, check, expand, fill, module_shapes
from gen3d.io.tensors import save_tensors


def tensors() -> dict[str, torch.Tensor]:
    return {"vae.weight": torch.arange(6.0).view(2, 3), "model.bias": torch.ones(2)}


class Bomb:
    """Pickles as a call that makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_safetensors_give_their_parts(tmp_path):
    save_tensors(tensors(), tmp_path / "a.safetensors")
    source = open_tensors(tmp_path / "a.safetensors")
    vae = source.part("vae.")
    assert dict(vae.shapes) == {"weight": (2, 3)}
    assert vae.parameters == 6 and source.parameters == 8
    assert torch.equal(vae.read("weight"), tensors()["vae.weight"])


def test_only_what_is_asked_for_is_read(tmp_path):
    # The second tensor's bytes are wiped out: reading the first must not notice.
    path = tmp_path / "a.safetensors"
    save_tensors({"a.x": torch.ones(4), "b.y": torch.full((4,), 2.0)}, path)
    data = bytearray(path.read_bytes())
    data[-16:] = b"\xff" * 16
    path.write_bytes(data)
    source = open_tensors(path)
    assert torch.equal(source.part("a.").read("x"), torch.ones(4))
    assert bool(source.part("b.").read("y").isnan().all())


def test_nested_checkpoints_become_dotted_names(tmp_path):
    nested = {"model": {"bias": torch.ones(2)}, "epoch": 3, "state_dict": {"w": torch.zeros(1)}}
    torch.save(nested, tmp_path / "a.ckpt")
    source = open_tensors(tmp_path / "a.ckpt")
    assert dict(source.shapes) == {"model.bias": (2,), "state_dict.w": (1,)}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_bomb_is_not_run(tmp_path, zipped):
    trace, path = tmp_path / "was_run", tmp_path / "bomb.ckpt"
    content = {"model": {"w": torch.zeros(1)}, "extra": Bomb(trace)}
    if zipped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps({"extra": Bomb(trace)}))
    with pytest.raises(ModelError, match="may carry code") as caught:
        open_tensors(path)
    assert not trace.exists()
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 5, 60, 0.5, 0.99])
def test_cut_off_files_are_told(tmp_path, suffix, kept):
    path = tmp_path / f"a{suffix}"
    if suffix == ".ckpt":
        torch.save({"w": torch.zeros(400)}, path)
    else:
        save_tensors({"w": torch.zeros(400)}, path)
    data = path.read_bytes()
    path.write_bytes(data[: kept if isinstance(kept, int) else int(kept * len(data))])
    with pytest.raises(ModelError, match="damaged") as caught:
        open_tensors(path)
    assert "\n" not in caught.value.message


def test_missing_and_foreign_files_are_told(tmp_path):
    with pytest.raises(ModelError, match="there is no weights file"):
        open_tensors(tmp_path / "a.ckpt")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ModelError, match="is no weights file"):
        open_tensors(tmp_path / "a.txt")
    torch.save([1, 2], tmp_path / "b.ckpt")
    with pytest.raises(ModelError, match="no named tensors"):
        open_tensors(tmp_path / "b.ckpt")


ROWS = (Row("{p}", ("layer.{p}",)),)


def load(path: Path, dtype: torch.dtype = torch.float32) -> nn.Linear:
    with torch.device("meta"):
        module = nn.Linear(3, 2)
    entries = expand(ROWS, module_shapes(module))
    source = open_tensors(path)
    check(entries, source, what="layer")
    return fill(module, entries, source, dtype=dtype)


def test_a_module_is_filled_in_the_dtype_asked_for(tmp_path):
    weights = {"layer.weight": torch.randn(2, 3), "layer.bias": torch.randn(2)}
    save_tensors(weights, tmp_path / "a.safetensors")
    module = load(tmp_path / "a.safetensors", torch.bfloat16)
    assert torch.equal(module.weight, weights["layer.weight"].bfloat16())
    assert not module.training and not module.weight.requires_grad


def test_numbers_that_are_none_are_reported_by_name(tmp_path):
    path = tmp_path / "a.safetensors"
    save_tensors({"layer.weight": torch.full((2, 3), torch.nan), "layer.bias": torch.ones(2)}, path)
    with pytest.raises(ModelError, match=r"layer\.weight in .* not finite"):
        load(path)
    save_tensors({"layer.weight": torch.full((2, 3), 1e5), "layer.bias": torch.ones(2)}, path)
    with pytest.raises(ModelError, match=r"layer\.weight in .* too large for torch\.float16"):
        load(path, torch.float16)


def test_missing_unknown_and_misshapen_tensors_are_named(tmp_path):
    path = tmp_path / "a.safetensors"
    save_tensors({"layer.weight": torch.ones(2, 3), "other": torch.ones(5)}, path)
    with pytest.raises(ModelError, match=r"lacks layer\.bias \(2,\), has unknown other \(5,\)"):
        load(path)
    save_tensors({"layer.weight": torch.ones(3, 2), "layer.bias": torch.ones(2)}, path)
    with pytest.raises(ModelError, match=r"has shape \(3, 2\), expected \(2, 3\)"):
        load(path)

import copy
from pathlib import Path

import pytest
import torch

from gen3d.conditioning.dino import DinoConfig, DinoEncoder, dino_images
from gen3d.conditioning.dino_keys import dino_entries
from gen3d.errors import ModelError
from gen3d.io.key_map import export
from gen3d.io.tensors import save_tensors
from gen3d.vecset.image_encoder import (
    ImageEncoder,
    ImageEncoderConfig,
    load_image_encoder,
    save_image_encoder,
)

DINO = DinoConfig(width=64, heads=1, layers=1, swiglu=False, image=42)


@pytest.fixture
def dino(tmp_path: Path) -> DinoEncoder:
    torch.manual_seed(0)
    network = DinoEncoder(DINO).eval().requires_grad_(False)
    folder = tmp_path / "dinov2"
    folder.mkdir()
    save_tensors(export(dino_entries(network), network.state_dict()), folder / "model.safetensors")
    return network


def config(folder: Path, **changes: int) -> ImageEncoderConfig:
    sizes = {"size": 28, "patch": 14, "width": 64, "heads": 1, "layers": 0, "out_dim": 8}
    backbone = {"kind": "dinov2", "folder": folder}
    return ImageEncoderConfig.model_validate({**sizes, **changes, "backbone": backbone})


def pictures(count: int) -> torch.Tensor:
    return torch.rand(count, 4, 28, 28, generator=torch.Generator().manual_seed(1))


def test_tokens_are_the_transformers_through_one_trained_layer(tmp_path, dino) -> None:
    encoder = ImageEncoder(config(tmp_path / "dinov2"))
    views = pictures(2)
    seen = encoder(views)
    assert seen.tokens.shape == (2, 5, 8)
    with torch.no_grad():
        said = dino(dino_images(2 * views[:, :3] - 1, 28))
        said[:, 0] += encoder.whole
        x = encoder.norm(said + encoder.positions + encoder.slots[4])
    assert torch.allclose(seen.whole, x[:, 0], atol=1e-5)
    direction = encoder.to_tokens(x) + encoder.kind
    alike = torch.cosine_similarity(seen.tokens, direction, dim=-1)
    assert torch.allclose(alike, torch.ones(2, 5), atol=1e-5)


def test_transformer_is_neither_trained_nor_copied_nor_saved(tmp_path, dino) -> None:
    encoder = ImageEncoder(config(tmp_path / "dinov2"))
    seen = encoder(pictures(1))
    (seen.tokens[..., 0].sum() + seen.pooled[..., 0].sum()).backward()
    assert encoder.to_tokens.weight.grad is not None
    own = sum(p.numel() for p in encoder.parameters())
    assert own == 2 * (64 * 8 + 8) + 8 + (1 + 5 + 5) * 64 + 2 * 64
    assert copy.deepcopy(encoder).backbone is encoder.backbone
    assert not any("backbone" in name for name in encoder.state_dict())


def test_saved_encoder_finds_its_transformer_again(tmp_path, dino) -> None:
    torch.manual_seed(1)
    encoder = ImageEncoder(config(tmp_path / "dinov2")).eval()
    save_image_encoder(encoder, tmp_path / "image.safetensors")
    assert (tmp_path / "image.safetensors").stat().st_size < 10_000
    again = load_image_encoder(tmp_path / "image.safetensors")
    once, twice = encoder.encode(pictures(1)[None]), again.encode(pictures(1)[None])
    assert torch.allclose(once.tokens, twice.tokens, atol=2e-2)


def test_missing_folder_is_named_when_it_is_needed(tmp_path) -> None:
    encoder = ImageEncoder(config(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match=r"needs DINOv2 in .*nowhere"):
        encoder(pictures(1))


def test_transformer_of_another_size_is_refused(tmp_path, dino) -> None:
    encoder = ImageEncoder(config(tmp_path / "dinov2", width=32))
    with pytest.raises(ModelError, match="has width 64 and patches of 14 pixels"):
        encoder(pictures(1))

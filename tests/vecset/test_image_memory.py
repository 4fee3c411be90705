"""What the published models need, by their published sizes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gen3d.errors import InputError, ModelError
from gen3d.vecset.image_memory import missing_parts, plan_memory
from gen3d.vecset.published import PublishedModel, open_published

CPU = torch.device("cpu")


@pytest.fixture
def model(tiny_published: Callable[..., Path]) -> PublishedModel:
    return open_published(tiny_published("2.0"))


def test_plan_knows_all_parts(model: PublishedModel) -> None:
    plan = plan_memory(model, device=CPU, free_bytes=10**12)
    assert [name for name, _ in plan.parts] == ["image encoder", "flow network", "autoencoder"]
    weights = dict(plan.parts)
    assert weights["flow network"] == model.bytes_of("dit", torch.float32)
    assert plan.need_bytes > sum(weights.values())


def test_dtype_is_the_users_if_given(model: PublishedModel) -> None:
    assert plan_memory(model, device=CPU, dtype="bfloat16").dtype == torch.bfloat16
    with pytest.raises(InputError, match="unknown dtype 'int8'"):
        plan_memory(model, device=CPU, dtype="int8")


def test_autoencoder_alone_lacks_the_rest(tiny_published: Callable[..., Path]) -> None:
    alone = open_published(tiny_published("2.0").parent / "hunyuan3d-vae-v2-0")
    assert missing_parts(alone) == ("image encoder", "flow network")
    with pytest.raises(ModelError, match="lacks the image encoder and the flow network"):
        plan_memory(alone, device=CPU)

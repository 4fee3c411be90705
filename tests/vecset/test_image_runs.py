import pytest
import torch

from gen3d.errors import InputError
from gen3d.training.state import save_state
from gen3d.vecset.checkpoints import save_vae
from gen3d.vecset.image_encoder import IMAGE_FILE, load_image_encoder
from gen3d.vecset.latent_head import HEAD_FILE, load_latent_head
from gen3d.vecset.picture_source import LivePictures, PictureTable
from gen3d.vecset.runs import FlowRun, ImageRun, export_run
from gen3d.vecset.vae import ShapeVAE

VIEWS = {"views": 2, "workers": 1, "style": {"size": 16, "supersample": 1}}
ENCODER = {"size": 16, "patch": 8, "stem": 4, "width": 16, "heads": 2, "layers": 1, "mlp_ratio": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture
def data(folder):
    procedural = {
        "categories": ["table"],
        "per_category": 2,
        "surface": 64,
        "queries": 32,
        "workers": 1,
    }
    return {
        split: {"folder": str(folder / split), "procedural": {**procedural, "split": split_name}}
        for split, split_name in (("train", "train"), ("held_out", "val"))
    }


@pytest.fixture
def image_run(folder, data, tiny_vae):
    torch.manual_seed(0)
    save_vae(ShapeVAE(tiny_vae), folder / "vae.safetensors")
    return ImageRun.model_validate(
        {
            "kind": "vecset-image",
            "data": data,
            "views": VIEWS,
            "vae": folder / "vae.safetensors",
            "model": ENCODER,
            "objective": {"batch_size": 2, "encode_points": 32, "head_width": 8, "head_layers": 1},
            "trainer": {"output": folder / "run", "steps": 1},
        }
    )


@pytest.fixture
def weights(image_run, folder):
    objective = image_run.build()
    save_state({"ema": objective.module.state_dict()}, folder / "last.ckpt")
    export_run(image_run, folder / "last.ckpt", folder / IMAGE_FILE)
    return objective


def test_exported_encoder_and_head_are_those_that_were_trained(weights, folder, generator):
    assert float(weights.loss(0, generator).loss.detach()) > 0
    encoder, head = load_image_encoder(folder / IMAGE_FILE), load_latent_head(folder / HEAD_FILE)
    assert torch.allclose(encoder.whole, weights.module.encoder.whole, atol=1e-3)
    assert torch.equal(head.latent_mean, weights.module.head.latent_mean)


@pytest.mark.parametrize(("live", "kind"), [(True, LivePictures), (False, PictureTable)])
def test_flow_network_trains_on_the_pictures_of_its_shapes(
    weights, folder, data, tiny_dit, generator, live, kind
):
    model = tiny_dit.model_copy(update={"context_dim": 128, "pooled_dim": 128})
    run = FlowRun.model_validate(
        {
            "kind": "vecset-dit",
            "data": data,
            "vae": folder / "vae.safetensors",
            "image": {"encoder": folder / IMAGE_FILE, "views": VIEWS, "live": live},
            "model": model,
            "objective": {"batch_size": 8, "encode_points": 32},
            "trainer": {"output": folder / "dit", "steps": 1},
        }
    )
    assert run.image is not None
    assert isinstance(run.image.open(run.data).train, kind)
    objective = run.build()
    assert 0.5 < float(objective.loss(0, generator).loss.detach()) < 3
    assert set(objective.validate(objective.module)) == {"flow_velocity_mse", "image_velocity_mse"}


def test_pictures_of_some_shapes_only_are_refused_for_the_flow(weights, folder, data, tiny_dit):
    run = FlowRun.model_validate(
        {
            "kind": "vecset-dit",
            "data": data,
            "vae": folder / "vae.safetensors",
            "image": {"encoder": folder / IMAGE_FILE, "views": {**VIEWS, "limit": 1}},
            "model": tiny_dit,
            "trainer": {"output": folder / "dit", "steps": 1},
        }
    )
    with pytest.raises(InputError, match="all shapes"):
        run.build()

"""Published models from disk: what is found, what is read, and what is refused."""

import math

import pytest
import torch
import yaml

from gen3d.errors import ModelError
from gen3d.flow import ConsistencySchedule, ShiftedSchedule, ZeroLastStep
from gen3d.geometry.mesh import Mesh
from gen3d.io.checkpoints import open_tensors
from gen3d.io.tensors import load_tensors, save_tensors
from gen3d.vecset.config import PlainDiTConfig
from gen3d.vecset.mesh_encoding import encode_mesh, surface_points
from gen3d.vecset.published import find_published, open_published
from gen3d.vecset.published.parts import split_parts

FAMILIES = {
    "2.0": ("2.0", ""),
    "mini-turbo": ("mini", "turbo"),
    "mv": ("mv", ""),
    "2.1": ("2.1", ""),
}


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("layout", ["folder", "comfyui"])
def test_every_layout_is_recognised_and_loads(tiny_published, kind, layout):
    path = tiny_published(kind, layout=layout)
    model = open_published(path)
    assert (model.family, model.variant) == FAMILIES[kind]
    assert model.views == (4 if kind == "mv" else 1)
    assert model.guidance_embedding == (kind == "mini-turbo")
    assert isinstance(model.dit_config, PlainDiTConfig) == (kind == "2.1")
    assert model.vae_config is not None and model.vae_config.fourier.base == 1.0
    published = {"2.0": 3072, "mini-turbo": 512, "mv": 3072, "2.1": 4096}[kind]
    assert model.vae_config.num_latents == (16 if layout == "folder" else published)
    tokens = model.load_conditioner().tokens(torch.zeros(1, 3, 64, 64))
    assert tokens.shape == (1, 5, 64)
    assert model.load_dit(dtype=torch.bfloat16).latent_in.weight.dtype is torch.bfloat16
    logits = model.load_vae()
    shape = logits.decode(torch.zeros(1, 16, 8))
    assert bool(logits.occupancy(torch.zeros(1, 2, 3), shape).isfinite().all())
    assert model.bytes_of("dit", torch.float16) == 2 * model.sources["dit"].parameters
    assert find_published(path.parent) == [path]


def test_schedules_are_the_published_ones(tiny_published):
    turbo = open_published(tiny_published("mini-turbo"))
    assert turbo.schedule() == ConsistencySchedule(100)
    assert turbo.default_steps == 5
    full = open_published(tiny_published("2.0"))
    assert full.schedule() == ShiftedSchedule(1.0)
    assert full.schedule(keep_zero_step=True) == ZeroLastStep(ShiftedSchedule(1.0))


def copied(path, folder):
    folder.mkdir()
    for file in path.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def edited(path, folder, change):
    """Copy a published folder with another configuration."""
    folder = copied(path, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    change(config)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def test_defaults_of_their_code_count_where_the_configuration_is_silent(tiny_published, tmp_path):
    def change(config):
        del config["vae"]["params"]["include_pi"]
        del config["scheduler"]["params"]["pcm_timesteps"]

    model = open_published(edited(tiny_published("mini-turbo"), tmp_path / "m", change))
    assert model.vae_config is not None and model.vae_config.fourier.base == math.pi
    assert model.schedule() == ConsistencySchedule(50)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["model"].update(target="os.system"), "asks for system, which is not known"),
        (lambda c: c["model"]["params"].update(depth=3), "says depth 3, the weights .* have 2"),
        (lambda c: c["vae"]["params"].update(scale_factor=-1), "has a value that cannot be"),
        (lambda c: c["vae"].pop("target"), "names no target"),
    ],
)
def test_configurations_that_cannot_be_are_refused(tiny_published, tmp_path, change, message):
    with pytest.raises(ModelError, match=message):
        open_published(edited(tiny_published("2.0"), tmp_path / "m", change))


def test_configuration_that_runs_code_is_refused(tiny_published, tmp_path):
    folder = copied(tiny_published("2.0"), tmp_path / "m")
    (folder / "config.yaml").write_text("model: !!python/object/apply:os.system ['true']")
    with pytest.raises(ModelError, match="cannot be read"):
        open_published(folder)


def test_wrong_architecture_names_what_is_missing(tiny_published, tmp_path):
    folder = copied(tiny_published("2.0"), tmp_path / "m")
    file = folder / "model.fp16.safetensors"
    tensors, _ = load_tensors(file)
    del tensors["model.single_blocks.1.linear2.bias"]
    save_tensors(tensors, file)
    with pytest.raises(ModelError, match=r"lacks single_blocks\.1\.linear2\.bias \(64,\)"):
        open_published(folder).load_dit()
    save_tensors({"unet.weight": torch.ones(2)}, file)
    with pytest.raises(ModelError, match="no known Hunyuan3D network"):
        open_published(folder)


def test_missing_files_are_told(tmp_path):
    with pytest.raises(ModelError, match="there is no folder or file"):
        open_published(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="there are no weights in"):
        open_published(tmp_path)
    assert find_published(tmp_path) == []


def test_wrappers_of_training_are_taken_off(tmp_path):
    names = ("_forward_module.model.x_embedder.weight", "state_dict.model.final_layer.linear.bias")
    save_tensors({name: torch.ones(1) for name in names}, tmp_path / "a.safetensors")
    parts = split_parts(open_tensors(tmp_path / "a.safetensors"))
    assert set(parts["dit"].shapes) == {"x_embedder.weight", "final_layer.linear.bias"}


def test_another_autoencoder_can_take_the_place(tiny_published):
    full, turbo = tiny_published("2.0"), tiny_published("mini-turbo")
    model = open_published(full, vae=turbo.parent / "hunyuan3d-vae-v2-mini-turbo")
    vae = model.load_vae()
    assert vae.config.geometry.project_latents
    assert len(model.files) == 2


@pytest.mark.parametrize("kind", ["2.0", "2.1"])
def test_meshes_become_latents_that_a_seed_fixes(tiny_published, kind):
    model = open_published(tiny_published(kind, encoder=True))
    vae = model.load_vae()
    assert vae.config.encoder is not None
    assert vae.config.encoder.sharp_fraction == (0.5 if kind == "2.0" else 0.0)
    first, again, other = (encode_mesh(vae, tetrahedron(), seed=seed) for seed in (1, 1, 2))
    assert first.shape == (1, 16, 8)
    assert torch.equal(first, again) and not torch.equal(first, other)
    with pytest.raises(ModelError, match="decoder only"):
        encode_mesh(model.load_vae(encoder=False), tetrahedron())


def tetrahedron() -> Mesh:
    return Mesh(
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
    )


def test_sharp_points_lie_on_edges_and_say_so():
    surface = surface_points(tetrahedron(), 40, 60, torch.Generator().manual_seed(0))
    assert surface.shape == (100, 7)
    assert surface[:40, 6].eq(0).all() and surface[40:, 6].eq(1).all()
    # Along an edge of this shape two of the three coordinates and the slanted plane's are met.
    corner = surface[40:, :3] + 0.9999
    planes = torch.cat([corner, (corner.sum(-1, keepdim=True) - 2 * 0.9999)], dim=-1).abs()
    assert bool((planes.sort(dim=-1).values[:, 1] < 5e-3).all())


def test_meshes_without_sharp_edges_get_surface_points_instead():
    flat = Mesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])
    surface = surface_points(flat, 5, 7, torch.Generator().manual_seed(0))
    assert surface.shape == (12, 7) and surface[:, 6].eq(0).all()

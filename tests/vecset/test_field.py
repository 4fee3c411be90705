import pytest
import torch

from gen3d.errors import InputError
from gen3d.nn.attention import KeysValues
from gen3d.ops.backend import native_available
from gen3d.ops.reference.volume_decode import queries_at
from gen3d.ops.volume_packing import KeySelection
from gen3d.vecset.config import QueryDecoderConfig
from gen3d.vecset.field import GeometryField
from gen3d.vecset.grid_field import Grid, QueryGroups
from gen3d.vecset.key_selection import select_keys_mass, select_keys_mean
from gen3d.vecset.vae import ShapeVAE

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")
BACKENDS = [pytest.param("native", marks=needs_native), "reference"]

DECODERS = {
    "ours": QueryDecoderConfig(width=16, heads=2, mlp_ratio=2),
    "full": QueryDecoderConfig(width=16, heads=2, mlp_ratio=4, qk_norm="layer"),
    "turbo": QueryDecoderConfig(width=8, heads=2, mlp_ratio=1, ln_post=False, project_latents=True),
}


def make_vae(tiny_vae, decoder: QueryDecoderConfig) -> ShapeVAE:
    torch.manual_seed(0)
    vae = ShapeVAE(tiny_vae.model_copy(update={"geometry": decoder})).eval()
    for parameter in vae.geometry.parameters():  # zero-initialised blocks would hide mistakes
        torch.nn.init.normal_(parameter, std=0.4)
    return vae.requires_grad_(False)


def decoded(vae: ShapeVAE) -> KeysValues:
    config = vae.config
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(1, config.num_latents, config.latent_dim, generator=generator)
    return vae.decode(latents).geometry


def points(count: int = 60) -> torch.Tensor:
    return 1.8 * torch.rand(count, 3, generator=torch.Generator().manual_seed(2)) - 0.9


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", DECODERS)
def test_field_equals_the_network(tiny_vae, name, backend, monkeypatch):
    monkeypatch.setenv("GEN3D_BACKEND", backend)
    vae = make_vae(tiny_vae, DECODERS[name])
    shape = decoded(vae)
    field = GeometryField(vae.geometry, shape, bounds=vae.config.bounds)
    expected = vae.geometry(points()[None], shape)[0, :, 0]
    torch.testing.assert_close(field(points()), expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_grid_equals_points_and_walls_are_closed(tiny_vae, backend, monkeypatch):
    monkeypatch.setenv("GEN3D_BACKEND", backend)
    vae = make_vae(tiny_vae, DECODERS["ours"])
    field = GeometryField(vae.geometry, decoded(vae), bounds=1.0)
    grid = Grid(-1.0, 0.25, 10)  # index 8 is the wall, 9 beyond it
    index = torch.cartesian_prod(*[torch.arange(10)] * 3)
    values = field.on_grid(grid)(index)
    torch.testing.assert_close(values, field(grid.points(index)), atol=1e-5, rtol=0)
    wall = ((index == 0) | (index >= 8)).any(1)
    assert float(values[wall].max()) <= -1e-3


@needs_native
def test_field_has_the_gradient_of_the_network(tiny_vae):
    vae = make_vae(tiny_vae, DECODERS["full"])
    shape = decoded(vae)
    field = GeometryField(vae.geometry, shape, bounds=1.0)
    x = points(20).requires_grad_()
    (found,) = torch.autograd.grad(field(x).sum(), x)
    (expected,) = torch.autograd.grad(vae.geometry(x[None], shape).sum(), x)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_several_shapes_are_refused(tiny_vae):
    vae = make_vae(tiny_vae, DECODERS["ours"])
    shape = decoded(vae)
    both = KeysValues(shape.keys.repeat(2, 1, 1, 1), shape.values.repeat(2, 1, 1, 1))
    with pytest.raises(InputError, match="expected one"):
        GeometryField(vae.geometry, both, bounds=1.0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("choose", [select_keys_mean, select_keys_mass])
def test_selecting_every_key_changes_nothing(tiny_vae, choose, backend, monkeypatch):
    monkeypatch.setenv("GEN3D_BACKEND", backend)
    vae = make_vae(tiny_vae, DECODERS["turbo"])
    shape = decoded(vae)

    def selector(model, packed, where, groups):
        queries, k = queries_at(model, where), packed.keys.shape[1]
        return [KeySelection(groups.offsets, choose(queries, packed.keys, groups.offsets, k=k))]

    plain = GeometryField(vae.geometry, shape, bounds=1.0)
    field = GeometryField(vae.geometry, shape, bounds=1.0, selector=selector)
    grid = Grid(-1.0, 0.25, 9)
    index = torch.cartesian_prod(*[torch.arange(1, 5)] * 3)
    groups = QueryGroups(torch.tensor([0, 30, 30, 64]), 1)
    found = field.on_grid(grid)(index, groups)
    torch.testing.assert_close(found, plain.on_grid(grid)(index), atol=2e-5, rtol=0)

import math

import pytest
import torch

from gen3d.vecset.evidence import ASIDE, KnownField
from gen3d.vecset.surface_encoding import SurfacePoints
from gen3d.vecset.vae import ShapeVAE


class Ball(ShapeVAE):
    """Decodes to a steep ball, whose logits are 0 on its surface."""

    def occupancy(self, queries, shape):
        return 1000 * (0.7 - queries.norm(dim=-1)).expand(len(shape.geometry.keys), -1)


def sphere(radius: float, *, colours_given: bool = False) -> SurfacePoints:
    normals = torch.nn.functional.normalize(
        torch.randn(40, 3, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    return SurfacePoints(
        radius * normals, normals, torch.full_like(normals, 0.5), colours_given=colours_given
    )


@pytest.fixture
def shapes(tiny_vae):
    vae = Ball(tiny_vae).eval()
    return vae, vae.decode(torch.zeros(2, 6, 4))


def test_a_surface_in_its_place_costs_one_bit_for_each_third_point(shapes):
    loss = KnownField.of_surface(sphere(0.7)).loss(*shapes)
    assert loss.shape == (2,)
    assert loss.tolist() == pytest.approx([math.log(2) / 3] * 2, rel=1e-3)


@pytest.mark.parametrize("radius", [0.65, 0.75])
def test_a_surface_elsewhere_costs_more(shapes, radius):
    here = KnownField.of_surface(sphere(0.7)).loss(*shapes)
    there = KnownField.of_surface(sphere(radius)).loss(*shapes)
    assert bool((there > here + 1).all())


def test_normals_that_point_inward_cost_more(shapes):
    surface = sphere(0.7)
    inward = SurfacePoints(surface.points, -surface.normals, surface.colours)
    turned = KnownField.of_surface(inward).loss(*shapes)
    assert float(turned[0].detach()) > 1000 * ASIDE / 3


def test_colours_count_only_where_they_are_known(tiny_vae):
    vae = ShapeVAE(tiny_vae).eval()
    decoded = vae.decode(torch.zeros(1, 6, 4))
    unknown = KnownField.of_surface(sphere(0.7)).loss(vae, decoded)
    known = KnownField.of_surface(sphere(0.7, colours_given=True)).loss(vae, decoded)
    off = vae.colours(sphere(0.7).points[None], decoded) - 0.5
    more = float((known - unknown).detach())
    assert more == pytest.approx(5 * float(off.detach().square().mean()), rel=1e-3)


def test_a_pick_keeps_points_and_labels_together():
    known = KnownField.of_surface(sphere(0.7, colours_given=True))
    some = known.picked(30, torch.Generator().manual_seed(0))
    assert len(some.points) == 30 and len(some.coloured) == 30
    expected = {0.5: 0.7, 1.0: 0.7 - ASIDE, 0.0: 0.7 + ASIDE}
    for point, inside in zip(some.points, some.inside.tolist(), strict=True):
        assert float(point.norm()) == pytest.approx(expected[inside], abs=1e-5)


def test_gradients_reach_the_latents(tiny_vae):
    vae = ShapeVAE(tiny_vae).eval()
    torch.nn.init.normal_(vae.geometry.cross.attention.proj.weight)
    latents = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(1)).requires_grad_(True)
    loss = KnownField.of_surface(sphere(0.7)).loss(vae, vae.decode(latents))
    (gradient,) = torch.autograd.grad(loss.sum(), latents)
    assert float(gradient.abs().max()) > 0

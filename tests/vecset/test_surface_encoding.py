import dataclasses

import numpy as np
import pytest
import torch

from gen3d.errors import InputError, ModelError
from gen3d.geometry.cloud import PointCloud
from gen3d.vecset.surface_encoding import SURFACE_POINTS, encode_surface, surface_points
from gen3d.vecset.vae import ShapeVAE

CPU = torch.device("cpu")


class Ball(ShapeVAE):
    """Decodes every shape to a red ball."""

    def occupancy(self, queries, shape):
        return 10 * (0.7 - queries.norm(dim=-1))

    def colours(self, queries, shape):
        return torch.tensor([0.9, 0.1, 0.1]).expand(*queries.shape)


def ball_points(n: int) -> np.ndarray:
    points = np.random.default_rng(0).normal(size=(n, 3))
    return (0.7 * points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def test_a_large_cloud_is_thinned_and_the_seed_says_how():
    cloud = PointCloud(ball_points(SURFACE_POINTS + 50))
    first, again, other = (surface_points(cloud, seed=seed, device=CPU) for seed in (0, 0, 1))
    assert len(first.points) == SURFACE_POINTS
    assert torch.equal(first.points, again.points)
    assert not torch.equal(first.points, other.points)


def test_what_the_cloud_has_is_kept():
    points = ball_points(64)
    colours = np.full_like(points, 0.25)
    surface = surface_points(PointCloud(points, points / 0.7, colours), seed=0, device=CPU)
    assert surface.normals_given and surface.colours_given
    assert torch.allclose(surface.normals, surface.points / 0.7, atol=1e-5)
    assert torch.equal(surface.colours, torch.full_like(surface.colours, 0.25))


def test_guessed_normals_turn_to_the_decoded_outside_and_colours_are_the_decoded(tiny_vae):
    vae = Ball(tiny_vae).eval()
    surface = surface_points(PointCloud(ball_points(200)), seed=0, device=CPU)
    wrong = dataclasses.replace(surface, normals=-surface.normals)
    latents, filled = encode_surface(vae, wrong, tokens=vae.config.num_latents)
    assert latents.shape == (1, 6, 4)
    assert float((filled.normals * filled.points).sum(-1).min()) > 0
    assert torch.allclose(filled.colours[0], torch.tensor([0.9, 0.1, 0.1]))


def test_given_normals_stay_as_they_are(tiny_vae):
    points = ball_points(64)
    cloud = PointCloud(points, -points / 0.7)
    _, filled = encode_surface(
        Ball(tiny_vae).eval(), surface_points(cloud, seed=0, device=CPU), tokens=4
    )
    assert float((filled.normals * filled.points).sum(-1).max()) < 0


def test_too_few_points_are_refused():
    with pytest.raises(InputError, match="at least 32"):
        surface_points(PointCloud(ball_points(31)), seed=0, device=CPU)


def test_a_model_without_an_encoder_says_so(tiny_vae):
    vae = ShapeVAE(tiny_vae.model_copy(update={"encoder": None}))
    surface = surface_points(PointCloud(ball_points(64)), seed=0, device=CPU)
    with pytest.raises(ModelError, match="encoder"):
        encode_surface(vae, surface, tokens=1)

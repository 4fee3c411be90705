import torch

from gen3d.vecset.image_encoder import ImageEncoder, ImageEncoderConfig, ImageTokens
from gen3d.vecset.latent_head import (
    LatentHead,
    LatentHeadConfig,
    embed_shapes,
    embed_views,
    load_latent_head,
    nearest_shapes,
    save_latent_head,
)

CONFIG = LatentHeadConfig(context_dim=8, num_latents=3, latent_dim=2, width=16, layers=1)


def make_head() -> LatentHead:
    torch.manual_seed(0)
    head = LatentHead(CONFIG).eval()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return head


def test_masked_tokens_are_not_looked_at(generator):
    head, tokens = make_head(), torch.randn(1, 4, 8, generator=generator)
    mask = torch.tensor([[True, True, False, False]])
    once = head(ImageTokens(tokens, mask, tokens[:, 0]))
    changed = tokens.clone()
    changed[:, 2:] = 7
    assert torch.equal(once, head(ImageTokens(changed, mask, tokens[:, 0])))
    assert torch.allclose(once, head(ImageTokens(tokens[:, :2], mask[:, :2], tokens[:, 0])))


def test_normalisation_is_undone(generator):
    head, latents = make_head(), 3 + 2 * torch.randn(20, 3, 2, generator=generator)
    head.fit_normalisation(latents)
    rows = head.normalise(latents)
    assert torch.allclose(rows.mean(0), torch.zeros(3, 2), atol=1e-5)
    assert torch.allclose(head.denormalise(rows), latents, atol=1e-5)


def test_nearest_shape_of_a_shape_is_itself(generator):
    head, latents = make_head(), torch.randn(5, 3, 2, generator=generator)
    rows = embed_shapes(head, latents)
    assert nearest_shapes(rows, rows)[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert nearest_shapes(rows, rows, count=9).shape == (5, 5)


def test_pictures_embed_as_shapes_do_whatever_the_batch(generator):
    encoder = ImageEncoder(
        ImageEncoderConfig(size=16, patch=8, stem=4, width=16, heads=2, layers=1, out_dim=8)
    ).eval()
    head, views = make_head(), torch.rand(3, 2, 4, 16, 16, generator=generator)
    rows = embed_views(encoder, head, views)
    assert rows.shape == (3, 6)
    assert torch.allclose(rows, embed_views(encoder, head, views, batch=1), atol=1e-5)


def test_file_gives_the_same_head_back(tmp_path, generator):
    head = make_head()
    head.fit_normalisation(torch.randn(20, 3, 2, generator=generator))
    save_latent_head(head, tmp_path / "head.safetensors")
    back = load_latent_head(tmp_path / "head.safetensors")
    assert back.config == CONFIG
    assert torch.equal(back.latent_mean, head.latent_mean)
    assert torch.allclose(back.queries, head.queries, atol=1e-3)

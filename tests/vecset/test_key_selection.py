"""Selections of keys against a plain transcription of the published decoder's, through a field."""

import math

import pytest
import torch

from gen3d.errors import InputError
from gen3d.nn.attention import KeysValues
from gen3d.ops.backend import native_available
from gen3d.vecset.config import QueryDecoderConfig
from gen3d.vecset.decode import decode_field
from gen3d.vecset.field import GeometryField
from gen3d.vecset.grid_field import Grid, QueryGroups
from gen3d.vecset.key_selection import (
    MassSelector,
    MeanSelector,
    MergeSelector,
    every_nth,
    kept_mass,
    published_keys,
    select_keys_mass,
    select_keys_mean,
    select_keys_merge,
)
from gen3d.vecset.vae import ShapeVAE

needs_native = pytest.mark.skipif(not native_available(), reason="native module not built")
BACKENDS = [pytest.param("native", marks=needs_native), "reference"]
TOKENS = 60
OFFSETS = torch.tensor([0, 130, 131, 250])

DECODERS = {
    "full": QueryDecoderConfig(width=16, heads=2, mlp_ratio=2, qk_norm="layer"),
    "turbo": QueryDecoderConfig(width=16, heads=2, mlp_ratio=1, ln_post=False),
}


@pytest.fixture(params=list(DECODERS))
def vae(tiny_vae, request):
    torch.manual_seed(0)
    sizes = {"geometry": DECODERS[request.param], "num_latents": TOKENS, "latent_embedding": False}
    vae = ShapeVAE(tiny_vae.model_copy(update=sizes)).eval()
    for parameter in vae.geometry.parameters():  # zero-initialised blocks would hide mistakes
        torch.nn.init.normal_(parameter, std=0.5)
    return vae.requires_grad_(False)


@pytest.fixture
def shape(vae):
    generator = torch.Generator().manual_seed(1)
    return vae.decode(torch.randn(1, TOKENS, vae.config.latent_dim, generator=generator)).geometry


def plain_queries(vae, points):
    """The network's own projection and norm of queries, in float64."""
    decoder = vae.geometry.double()
    attention = decoder.cross.attention
    embedded = decoder.query_proj(decoder.fourier(points.double()))
    q = attention.q(decoder.cross.query_norm(embedded))
    q = attention.query_norm(q.unflatten(-1, (attention.heads, -1)))
    vae.geometry.float()
    return q


def plain_mean(q, keys, every, k):
    """Raw scores of each ``every``-th query, their mean, the top k of each head."""
    heads = []
    for h in range(q.shape[1]):
        scores = q[::every, h] @ keys[h].T
        order = scores.mean(0).argsort(descending=True)
        heads.append(set(order[:k].tolist()))
    return heads


def plain_merge(q, keys, every):
    """Tokens of which some sampled query thinks more than 1e-6, as its heads' mean."""
    kept = set()
    for query in q[::every]:
        weights = torch.stack([(query[h] @ keys[h].T).softmax(-1) for h in range(len(keys))])
        kept |= set((weights.mean(0) > 1e-6).nonzero().flatten().tolist())
    return kept


class Spy:
    """Remembers what a selector chose."""

    def __init__(self, selector):
        self.selector, self.chosen, self.tokens = selector, [], None

    def __call__(self, decoder, shape, points, groups):
        chosen = self.selector(decoder, shape, points, groups)
        self.chosen.append((groups, points, chosen))
        return chosen


def sample_groups(vae, shape, selector, level):
    spy = Spy(selector)
    field = GeometryField(vae.geometry, shape, bounds=1.0, selector=spy)
    grid = Grid(-1.0, 0.125, 17)
    index = torch.cartesian_prod(*[torch.arange(1, 15)] * 3)[: int(OFFSETS[-1])]
    values = field.on_grid(grid)(index, QueryGroups(OFFSETS, level))
    return grid.points(index), values, spy.chosen[0][2]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_mean_mode_chooses_the_published_keys(vae, shape, level):
    points, _, chosen = sample_groups(vae, shape, MeanSelector(), level)
    queries = plain_queries(vae, points)
    assert len(chosen) == 1
    assert tuple(chosen[0].keys.shape) == (3, 2, TOKENS // 3)
    for g in range(3):
        q = queries[OFFSETS[g] : OFFSETS[g + 1]]
        expected = plain_mean(q, shape.keys[0].double(), 50 if level else 100, TOKENS // 3)
        assert [set(row.tolist()) for row in chosen[0].keys[g]] == expected


def test_merge_mode_chooses_the_published_keys(vae, shape):
    shape = KeysValues(20 * shape.keys, shape.values)  # so sharp that some tokens have no weight
    points, _, chosen = sample_groups(vae, shape, MergeSelector(), 1)
    queries = plain_queries(vae, points)
    sizes = []
    for g, one in enumerate(chosen):
        q = queries[OFFSETS[g] : OFFSETS[g + 1]]
        assert one.offsets.tolist() == [0, len(q)]
        expected = plain_merge(q, shape.keys[0].double(), 30)
        assert [set(row.tolist()) for row in one.keys[0]] == [expected] * 2
        sizes.append(len(expected))
    assert len(set(sizes)) > 1
    assert max(sizes) < TOKENS


def test_merge_mode_is_mean_mode_on_the_coarsest_level(vae, shape):
    mean, merge = (
        sample_groups(vae, shape, selector, 0)[2][0].keys
        for selector in (MeanSelector(7), MergeSelector(7))
    )
    assert torch.equal(mean, merge)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("selector", [MeanSelector(), MergeSelector(), MassSelector(9)])
def test_field_attends_to_the_chosen_keys_only(vae, shape, selector, backend, monkeypatch):
    monkeypatch.setenv("GEN3D_BACKEND", backend)
    points, values, chosen = sample_groups(vae, shape, selector, 1)
    q = plain_queries(vae, points)
    keys, heads = shape.keys[0].double(), range(2)
    decoder = vae.geometry.double()
    embedded = decoder.query_proj(decoder.fourier(points.double()))
    lists = [keys_of for one in chosen for keys_of in one.keys]
    attended = []
    for g, tokens in enumerate(lists):
        own = q[OFFSETS[g] : OFFSETS[g + 1]]
        parts = []
        for h in heads:
            rows = tokens[h].long()
            weights = (own[:, h] @ keys[h, rows].T / math.sqrt(q.shape[-1])).softmax(-1)
            parts.append(weights @ shape.values[0, h, rows].double())
        attended.append(torch.cat(parts, -1))
    x = embedded + decoder.cross.attention.proj(torch.cat(attended))
    x = x + decoder.cross.mlp(decoder.cross.mlp_norm(x))
    expected = decoder.output_proj(decoder.ln_post(x))[:, 0]
    vae.geometry.float()
    torch.testing.assert_close(values.double(), expected, atol=2e-3, rtol=1e-4)


@pytest.mark.parametrize("mode", ["flashvdm", "sparse"])
@pytest.mark.parametrize("make", [MeanSelector, MergeSelector, MassSelector])
def test_all_keys_decode_as_without_a_selection(vae, shape, make, mode):
    def decode(selector):
        field = GeometryField(vae.geometry, shape, bounds=1.0, selector=selector)
        grouped = selector is not None
        return decode_field(field, 20, mode=mode, start=8, slope=5.0, band=0.5, grouped=grouped)

    plain, found = decode(None), decode(make(TOKENS))
    assert found.report.evaluations == plain.report.evaluations
    if make is not MergeSelector:  # which leaves out what no sampled query thinks of
        assert torch.equal(found.cells, plain.cells)
        torch.testing.assert_close(found.corner_values, plain.corner_values, atol=1e-3, rtol=0)


def test_published_numbers_of_keys():
    assert [published_keys(n) for n in (3072, 512, 4096, 48)] == [1024, 256, 1365, 16]


def test_sampling_takes_the_first_of_each_group():
    rows, offsets = every_nth(torch.tensor([0, 5, 5, 8]), 2)
    assert rows.tolist() == [0, 2, 4, 5, 7]
    assert offsets.tolist() == [0, 3, 3, 5]
    with pytest.raises(InputError, match="0-th"):
        every_nth(torch.tensor([0, 5]), 0)


def test_selection_finds_the_keys_that_matter():
    queries, keys = torch.zeros(12, 1, 4), torch.zeros(1, 9, 4)
    keys[0, 2], keys[0, 7] = torch.tensor([9.0, 0, 0, 0]), torch.tensor([0, 9.0, 0, 0])
    queries[:6, 0, 0] = queries[6:, 0, 1] = 2.0
    offsets = torch.tensor([0, 6, 12])
    for choose in (select_keys_mean, select_keys_mass):
        chosen = choose(queries, keys, offsets, k=1)
        assert chosen.flatten().tolist() == [2, 7]
        assert float(kept_mass(queries, keys, offsets, chosen).min()) > 0.99
        with pytest.raises(InputError, match="k is 10"):
            choose(queries, keys, offsets, k=10)
    assert [row.tolist() for row in select_keys_merge(queries, keys, offsets)] == [[2], [7]]


def test_group_without_queries_has_no_part(vae, shape):
    field = GeometryField(vae.geometry, shape, bounds=1.0, selector=MergeSelector())
    index = torch.randint(1, 15, (40, 3))
    sample = field.on_grid(Grid(-1.0, 0.125, 17))
    values = sample(index, QueryGroups(torch.tensor([0, 0, 40, 40]), 1))
    assert torch.equal(values, sample(index, QueryGroups(torch.tensor([0, 40]), 1)))
    assert sample(index[:0], QueryGroups(torch.tensor([0, 0]), 1)).shape == (0,)

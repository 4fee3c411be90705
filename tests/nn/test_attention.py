import math

import pytest
import torch

from gen3d.nn.attention import CrossAttention, SelfAttention, attend, muon_row_chunks
from gen3d.nn.norms import RMSNorm, make_qk_norm


@pytest.fixture
def qkv():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3, 5, 4, generator=generator) for _ in range(3)]


def test_written_out_and_fused_products_agree(qkv):
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], dtype=torch.bool)
    for m in (None, mask):
        written = attend(*qkv, mask=m)
        with torch.no_grad():
            fused = attend(*qkv, mask=m)
        assert torch.allclose(written, fused, atol=1e-6)


def test_equal_keys_average_the_values_that_the_mask_allows(qkv):
    q, k, v = qkv
    mask = torch.tensor([[1, 1, 0, 0, 0]] * 2, dtype=torch.bool)
    out = attend(q, torch.zeros_like(k), v, mask=mask)
    assert torch.allclose(out, v[:, :, :2].mean(2, keepdim=True).expand_as(out), atol=1e-6)


def test_packed_rows_are_queries_then_keys_then_values():
    attention = SelfAttention(4, 2)
    with torch.no_grad():
        attention.qkv.weight.zero_()
        attention.qkv.weight[8:12] = torch.eye(4)
    q, k, v = attention.queries_keys_values(torch.arange(4.0).reshape(1, 1, 4))
    assert not q.any()
    assert not k.any()
    assert v.flatten().tolist() == [0, 1, 2, 3]


def test_head_dimension_is_free_of_the_width():
    x = torch.randn(2, 3, 12)
    assert SelfAttention(12, 2, head_dim=16)(x).shape == x.shape
    cross = CrossAttention(12, 2, context_width=5, head_dim=16, qk_norm="layer")
    assert cross(x, cross.keys_values(torch.randn(2, 7, 5))).shape == x.shape


def test_zero_initialised_output_adds_nothing():
    assert not SelfAttention(8, 2, zero_init=True)(torch.randn(1, 3, 8)).any()


def test_rms_norm_matches_its_formula_and_keeps_the_dtype():
    x = torch.tensor([[3.0, 4.0]])
    assert torch.allclose(RMSNorm(2)(x), x / math.sqrt(12.5), atol=1e-5)
    assert RMSNorm(2)(x.bfloat16()).dtype == torch.bfloat16


def test_norm_kinds():
    x = torch.randn(2, 8)
    assert make_qk_norm("none", 8)(x) is x
    assert isinstance(make_qk_norm("layer", 8), torch.nn.LayerNorm)
    assert isinstance(make_qk_norm("rms", 8), RMSNorm)


def test_row_chunks_are_found_by_full_name():
    network = torch.nn.Sequential(SelfAttention(8, 2), CrossAttention(8, 2))
    assert muon_row_chunks(network) == {
        "0.qkv.weight": 3,
        "0.proj.weight": 1,
        "1.q.weight": 1,
        "1.kv.weight": 2,
        "1.proj.weight": 1,
    }

import pytest

from gen3d.bench import roofline
from gen3d.ops.backend import native_available
from gen3d.vecset.config import QueryDecoderConfig, VAEConfig


@pytest.mark.skipif(not native_available(), reason="native module not built")
def test_roofline_has_a_row_per_part_below_its_roof(monkeypatch) -> None:
    monkeypatch.setattr(
        roofline, "measure_ceilings", lambda *, seconds: roofline.Ceilings(1e3, 2e3, 1e3)
    )
    small = VAEConfig(num_latents=8, geometry=QueryDecoderConfig(width=32, heads=2))
    monkeypatch.setattr(roofline, "hunyuan_vae_config", lambda *, turbo: small)
    report = roofline.bench_roofline(resolution=40, large_resolution=64, seconds=0.01)
    (_, head, measured), (_, _, calculated) = report.tables
    assert [row[0] for row in measured][-2:] == ["vertex refinement", "whole decode"]
    # Ceilings that no machine reaches.
    assert all(0 < float(row[head.index("of roof")]) < 1 for row in measured)
    assert [row[0] for row in calculated if "whole" in row[0]] == [
        "whole query, float32",
        "whole query, bfloat16",
    ]
    assert report.figures["turbo_s"] > 0

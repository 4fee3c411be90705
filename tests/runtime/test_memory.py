"""Plans that fit, and the error where none does."""

from pathlib import Path

import pytest
import torch

from gen3d.errors import ModelError
from gen3d.runtime import memory
from gen3d.runtime.memory import (
    MAX_CHUNK,
    MIN_CHUNK,
    MemoryPlan,
    PartNeed,
    free_memory_bytes,
    plan_parts,
)

CPU = torch.device("cpu")
MB = 10**6
PARAMETERS = {"eye": 50 * MB, "mind": 100 * MB, "hand": 25 * MB}


def plan(free_bytes: int | None, dtypes: tuple[torch.dtype, ...] = ()) -> MemoryPlan:
    parts = [
        PartNeed(name, lambda dtype, n=count: n * dtype.itemsize, lambda dtype: 5 * MB)
        for name, count in PARAMETERS.items()
    ]
    return plan_parts(
        parts,
        device=CPU,
        dtypes=dtypes or (torch.float32, torch.bfloat16),
        free_bytes=free_bytes,
        query_bytes=1000,
    )


def test_all_parts_stay_where_there_is_room() -> None:
    roomy = plan(2000 * MB)
    assert roomy.keep and roomy.dtype == torch.float32
    assert roomy.need_bytes >= 700 * MB
    assert roomy.chunk == MAX_CHUNK


def test_parts_take_turns_before_the_dtype_narrows() -> None:
    tight = plan(500 * MB)
    assert not tight.keep and tight.dtype == torch.float32
    tighter = plan(300 * MB)
    assert not tighter.keep and tighter.dtype == torch.bfloat16
    assert tighter.need_bytes <= 300 * MB


def test_narrow_parts_stay_if_turns_in_the_wide_dtype_do_not_fit() -> None:
    kept = plan(430 * MB)
    assert kept.keep and kept.dtype == torch.bfloat16


def test_chunk_fills_the_room_that_is_left() -> None:
    kept = plan(800 * MB)
    assert kept.keep
    assert kept.chunk == pytest.approx((0.9 * 800 - 700 - 5) * MB / 1000, rel=1e-3)
    assert all(MIN_CHUNK <= plan(size * MB).chunk <= MAX_CHUNK for size in range(240, 2000, 40))


def test_what_cannot_fit_is_refused_with_both_numbers() -> None:
    with pytest.raises(ModelError, match=r"needs 0\.2 GB.*bfloat16; 0\.1 GB of 0\.1 GB"):
        plan(100 * MB)


def test_unknown_memory_means_the_first_choice() -> None:
    assert plan(None).keep
    assert "unknown free" in plan(None).lines()[0]


def test_plan_is_told_in_words() -> None:
    lines = plan(500 * MB).lines()
    assert "parts loaded in turn and freed" in lines[0]
    assert "mind 0.4 GB" in lines[1]


def test_free_memory_is_known_here() -> None:
    free = free_memory_bytes(CPU)
    assert free is None or free > 0


def test_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / name for name in ("max", "current", "stat")]
    monkeypatch.setattr(memory, "_CGROUPS", (tuple(map(str, files)),))
    files[1].write_text("700000\n")
    files[2].write_text("anon 1\nactive_file 100000\ninactive_file 50000\n")
    files[0].write_text("1000000\n")
    assert free_memory_bytes(CPU) == 450_000  # cached files give way
    files[0].write_text("max\n")
    assert free_memory_bytes(CPU) != 450_000

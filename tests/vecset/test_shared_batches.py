"""A batch gives the same loss and the same step, however many share it."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gen3d.errors import InputError
from gen3d.training import BatchPart, batch_part
from gen3d.training.state import load_state
from tests.vecset.part_objectives import OBJECTIVES, train

_ROOT = Path(__file__).parent.parent.parent
_SPAWN = """
import sys
from pathlib import Path
from torch import multiprocessing
root, port, folder = sys.argv[1:]
sys.path.append(root)
from tests.vecset.part_objectives import train_with_others
multiprocessing.spawn(train_with_others, args=(2, int(port), Path(folder)), nprocs=2)
"""


def assert_same_weights(first: Path, second: Path) -> None:
    once, again = (load_state(folder / "last.ckpt") for folder in (first, second))
    for group in ("module", "ema"):
        for name, weight in once[group].items():
            assert (weight - again[group][name]).abs().max() < 1e-5, name


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("kind", OBJECTIVES)
def test_mean_of_the_parts_is_the_loss_of_the_batch(kind: str, parts: int) -> None:
    objective = OBJECTIVES[kind]()

    def loss(part: BatchPart) -> torch.Tensor:
        with batch_part(part):
            return objective.loss(0, torch.Generator().manual_seed(7)).loss.detach()

    whole = loss(BatchPart())
    each = torch.stack([loss(BatchPart(i, parts)) for i in range(parts)])
    assert torch.allclose(each.mean(), whole, rtol=1e-5)
    assert each.std() > 1e-4


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with batch_part(BatchPart(0, 3)), pytest.raises(InputError, match="batch of 8"):
        OBJECTIVES["vae"]().loss(0, torch.Generator())


@pytest.mark.parametrize("kind", ["vae", "flow"])
def test_a_batch_in_two_passes_gives_the_same_weights(tmp_path: Path, kind: str) -> None:
    once = train(kind, tmp_path / "once")
    twice = train(kind, tmp_path / "twice", accumulate=2)
    assert once == pytest.approx(twice, rel=1e-5)
    assert_same_weights(tmp_path / "once", tmp_path / "twice")
    # Another batch leads elsewhere, by far more than the tolerance.
    train(kind, tmp_path / "other", seed=1)
    weights = [load_state(tmp_path / n / "last.ckpt")["module"] for n in ("once", "other")]
    apart = [(a - b).abs().max() for a, b in zip(*(w.values() for w in weights), strict=True)]
    assert max(apart) > 2e-4


def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # From a process of its own: what hundreds of tests left behind in this one is not inherited.
    subprocess.run([sys.executable, "-c", _SPAWN, str(_ROOT), str(port), str(tmp_path)], check=True)
    for kind in ("vae", "flow"):
        alone = train(kind, tmp_path / "alone" / kind, steps=4)
        together = [
            json.loads(line)["loss"]
            for line in (tmp_path / kind / "log.jsonl").read_text().splitlines()
            if "loss" in json.loads(line)
        ]
        assert len(together) == 4
        assert together == pytest.approx(alone, rel=1e-5)
        assert_same_weights(tmp_path / "alone" / kind, tmp_path / kind)
    record = json.loads((tmp_path / "vae" / "record.json").read_text())
    assert record["processes"] == 2
    assert (tmp_path / "order").read_text() == "01"
    for rank in range(2):
        assert json.loads((tmp_path / f"found-{rank}.json").read_text()) == {
            "gathered": [0, 1],
            "first": "from 0",
            "largest": 1.0,
            "gradients": [1.5, 2.0],
            "nowhere": True,
        }

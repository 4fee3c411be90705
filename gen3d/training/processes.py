"""Processes that train together, as ``torchrun`` starts them: one per device.

Every process holds the whole network. Gradients are averaged after each step's backward pass, so
optimisers and averaged weights move alike everywhere; the first process alone reads and writes
files of the run. All exchange goes through the functions of :class:`Processes`, and everyone must
call them in the same order.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

from gen3d.runtime.devices import resolve_device

T = TypeVar("T")

# Others wait while the first process samples a data set or validates, which may take hours.
_PATIENCE = timedelta(hours=24)


@dataclass(frozen=True)
class Processes:
    """The processes of a run; alone, every exchange is free.

    Attributes:
        rank: Number of this one.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def current(cls) -> Processes:
        """Return those of torch's process group; this one alone without a group."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @classmethod
    def launched(cls) -> Processes:
        """Return those that ``torchrun`` started, before they know of each other."""
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def is_first(self) -> bool:
        """Whether this one reads and writes the files of the run."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all have come here."""
        self.gathered(None)

    def gathered(self, value: T) -> list[T]:
        """Return the values of all, in their order."""
        if self.count == 1:
            return [value]
        values: list[T] = [value] * self.count
        distributed.all_gather_object(values, value)
        return values

    def from_first(self, value: T) -> T:
        """Return the first one's value."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def largest(self, value: float) -> float:
        """Return the largest value of all."""
        if self.count == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64)
        distributed.all_reduce(shared, op=distributed.ReduceOp.MAX)
        return float(shared)

    @torch.no_grad()
    def equalise(self, tensors: Iterable[Tensor]) -> None:
        """Give all the first one's values, in place."""
        if self.count > 1:
            for tensor in tensors:
                distributed.broadcast(tensor.detach(), src=0)

    @torch.no_grad()
    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace gradients by their mean over all; a parameter unused here counts as zero.

        Parameters that no process used keep having no gradient.
        """
        if self.count == 1:
            return
        trained = list(parameters)
        used = torch.tensor([p.grad is not None for p in trained], dtype=torch.uint8)
        distributed.all_reduce(used, op=distributed.ReduceOp.MAX)
        gradients = []
        for parameter, anywhere in zip(trained, used.tolist(), strict=True):
            if not anywhere:
                continue
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        # One message: networks of many small layers would wait for each.
        flat = torch.cat([gradient.flatten().float() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        means = flat.split([gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))


@contextmanager
def launched_processes(device: str) -> Iterator[Processes]:
    """Join the others that ``torchrun`` started; without ``torchrun``, be alone.

    Args:
        device: As in :class:`~gen3d.training.config.TrainConfig`; says what gradients travel by.

    Raises:
        InputError: The device does not exist, or there are more processes than GPUs here.
    """
    joined = distributed.is_available() and distributed.is_initialized()
    if joined or Processes.launched().count == 1:
        yield Processes.current()
        return
    place = local_device(device)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    # What the processes say of themselves lives on the CPU, even where gradients do not.
    backend = "cpu:gloo,cuda:nccl" if place.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield Processes.current()
        # None leaves while another still talks to it: gloo would abort that one.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def local_device(name: str) -> torch.device:
    """Return the device of this process: of several GPUs, the one that ``torchrun`` gave it.

    Raises:
        InputError: It does not exist.
    """
    device = resolve_device(name)
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        return resolve_device(f"cuda:{os.environ['LOCAL_RANK']}")
    return device


@contextmanager
def one_after_another(processes: Processes) -> Iterator[None]:
    """Let the first process go ahead, then one per machine, then all others.

    What the first ones leave on disk, data sets for instance, the others find there; also where
    machines share no disk.
    """
    local = int(os.environ.get("LOCAL_RANK", processes.rank))
    turn = 0 if processes.is_first else 1 if local == 0 else 2
    for _ in range(turn):
        processes.wait()
    yield
    for _ in range(turn, 2):
        processes.wait()

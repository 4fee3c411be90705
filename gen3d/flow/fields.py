"""Fields: what a sampler asks for a prediction at ``(x, t)``, and the wrappers around it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d.errors import InputError
from gen3d.flow.conditions import Condition
from gen3d.flow.paths import LINEAR, Path
from gen3d.flow.predictions import Kind, Prediction
from gen3d.flow.reduce import DENSE, Reducer

# (x, times of shape (batch,), condition) -> a tensor in the shape of x.
Network: TypeAlias = Callable[[Tensor, Tensor, Condition], Tensor]
# (x_0 hat, x, t) -> another x_0 hat, or None to leave it.
X0Hook: TypeAlias = Callable[[Tensor, Tensor, float], Tensor | None]


class Field(Protocol):
    """A callable ``(x, t, cond) -> Prediction`` on a path; ``t`` is one float for all samples."""

    @property
    def path(self) -> Path:
        """The path on which the predictions are to be understood."""
        ...

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Predict at ``(x, t)``."""
        ...


@runtime_checkable
class JumpField(Protocol):
    """A field that also knows whole jumps: few-step students do (`gen3d.flow.flow_maps`)."""

    def average_velocity(self, x: Tensor, t: float, r: float, cond: Condition = None) -> Tensor:
        """Return ``(x_t - x_r) / (t - r)`` along the flow through ``x`` at ``t``."""
        ...


@dataclass(frozen=True)
class NetworkField:
    """A network as a field.

    Args:
        network: Callable ``(x, t, cond)`` with ``t`` of shape (batch,).
        kind: What it predicts.
        path: The path that it was trained on.
        reducer: Tells how many samples ``x`` holds.
        dtype: In which the network wants ``x``; None leaves it. The prediction always comes back
            in the dtype of ``x``.
    """

    network: Network
    kind: Kind = "velocity"
    path: Path = LINEAR
    reducer: Reducer = DENSE
    dtype: torch.dtype | None = None

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Run the network once."""
        times = torch.full((self.reducer.batch_size(x),), t, dtype=x.dtype, device=x.device)
        value = self.network(x.to(self.dtype or x.dtype), times, cond)
        return Prediction(self.kind, value.to(x.dtype))


@dataclass(frozen=True)
class Flip:
    """Adapter for a model whose time runs from noise (t = 0) to data (t = 1).

    ``v'(x, t) = -v(x, 1 - t)``; the other kinds do not know the direction of time. The path of the
    wrapped field is given in our direction, so a foreign linear path is a ``LinearPath``.
    """

    field: Field

    @property
    def path(self) -> Path:
        """The wrapped field's path."""
        return self.field.path

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Ask at the mirrored time."""
        mirrored = self.field(x, 1 - t, cond)
        if mirrored.kind == "velocity":
            return Prediction("velocity", -mirrored.value)
        return mirrored


@dataclass
class CountedField:
    """Counts what passes through: the one place where evaluations are counted.

    Attributes:
        calls: Calls of the wrapped field.
        rows: Samples in these calls. A call that batches a conditional and an unconditional half
            counts both, so ``rows`` over the batch size is the price per sample.
    """

    field: Field
    reducer: Reducer = DENSE
    calls: int = dataclasses.field(default=0, init=False)
    rows: int = dataclasses.field(default=0, init=False)

    @property
    def path(self) -> Path:
        """The wrapped field's path."""
        return self.field.path

    def __call__(self, x: Tensor, t: float, cond: Condition = None) -> Prediction:
        """Count, then ask."""
        self.calls += 1
        self.rows += self.reducer.batch_size(x)
        return self.field(x, t, cond)

    def average_velocity(self, x: Tensor, t: float, r: float, cond: Condition = None) -> Tensor:
        """Count, then ask for a whole jump.

        Raises:
            InputError: The wrapped field knows no jumps.
        """
        self.calls += 1
        self.rows += self.reducer.batch_size(x)
        return _jumping(self.field).average_velocity(x, t, r, cond)


@dataclass(frozen=True)
class BoundField:
    """A field with its condition: all that a solver sees.

    Solvers ask for ``velocity`` or ``x0`` and never learn what the network predicts. A hook may
    replace the estimate of x_0 (threshold, projection, guidance by a gradient) before either of
    them, or any history, is made from it.
    """

    field: Field
    cond: Condition = None
    on_x0: X0Hook | None = None

    @property
    def path(self) -> Path:
        """The field's path."""
        return self.field.path

    def velocity(self, x: Float[Tensor, "*shape"], t: float) -> Float[Tensor, "*shape"]:
        """Return ``dx/dt`` at ``(x, t)``."""
        return self._predict(x, t).to("velocity", self.path, x, t).value

    def x0(self, x: Float[Tensor, "*shape"], t: float) -> Float[Tensor, "*shape"]:
        """Return the estimate of the data at ``(x, t)``."""
        return self._predict(x, t).to("x0", self.path, x, t).value

    def average_velocity(
        self, x: Float[Tensor, "*shape"], t: float, r: float
    ) -> Float[Tensor, "*shape"]:
        """Return the average velocity from ``t`` to ``r``.

        A hook on x_0 sees where this velocity would lead until t = 0, which for a jump to 0 is
        where it leads.

        Raises:
            InputError: The field knows no jumps, or is under guidance, which has to be distilled
                into it.
        """
        u = _jumping(self.field).average_velocity(x, t, r, self.cond)
        if self.on_x0 is None:
            return u
        x0 = self.on_x0(x - t * u, x, t)
        return u if x0 is None else (x - x0) / t

    def _predict(self, x: Tensor, t: float) -> Prediction:
        prediction = self.field(x, t, self.cond)
        if self.on_x0 is None:
            return prediction
        x0 = self.on_x0(prediction.to("x0", self.path, x, t).value, x, t)
        return prediction if x0 is None else Prediction("x0", x0)


def _jumping(field: Field) -> JumpField:
    if not isinstance(field, JumpField):
        raise InputError(
            f"jumps need a field that knows average velocities, got {type(field).__name__}",
            hint="wrap a few-step student in FlowMapField, and sample it without guidance",
        )
    return field

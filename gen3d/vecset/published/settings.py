"""The publisher's ``config.yaml``: what it says that weights do not.

A target such as ``hy3dgen.shapegen.models.Hunyuan3DDiT`` is known by its last component; nothing is
ever imported by name. Where a value is absent, the default of the publisher's code counts, which
often is not the value of the published configurations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gen3d.errors import ModelError

_MODELS = {"Hunyuan3DDiT": "dit", "HunYuanDiTPlain": "plain"}
_VAES = {"ShapeVAE"}
_ENCODERS = {"DinoImageEncoder": 1, "DinoImageEncoderMV": 4}
_SCHEDULERS = {"FlowMatchEulerDiscreteScheduler", "ConsistencyFlowMatchEulerDiscreteScheduler"}
# Their code's defaults: of the scheduler, and of the points that the encoder takes.
_PCM_TIMESTEPS = 50
_PC_SIZE = 5120


@dataclass(frozen=True)
class PublishedSettings:
    """A configuration, by part; an empty mapping where it says nothing.

    Attributes:
        path: The file, for messages.
        model: Parameters of the flow network.
        vae: Parameters of the autoencoder.
        encoder: Settings of the image encoder, as transformers names them.
        views: The most views of one object.
        consistency: Number of the turbo schedule's intervals; None for the plain schedule.
        shift: The plain schedule's shift.
        image_size: Side of the prepared image, pixels.
        border: Free share of it around the object.
    """

    path: Path | None = None
    model: Mapping[str, Any] | None = None
    vae: Mapping[str, Any] | None = None
    encoder: Mapping[str, Any] | None = None
    views: int = 1
    consistency: int | None = None
    shift: float = 1.0
    image_size: int = 512
    border: float = 0.15


def read_settings(path: Path) -> PublishedSettings:
    """Read a ``config.yaml``: of a whole model, or of an autoencoder alone.

    Raises:
        ModelError: It cannot be read, or names a network that is not known.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        line = str(error).splitlines()[0]
        raise ModelError(f"the configuration {path} cannot be read: {line}") from error
    if not isinstance(content, dict):
        raise ModelError(f"the configuration {path} is no table of settings")
    if "target" in content:
        return PublishedSettings(path, vae=_params(path, content, _VAES)[1])
    found = PublishedSettings(path)
    values: dict[str, Any] = {"path": path}
    if "model" in content:
        values["model"] = _params(path, content["model"], set(_MODELS))[1]
    if "vae" in content:
        values["vae"] = _params(path, content["vae"], _VAES)[1]
    if "conditioner" in content:
        values["encoder"], values["views"] = _image_encoder(path, content["conditioner"])
    if "scheduler" in content:
        name, params = _params(path, content["scheduler"], _SCHEDULERS)
        if name.startswith("Consistency"):
            values["consistency"] = int(params.get("pcm_timesteps", _PCM_TIMESTEPS))
        values["shift"] = float(params.get("shift", 1.0))
    prepared = content.get("image_processor")
    if isinstance(prepared, dict):
        params = prepared.get("params") or {}
        values["image_size"] = int(params.get("size", found.image_size))
        values["border"] = float(params.get("border_ratio", found.border) or found.border)
    return PublishedSettings(**values)


def sharp_fraction(vae: Mapping[str, Any]) -> float | None:
    """Return the share of sharp-edge points that an autoencoder's encoder takes, if it is told.

    The configuration of 2.0's encoder names neither number, though its weights need both equal;
    the code's default for the sharp ones, 5120, then equals that of the others.
    """
    if "pc_size" not in vae and "pc_sharpedge_size" not in vae:
        return None
    plain = int(vae.get("pc_size", _PC_SIZE))
    sharp = int(vae.get("pc_sharpedge_size", _PC_SIZE))
    return sharp / max(plain + sharp, 1)


def _params(path: Path, section: Any, known: set[str]) -> tuple[str, dict[str, Any]]:
    """Return the last component of a section's target, and its parameters."""
    if not isinstance(section, dict) or not isinstance(section.get("target"), str):
        raise ModelError(f"a section of {path} names no target")
    name = section["target"].rsplit(".", 1)[-1]
    if name not in known:
        raise ModelError(
            f"{path} asks for {name}, which is not known here",
            hint=f"expected {' or '.join(sorted(known))}",
        )
    params = section.get("params") or {}
    if not isinstance(params, dict):
        raise ModelError(f"the parameters of {name} in {path} are no table")
    return name, params


def _image_encoder(path: Path, section: Any) -> tuple[dict[str, Any], int]:
    _, params = _params(path, section, {"SingleImageEncoder"})
    encoder = params.get("main_image_encoder") or {}
    kind = encoder.get("type")
    if kind not in _ENCODERS:
        raise ModelError(
            f"{path} asks for the image encoder {kind}, which is not known here",
            hint=f"expected {' or '.join(_ENCODERS)}",
        )
    kwargs = encoder.get("kwargs") or {}
    return dict(kwargs.get("config") or {}), _ENCODERS[kind]

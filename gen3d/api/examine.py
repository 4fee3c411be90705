"""What works on this machine, in one list."""

from __future__ import annotations

from gen3d.api.models import EMBEDDED
from gen3d.conditioning.text import WEIGHTS as TEXT_WEIGHTS
from gen3d.errors import Gen3dError
from gen3d.io.tensors import load_tensors
from gen3d.ops.backend import backend, cuda_native_available, native_available, why_not
from gen3d.ops.volume_decode import kernel_build
from gen3d.runtime.doctor import Check, check_extras, check_python, check_torch


def examine() -> list[Check]:
    """Check Python, torch, our native modules, the embedded models and the extras."""
    return [
        check_python(),
        *check_torch(),
        *_check_native(),
        *_check_models(),
        *check_extras(),
    ]


def _check_native() -> list[Check]:
    details = f"in use: {backend()}"
    if native_available():
        build = kernel_build()
        narrow = "" if build == "avx512_bf16" else "; bfloat16 models compute in float32"
        details = f"{details}, decoder built for {build}{narrow}"
    cpu = Check("native ops (cpu)", "ok", details)
    if not native_available():
        remedy = "install a C++ compiler and reinstall gen3d; until then torch twins run, slower"
        cpu = Check("native ops (cpu)", "off", why_not("cpu"), remedy)
    cuda = Check("native ops (cuda)", "ok", "built")
    if not cuda_native_available():
        cuda = Check(
            "native ops (cuda)",
            "off",
            why_not("cuda"),
            "needs nvcc; GEN3D_CUDA=ON pip install .",
        )
    return [cpu, cuda]


def _check_models() -> list[Check]:
    checks = [_check_file("text encoder", [TEXT_WEIGHTS])]
    for name, folder in EMBEDDED.items():
        checks.append(_check_file(f"model {name}", sorted(folder.glob("*.safetensors"))))
    return checks


def _check_file(name: str, paths: list) -> Check:
    if not paths:
        return Check(name, "broken", "its weights are missing", "reinstall gen3d")
    try:
        for path in paths:
            load_tensors(path)
    except Gen3dError as error:
        return Check(name, "broken", error.message, error.hint)
    size = sum(path.stat().st_size for path in paths)
    return Check(name, "ok", f"{size / 1e6:.1f} MB")

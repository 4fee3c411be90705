"""The CUDA kernel against the CPU's, on the fields of the other tests."""

import pytest
import torch

from gen3d.ops.backend import cuda_native_available, why_not
from gen3d.ops.isosurface import marching_cubes_dense

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not cuda_native_available(), reason=why_not("cuda") or "no CUDA module"),
]


def sphere(resolution: int) -> torch.Tensor:
    x = torch.linspace(-1, 1, resolution + 1)
    return 0.8 - (x[:, None, None] ** 2 + x[None, :, None] ** 2 + x**2).sqrt()


@pytest.mark.parametrize("resolution", [8, 33, 96])
def test_cuda_equals_cpu_on_a_sphere(resolution: int) -> None:
    field = sphere(resolution)
    vertices, faces = marching_cubes_dense(field)
    on_gpu = marching_cubes_dense(field.cuda())
    assert torch.equal(on_gpu[1].cpu(), faces)
    assert torch.equal(on_gpu[0].cpu(), vertices)


@pytest.mark.parametrize("seed", range(4))
def test_cuda_equals_cpu_on_noise(seed: int) -> None:
    field = torch.randn(17, 17, 17, generator=torch.Generator().manual_seed(seed))
    vertices, faces = marching_cubes_dense(field)
    on_gpu = marching_cubes_dense(field.cuda())
    assert torch.equal(on_gpu[1].cpu(), faces)
    assert torch.allclose(on_gpu[0].cpu(), vertices, atol=1e-6)


def test_cuda_gradients_equal_cpu() -> None:
    grads = []
    for device in ("cpu", "cuda"):
        field = sphere(12).to(device).requires_grad_(True)
        vertices, _ = marching_cubes_dense(field)
        vertices.square().sum().backward()
        assert field.grad is not None
        grads.append(field.grad.cpu())
    assert torch.allclose(grads[0], grads[1], atol=1e-4)

"""Patches of the HDF5 files of PU-GAN and PU1K."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from gen3d.errors import FormatError, InputError
from gen3d.runtime.optional import require
from gen3d.upsampling.midpoint import midpoint_interpolate
from gen3d.upsampling.patch_cutting import (
    CuttingConfig,
    PatchRows,
    choose_sparse,
    draw_noise,
    draw_sparseness,
    pair_patches,
)

_SPARSE, _DENSE = "poisson_256", "poisson_1024"


def read_hdf5_patches(
    path: Path | str,
) -> tuple[Float32[np.ndarray, "n sparse 3"], Float32[np.ndarray, "n dense 3"]]:
    """Read ``poisson_256`` and ``poisson_1024``; columns after xyz are left out.

    Raises:
        MissingDependencyError: h5py is not installed.
        InputError: There is no such file.
        FormatError: The file is damaged, or lacks one of both.
    """
    path = Path(path)
    h5py = require("h5py", extra="train", feature="reading HDF5 patches")
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        with h5py.File(path, "r") as file:
            arrays = [np.asarray(file[name], np.float32) for name in (_SPARSE, _DENSE)]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise FormatError(f"{path} holds no {_SPARSE} and {_DENSE}: {error}") from error
    sparse, dense = arrays
    fits = all(a.ndim == 3 and a.shape[2] >= 3 and len(a) for a in arrays)
    if not fits or len(sparse) != len(dense):
        raise FormatError(
            f"{path} has {_SPARSE} {sparse.shape} and {_DENSE} {dense.shape}, "
            "expected (n, points, 3 or more) of equal n"
        )
    return sparse[..., :3], dense[..., :3]


def pair_hdf5_patch(
    sparse: Float32[np.ndarray, "sparse 3"],
    dense: Float32[np.ndarray, "dense 3"],
    config: CuttingConfig,
    rng: np.random.Generator,
) -> PatchRows:
    """Make a training pair of one patch, without normals.

    Even sparse clouds are the stored ones, the others are subsets of the dense patch. Noise is in
    units of the dense patch's radius, for the shape is unknown.
    """
    truth = torch.from_numpy(dense)
    given = torch.from_numpy(sparse)
    kind = draw_sparseness(config, rng)
    if kind != "even":
        given = truth[choose_sparse(truth, len(given), kind, rng)]
    noise = draw_noise(config, rng)
    radius = float((truth - truth.mean(0)).norm(dim=1).max())
    jitter = rng.standard_normal(given.shape, dtype=np.float32)
    given = given + noise * radius * torch.from_numpy(jitter)
    start = midpoint_interpolate(given, len(truth))
    return pair_patches(start[None], truth[None], None, noise, config)

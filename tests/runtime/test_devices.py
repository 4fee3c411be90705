import pytest
import torch

from gen3d.errors import InputError, MissingDependencyError
from gen3d.runtime.devices import resolve_device
from gen3d.runtime.optional import require


def test_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert resolve_device("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:99", ""])
def test_unknown_or_absent_device_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="device"):
        resolve_device(name)


def test_missing_package_names_the_extra_and_the_feature() -> None:
    with pytest.raises(MissingDependencyError, match=r"LAS files.*gen3d\[points\].*libfoo"):
        require("no_such_package", extra="points", feature="LAS files", system="libfoo")

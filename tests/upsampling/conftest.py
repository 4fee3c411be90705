"""What tests of this room share: clouds and networks with known answers."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def clouds() -> ModuleType:
    """The module ``clouds.py`` beside this file."""
    spec = importlib.util.spec_from_file_location("clouds", Path(__file__).with_name("clouds.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

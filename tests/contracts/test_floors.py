"""Data flows one way: each room imports from itself and from lower floors only."""

import ast
from pathlib import Path

import pytest

import gen3d

PACKAGE = Path(gen3d.__file__).parent
FLOORS = {
    "errors": 0,
    "runtime": 0,
    "ops": 1,
    "flow": 1,
    "nn": 2,
    "geometry": 2,
    "io": 3,
    "splatting": 3,
    "data": 4,
    "conditioning": 4,
    "rewards": 4,
    "training": 4,
    "vecset": 5,
    "trellis": 5,
    "upsampling": 5,
    "score": 5,
    "dynamic": 5,
    "api": 6,
    "bench": 6,
    "cli": 7,
    "server": 7,
}
# splatting may use io (DESIGN.md); bench measures what api loads.
SAME_FLOOR = {("splatting", "io"), ("bench", "api"), ("runtime", "errors")}


def room_of(dotted: str) -> str | None:
    parts = dotted.split(".")
    return parts[1] if parts[0] == "gen3d" and len(parts) > 1 else None


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} uses a relative import"
            found.add(node.module)
            if node.module == "gen3d":
                found |= {f"gen3d.{alias.name}" for alias in node.names}
    return found


def files() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.name == "errors.py")


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_room_imports_only_from_lower_floors(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    room = relative.parts[0].removesuffix(".py")
    assert room in FLOORS, f"{room} is no room of the house: add it to DESIGN.md's plan first"
    for dotted in imports_of(path):
        other = room_of(dotted)
        if other is None or other in (room, "__version__"):
            continue
        allowed = FLOORS[other] < FLOORS[room] or (room, other) in SAME_FLOOR
        assert allowed, (
            f"{relative} (floor {FLOORS[room]}) imports {dotted} (floor {FLOORS[other]})"
        )


def test_no_star_imports() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert all(alias.name != "*" for alias in node.names), path

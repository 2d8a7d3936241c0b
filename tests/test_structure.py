"""The house has floors: a module imports only from lower ones, and none knows Hydra but the top."""

import ast
from pathlib import Path

import dcgan

SOURCE = Path(dcgan.__file__).parent
FLOORS = {
    "errors": 0,
    "files": 0,
    "memory": 0,
    "processor": 0,
    "reading": 0,
    "seeding": 0,
    "config": 1,
    "convolution": 1,
    "intervals": 1,
    "networks": 2,
    "data": 2,
    "pictures": 2,
    "checkerboard": 2,
    "sampling": 3,
    "diagnosing": 3,
    "evaluation": 3,
    "training": 4,
    "reports": 5,
    "benchmarking": 5,
    "commands": 6,
}


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


MODULES = [path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py"]


def test_every_room_has_a_floor() -> None:
    assert {room(path) for path in MODULES} == set(FLOORS)


def test_no_module_imports_from_a_higher_floor() -> None:
    for path in MODULES:
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "dcgan" and len(parts) > 1 and parts[1] != room(path):
                assert FLOORS[parts[1]] <= FLOORS[room(path)], f"{path} imports {name}"
                assert parts[1] not in ("data", "networks") or FLOORS[room(path)] != 2


def test_only_the_commands_know_hydra() -> None:
    for path in MODULES:
        if room(path) != "commands":
            assert not {name.partition(".")[0] for name in imports(path)} & {"hydra", "omegaconf"}

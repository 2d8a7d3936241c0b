"""Package layers: modules import only from their own or lower layers; only commands use Hydra."""

import ast
from pathlib import Path

import dcgan

SOURCE = Path(dcgan.__file__).parent
LAYERS = {
    "errors": 0,
    "files": 0,
    "memory": 0,
    "processor": 0,
    "progress": 0,
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


def package(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


MODULES = [path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py"]


def test_every_package_has_a_layer() -> None:
    assert {package(path) for path in MODULES} == set(LAYERS)


def test_no_module_imports_from_a_higher_layer() -> None:
    for path in MODULES:
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "dcgan" and len(parts) > 1 and parts[1] != package(path):
                assert LAYERS[parts[1]] <= LAYERS[package(path)], f"{path} imports {name}"
                assert parts[1] not in ("data", "networks") or LAYERS[package(path)] != 2


def test_only_the_commands_import_hydra() -> None:
    for path in MODULES:
        if package(path) != "commands":
            assert not {name.partition(".")[0] for name in imports(path)} & {"hydra", "omegaconf"}

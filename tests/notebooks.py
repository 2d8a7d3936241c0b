"""Run notebooks. `python -m tests.notebooks` runs the tutorial and stores its outputs."""

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"


def read(path: Path) -> nbformat.NotebookNode:
    """A notebook with its stored outputs."""
    return nbformat.read(path, as_version=4)


def execute(notebook: nbformat.NotebookNode, cwd: Path) -> None:
    """Run a notebook in a folder; its outputs are replaced.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell has raised.
    """
    where = {"metadata": {"path": str(cwd)}}
    NotebookClient(
        notebook, timeout=1800, coalesce_streams=True, record_timing=False, resources=where
    ).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/jpeg", None)  # Pillow offers it beside the PNG


def main() -> None:
    """Store the tutorial's outputs."""
    notebook = read(TUTORIAL)
    with tempfile.TemporaryDirectory() as folder:
        execute(notebook, Path(folder))
    nbformat.write(notebook, TUTORIAL)


if __name__ == "__main__":
    main()

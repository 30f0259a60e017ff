"""The walkthrough's notebooks, and which of them can run concurrently."""

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.notebook import Notebook

__all__ = ["FOLDER", "NOTEBOOKS", "PROJECT", "parameter_names", "predecessors"]

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "notebooks"
NOTEBOOKS = tuple(sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")))

# 08 and 09 need only a target, and 10 only a CA, so they run while the other notebooks do. But 09 lists the service's CAs, so
# it waits until 04 has verified them; and 07, which temporarily registers another CA, waits for 09.
_BESIDE: dict[str, tuple[str, ...]] = {
    Notebook.YOU_ARE_DPS: (Notebook.START_HERE,),
    Notebook.THE_ATTACK: (Notebook.VERIFY_CA, Notebook.YOU_ARE_DPS),
    Notebook.FINAL_TEST: (Notebook.CREATE_CA,),
}
_ALSO: dict[str, tuple[str, ...]] = {
    Notebook.WHEN_ACCESS_ENDS: (Notebook.THE_ATTACK,),
    Notebook.CLEAN_UP: tuple(_BESIDE),
}


def predecessors(notebooks: Sequence[Path], *, side_by_side: bool) -> Mapping[Path, set[Path]]:
    """Return, for each notebook, those that must have finished before it starts.

    Args:
        side_by_side: whether two notebooks may run concurrently.
    """
    if not side_by_side:
        return {notebook: set(notebooks[:position]) for position, notebook in enumerate(notebooks)}
    by_name = {notebook.stem: notebook for notebook in notebooks}
    before: dict[Path, set[Path]] = {}
    main: list[Path] = []
    for notebook in notebooks:
        if notebook.stem in _BESIDE:
            needed = _BESIDE[notebook.stem]
        else:
            needed = (*(each.stem for each in main), *_ALSO.get(notebook.stem, ()))
            main.append(notebook)
        before[notebook] = {by_name[name] for name in needed if name in by_name}
    return before


def parameter_names(notebook: Path) -> list[str]:
    """Return the names of a notebook's parameters: those that its cell tagged `parameters` assigns."""
    for cell in _cells(notebook):
        if "parameters" in cell["metadata"].get("tags", ()):
            assigned = [node for node in ast.parse("".join(cell["source"])).body if isinstance(node, ast.Assign)]
            return [target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)]
    return []


def _cells(notebook: Path) -> list[dict[str, Any]]:
    return list(json.loads(notebook.read_bytes())["cells"])

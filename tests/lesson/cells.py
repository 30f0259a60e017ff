"""The cells of the notebooks, run unchanged in this process, so that the lesson's tests test the calls that a learner makes."""

import ast
from typing import Any

import nbformat

from helpers import walkthrough
from helpers.walkthrough.notebooks import parameter_names
from helpers.workspace import Workspace

__all__ = ["CLEAN_UP", "Notebook", "walk"]

CLEAN_UP = walkthrough.NOTEBOOKS[-1].stem[:2]
"""The number of the clean-up, which stays last when a notebook is added."""


class Notebook:
    """A notebook in a new kernel: its parameters are set, and no other cell has run."""

    def __init__(self, number: str, workspace: Workspace, **parameters: Any) -> None:
        """
        Args:
            number: the first part of the notebook's name. parameters: names that the notebook does not have are ignored.
        """
        (self.file,) = (each for each in walkthrough.NOTEBOOKS if each.stem.startswith(number))
        code = [cell for cell in nbformat.read(self.file, as_version=4).cells if cell.cell_type == "code"]
        own = {name: value for name, value in parameters.items() if name in parameter_names(self.file)}
        self.names: dict[str, Any] = {}
        _run(next(cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])), self.names)
        self.names |= {**own, "workspace": workspace.folder}
        self._cells = [cell.source for cell in code if not cell.metadata.get("tags")]

    def __getattr__(self, name: str) -> Any:
        """Return the value of a variable that a cell has assigned."""
        return self.names[name]

    def run(self, *, until: str = "") -> Any:
        """Run the cells from the top: all of them, or those above the one with this text. Return what the last one shows."""
        return self._run(self._above(until))

    def call(self, *, until: str = "") -> Any:
        """Run the same cells, except those that only show something."""
        return self._run([cell for cell in self._above(until) if not _only_shows(cell)])

    def cell(self, text: str) -> Any:
        """Run the one cell with this text, after the prediction that it needs, and return what it shows."""
        (position,) = (position for position, cell in enumerate(self._cells) if text in cell)
        source, before = self._cells[position], self._cells[position - 1]
        if "prediction.beside(" in source and "walkthrough.predict(" in before:
            _run(before, self.names)
        return _run(source, self.names)

    def type_in(self, **values: Any) -> None:
        """Edit fields of the notebook's form."""
        for field in self.form._fields:
            if field.name in values:
                field.control.value = values[field.name]

    def _above(self, text: str) -> list[str]:
        end = next(at for at, cell in enumerate(self._cells) if text in cell) if text else len(self._cells)
        return self._cells[:end]

    def _run(self, cells: list[str]) -> Any:
        shown = None
        for cell in cells:
            shown = _run(cell, self.names)
        return shown


def walk(workspace: Workspace, name: str, *, last: str = "05", until: str = "", **parameters: Any) -> None:
    """Run the notebooks up to this one; the CA and the group have this name at DPS.

    Args:
        until: the last notebook ends above the cell with this text.
    """
    given = {"certificate_name": name, "enrollment_group_id": name, "registration_id": name, **parameters}
    for file in walkthrough.NOTEBOOKS:
        number = file.stem[:2]
        if number <= last:
            Notebook(number, workspace, **given).call(until=until if number == last else "")


def _run(source: str, names: dict[str, Any]) -> Any:
    *statements, last = ast.parse(source).body
    exec(compile(ast.Module(statements, []), "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    exec(compile(ast.Module([last], []), "cell", "exec"), names)
    return None


def _only_shows(source: str) -> bool:
    return len(ast.parse(source).body) == 1 and source.startswith("walkthrough.") and "form.value" not in source

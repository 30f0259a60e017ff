"""The typed values that each notebook's forms gather, read from its cells."""

import re
from typing import Any

import nbformat

from helpers import lesson, walkthrough
from helpers.lesson.forms import Inputs

__all__ = ["FORMS_OF", "code_cells"]


def code_cells(stem: str) -> list[Any]:
    """Return the code cells of a notebook."""
    source = nbformat.read(walkthrough.PROJECT / "notebooks" / f"{stem}.ipynb", as_version=4)
    return [cell for cell in source.cells if cell.cell_type == "code"]


def _forms(stem: str) -> list[type[Inputs]]:
    return [
        getattr(lesson, name)
        for cell in code_cells(stem)
        for name in re.findall(r"walkthrough\.form\(lesson\.(\w+)", cell.source)
    ]


FORMS_OF = {file.stem: _forms(file.stem) for file in walkthrough.NOTEBOOKS}

"""Send the keys that are pressed inside a form to the form, except Shift+Enter, which runs the cell below it."""

from pathlib import Path

import anywidget

__all__ = ["OwnKeys"]


class OwnKeys(anywidget.AnyWidget):
    """An invisible widget. Without it, JupyterLab treats a letter that is typed in a dropdown as a command."""

    _esm = Path(__file__).with_suffix(".js")

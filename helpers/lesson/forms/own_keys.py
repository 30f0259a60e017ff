"""Keys that are pressed inside a form belong to the form; but Shift+Enter goes on in the notebook."""

from pathlib import Path

import anywidget

__all__ = ["OwnKeys"]


class OwnKeys(anywidget.AnyWidget):
    """Shows nothing. Without it JupyterLab takes a letter in a dropdown for a command."""

    _esm = Path(__file__).with_suffix(".js")

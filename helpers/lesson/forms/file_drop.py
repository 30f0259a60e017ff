"""A place where a file can be chosen or dropped. ipywidgets' FileUpload takes no drop, and keeps the content as its value."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Unicode

from helpers.problem import Problem

__all__ = ["FileDrop"]

_MOST = 1 << 20  # as in file_drop.js; a browser may be told otherwise


class FileDrop(anywidget.AnyWidget):
    """Hands each file to `take` as (name, content) and says what became of it. The content stays in no widget."""

    _esm = Path(__file__).with_suffix(".js")
    label = Unicode().tag(sync=True)
    endings = Unicode().tag(sync=True)
    said = Unicode().tag(sync=True)

    def __init__(self, label: str, endings: str, take: Callable[[str, bytes], None]) -> None:
        super().__init__(label=label, endings=endings)
        self._take = take
        self.on_msg(self._receive)

    def _receive(self, _widget: Any, content: dict[str, Any], buffers: list[memoryview]) -> None:
        name = str(content.get("name", ""))[:100]
        file = b"".join(bytes(each) for each in buffers)
        self.said = ""  # so that the same words are news
        try:
            if len(file) > _MOST:
                raise Problem(f"{name} was not taken.", "It is larger than any certificate or key.", "Choose another.")
            self._take(name, file)
            self.said = f"{name} is taken."
        except Problem as problem:
            self.said = f"{problem.what} {problem.why}"

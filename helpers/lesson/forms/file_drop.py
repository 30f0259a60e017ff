"""A control for choosing or dropping a file. ipywidgets' FileUpload accepts no drop, and its value holds the file's content."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Unicode

from helpers.problem import Problem

__all__ = ["FileDrop"]

_MOST = 1 << 20  # bytes, as in file_drop.js; checked here again, because a browser's check can be bypassed


class FileDrop(anywidget.AnyWidget):
    """Passes each file to `take` as (name, content), and shows the result. No widget stores the content."""

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
        self.said = ""  # so that the browser is notified even if the next text is the same
        try:
            if len(file) > _MOST:
                raise Problem(
                    f"{name} was not accepted.", "It is larger than any certificate or key.", "Choose another file."
                )
            self._take(name, file)
            self.said = f"{name} was accepted."
        except Problem as problem:
            self.said = f"{problem.what} {problem.why}"

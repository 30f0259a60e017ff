"""The files of a workspace as lines of text."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.record.placeholders import Placeholders

__all__ = ["workspace_lines"]

_KINDS = {".html": "HTML", ".ipynb": "notebook"}
# The recording local DPS writes this folder. A notebook would have started another one.
_LEFT_OUT = "local-dps"
_DRAWN = ("recalled", "test_questions")  # questions that are drawn at random


def workspace_lines(folder: Path, placeholders: Placeholders, *, with_copies: bool) -> Iterator[str]:
    """Return a line for each file and folder, with its mode, name and kind, and a line for each fact in workspace.json.

    Args:
        with_copies: whether to list the executed copies, which are written while the next notebooks run.
    """
    left_out = {_LEFT_OUT} if with_copies else {_LEFT_OUT, "executed"}
    for path in [folder, *sorted(folder.rglob("*"))]:
        place = path.relative_to(folder)
        if not left_out & {*place.parts}:
            yield f"{path.lstat().st_mode & 0o7777:04o} {place}{'/' if path.is_dir() else _kind(path, placeholders)}"
    facts = json.loads((folder / "workspace.json").read_text())
    for name in _DRAWN:
        facts[name] = f"<{len(facts[name])} drawn>" if facts[name] else facts[name]
    for name, value in facts.items():
        yield f"{name}: {json.dumps(placeholders.value(value), ensure_ascii=False)}"


def _kind(file: Path, placeholders: Placeholders) -> str:
    if file.suffix in _KINDS:
        return f": {_KINDS[file.suffix]}"
    if file.suffix in (".pem", ".cer", ".key"):
        return f": {placeholders.content(file.read_bytes())}"
    return ""

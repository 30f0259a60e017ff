"""The questions of the course, in YAML files: what is asked, the choices, and an explanation for each of them.

A file holds questions by their names. `notebook` is the one that teaches the answer, and `right` is the key of the right choice.
`about` names the function in `final_test/` that makes the object of a question; its texts may then name parts of it in braces.
"""

from functools import cache
from pathlib import Path
from typing import Any

from helpers.lesson.course.questions.question import Choice, Question
from helpers.notebook import Notebook

__all__ = ["read_bank"]


@cache
def read_bank(name: str) -> dict[str, tuple[Notebook, Question]]:
    """Return the questions of a bank, by name, each with the notebook that teaches its answer."""
    import yaml  # not by every kernel: only cells with questions need it

    file = Path(__file__).with_name(f"{name}.yaml")
    # libyaml is ten times as fast as PyYAML's own parser, but not every system has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), loader)  # noqa: S506 - both are safe loaders
    return {name: (Notebook(entry["notebook"]), _question(name, entry)) for name, entry in entries.items()}


def _question(name: str, entry: dict[str, Any]) -> Question:
    choices = {key: Choice(**choice) for key, choice in entry["choices"].items()}
    return Question(name, entry["asks"], choices, entry["right"], entry.get("about", ""))

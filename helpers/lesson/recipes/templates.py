"""The templates of the recipes: files that linters can read, filled in with a learner's own names.

A placeholder is a name in capitals after a dollar sign. Within quotes, it becomes a quoted word of the shell or a literal of
Python. Without quotes, its value is put in as it is. A line with a placeholder that has no value is left out.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

__all__ = ["clicks", "python_script", "shell_script"]

_FOLDER = files("helpers.lesson.recipes") / "templates"
_PLACEHOLDER = re.compile(r"""(["']?)\$([A-Z_]+)\b\1""")
_PYTHON = re.compile(r"(?P<comments>(?:#.*\n)*)(?P<imports>(?:(?:import |from ).*\n|\n)*)(?P<body>[\s\S]*)")

Values = Mapping[str, Any]


def clicks(template: str, values: Values) -> tuple[str, ...]:
    """Return the clicks of one step in the portal, one for each line of the template."""
    return tuple(_filled(f"{template}.txt", values, lambda value, _: str(value)).splitlines())


def shell_script(templates: tuple[str, ...], values: Values) -> str:
    """Return the shell script that these templates make up."""
    return "\n".join(_filled(f"{each}.sh", values, lambda value, _: shlex.quote(str(value))) for each in templates)


def python_script(setup: tuple[str, ...], template: str, values: Values) -> str:
    """Return a Python script: the imports of all its templates, then the setup, then the step itself."""
    parts = [_PYTHON.fullmatch(_filled(f"{each}.py", values, _literal)) for each in (*setup, template)]
    *before, last = [part for part in parts if part]
    imports = {line for part in (*before, last) for line in part["imports"].splitlines() if line}
    blocks = [
        "\n".join(sorted(imports, key=lambda line: (line.startswith("from"), line))),
        "\n".join(part["body"] for part in before),
        last["body"],
    ]
    return last["comments"] + "\n\n".join(block for block in blocks if block)


def _literal(value: object, quote: str) -> str:
    return repr(value) if quote == "'" else json.dumps(value, indent=4, ensure_ascii=False)


def _filled(file: str, values: Values, quoted: Callable[[Any, str], str]) -> str:
    def filled(found: re.Match[str]) -> str:
        quote, name = found.groups()
        if name not in values:  # the shell's own variable, such as $AZURE_CONFIG_DIR
            return found[0]
        return quoted(values[name], quote) if quote else str(values[name])

    lines = (_FOLDER / file).read_text(encoding="utf-8").splitlines()
    known = (line for line in lines if all(values.get(name, "") is not None for _, name in _PLACEHOLDER.findall(line)))
    return _PLACEHOLDER.sub(filled, "\n".join(known)).removesuffix(" \\")

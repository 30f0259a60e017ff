"""Parameters of a run: read from a file and the command line, and checked before anything is touched."""

import difflib
from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml

from helpers.files import read_bytes
from helpers.lesson.forms.values import FORMS, StartHere
from helpers.lesson.recipes.webhook_key import WEBHOOK_KEY_VARIABLE
from helpers.problem import Problem
from helpers.urls import holds_key
from helpers.walkthrough.notebooks import FOLDER, NOTEBOOKS, parameter_names

__all__ = ["check_parameters", "read_parameters", "require_known", "require_no_key"]


def read_parameters(file: Path | None, given: Sequence[str] = ()) -> dict[str, Any]:
    """Parameters from a YAML file and from `name=value` texts, which win; a value is read as YAML.

    Raises:
        Problem: the file is not a YAML mapping, a text has no `=`, or no notebook has a parameter of that name.
    """
    parameters: dict[str, Any] = {}
    sources = [(file.name, read_bytes(file).decode(errors="replace"))] if file else []
    try:
        for source, text in sources:
            values = yaml.safe_load(text)
            values = {} if values is None else values
            if not isinstance(values, dict):
                raise Problem(
                    f"{source} holds no parameters.", "It is not a YAML mapping.", "Write name: value, a line each."
                )
            parameters |= values
        for text in given:
            name, equals, value = text.partition("=")
            if not equals:
                raise Problem(f"-p {text} is not a parameter.", "It has no “=”.", "Write -p name=value.")
            parameters[name.strip()] = yaml.safe_load(value) if value else ""
    except yaml.YAMLError as error:
        raise Problem(
            "The parameters could not be read.", f"Not YAML: {error}.", "Correct the file or the value."
        ) from error
    require_known(parameters)
    return parameters


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Whether the forms will take them, from the first notebook to the last, when nothing is known from an earlier run.

    Raises:
        Problem: one is invalid, has no meaning beside the others, or is missing.
    """
    target = parameters.get("target", StartHere.model_fields["target"].default)
    for form in FORMS:
        given = {name: value for name, value in parameters.items() if name in form.model_fields}
        with chdir(FOLDER):  # where the kernels run: a path is relative to it
            value = form.checked(**given)
        value.require_meaning(given, {"target": target, "has_cas": False})
        value.require_complete()


def require_no_key(parameters: Mapping[str, Any]) -> None:
    """Refuse a URL with a key. The form refuses it, too, but by then papermill has written it into the executed copy."""
    for name, value in parameters.items():
        if holds_key(str(value)):
            raise Problem(
                f"The parameter {name} holds a key.",
                "It is a URL with code=, sig= or user:password@ in it, and executed notebooks store every parameter.",
                f"Give the URL without the key. Set the environment variable {WEBHOOK_KEY_VARIABLE} to an Azure function's key.",
            )


def require_known(parameters: Mapping[str, Any]) -> None:
    """Refuse a name that no notebook has: papermill only warns, and a typing error would go unseen."""
    known = {name for notebook in NOTEBOOKS for name in parameter_names(notebook)} - {"workspace"}
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise Problem(
                f"No notebook has a parameter {name}.",
                f"The nearest is {near[0]}." if near else f"There are {', '.join(sorted(known))}.",
                "Correct the name. (The workspace is chosen with --workspace.)",
            )

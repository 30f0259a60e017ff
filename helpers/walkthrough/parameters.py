"""A run's parameters: read from a file and the command line, and checked before the run changes anything."""

import difflib
from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml

from helpers.files import read_bytes
from helpers.lesson.forms.typed import NEW_WALKTHROUGH
from helpers.lesson.forms.values import FORMS, StartHere
from helpers.lesson.recipes.webhook_key import WEBHOOK_KEY_VARIABLE
from helpers.problem import Problem
from helpers.urls import holds_key
from helpers.walkthrough.notebooks import FOLDER, NOTEBOOKS, parameter_names

__all__ = ["check_parameters", "read_parameters", "require_known", "require_no_key"]


def read_parameters(file: Path | None, given: Sequence[str] = ()) -> dict[str, Any]:
    """Return the parameters from a YAML file and from `name=value` texts, which override the file.

    Each value is read as YAML.

    Raises:
        Problem: the file is not a YAML mapping, or a text has no `=`, or no notebook has a parameter with that name.
    """
    parameters: dict[str, Any] = {}
    try:
        if file:
            values = yaml.safe_load(read_bytes(file).decode(errors="replace"))
            if not isinstance(values, dict | None):
                raise Problem(
                    f"{file.name} contains no parameters.",
                    "It is not a YAML mapping.",
                    "Write one name: value per line.",
                )
            parameters |= values or {}
        for text in given:
            name, equals, value = text.partition("=")
            if not equals:
                raise Problem(f"-p {text} is not a parameter.", "It has no “=”.", "Write -p name=value.")
            parameters[name.strip()] = yaml.safe_load(value) if value else ""
    except yaml.YAMLError as error:
        raise Problem(
            "The parameters could not be read.",
            f"They are not valid YAML: {error}.",
            "Correct the file, or the value after -p.",
        ) from error
    require_known(parameters)
    return parameters


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Check that the forms of all notebooks will accept the parameters in an empty workspace.

    Raises:
        Problem: a parameter is invalid, or conflicts with the others, or is missing.
    """
    target = parameters.get("target", StartHere.model_fields["target"].default)
    for form in FORMS:
        given = {name: value for name, value in parameters.items() if name in form.model_fields}
        with chdir(FOLDER):  # the kernels' working directory, to which paths are relative
            value = form.checked(**given)
            value.require_meaning(given, {**NEW_WALKTHROUGH, "target": target})
        value.require_complete()


def require_no_key(parameters: Mapping[str, Any]) -> None:
    """Raise a Problem for a URL with a key. The form rejects it too, but only after papermill has stored it in a copy."""
    for name, value in parameters.items():
        if holds_key(str(value)):
            raise Problem(
                f"The parameter {name} contains a key.",
                "It is a URL with code=, sig= or user:password@ in it, and each parameter is stored in an executed notebook.",
                f"Remove the key from the URL. Set the environment variable {WEBHOOK_KEY_VARIABLE} to the key.",
            )


def require_known(parameters: Mapping[str, Any]) -> None:
    """Raise a Problem for a name that no notebook has: papermill only warns, so a typing error could go unnoticed."""
    known = {name for notebook in NOTEBOOKS for name in parameter_names(notebook)} - {"workspace"}
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise Problem(
                f"No notebook has a parameter {name}.",
                f"The most similar name is {near[0]}." if near else f"The parameters are {', '.join(sorted(known))}.",
                "Correct the name. (To choose the workspace, use --workspace.)",
            )

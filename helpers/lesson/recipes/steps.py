"""A step of the walkthrough in three other ways: as clicks in the portal, as commands, and as plain Python with Azure's SDKs.

Each is filled in with the learner's own names. The tests run the Python against the local DPS, and the commands, except those
that need an extension of the Azure CLI. The clicks follow three of Microsoft's pages of 2025: how-to-verify-certificates,
how-to-manage-enrollments and how-to-revoke-device-access-portal.
"""

from dataclasses import dataclass, replace

from helpers.lesson.recipes.names import Names
from helpers.lesson.recipes.placeholders import placeholders
from helpers.lesson.recipes.templates import clicks, python_script, shell_script

__all__ = ["CHANGE_GROUP", "STEPS", "Recipe", "portal_clicks", "recipe"]

_CLIENTS = {
    "connect": "management",
    "create_ca": None,
    "upload": "management",
    "code": "management",
    "sign": None,
    "verify": "management",
    "group": "service",
    "register": None,
    "records": "service",
    "revoke": "service",
    "disable": "service",
    "roll_over": "service",
    "delete_ca": "management",
    "clean_up": "service",
}
"""For each step, the plane of DPS for which its Python creates a client; None if it needs no such client."""

STEPS = tuple(_CLIENTS)
CHANGE_GROUP = "change_group"
"""A step in the portal only. Elsewhere, the call that creates the group also changes it."""


@dataclass(frozen=True)
class Recipe:
    """One step in three ways.

    Attributes:
        clicks: in the portal, one after the other. commands: for a shell in the folder of the notebooks.
        python: a script for the same folder.
    """

    clicks: tuple[str, ...]
    commands: str
    python: str


def recipe(step: str, names: Names) -> Recipe:
    """Return a step in three ways, with these names filled in.

    Args:
        step: one of STEPS.
    """
    if step == "delete_ca":
        names = replace(names, certificate=names.next_certificate)
    return Recipe(portal_clicks(step, names), _commands(step, names), _python(step, names))


def portal_clicks(step: str, names: Names) -> tuple[str, ...]:
    """Return a step as clicks in the portal, with these names filled in.

    Args:
        step: one of STEPS, or CHANGE_GROUP.
    """
    return clicks(step, placeholders(names))


def _commands(step: str, names: Names) -> str:
    templates = (f"sign_in_{_where(names)}", step) if step == "connect" else (step,)
    return shell_script(templates, placeholders(names))


def _python(step: str, names: Names) -> str:
    values, where = placeholders(names), _where(names)
    client = _CLIENTS[step]
    setup = (f"sign_in_{where}", f"{client}_{where}") if client else ()
    if step == "register":
        return python_script(setup, f"register_{where}", values)
    if step == "group" and values["WEBHOOK_KEY_VARIABLE"]:
        return python_script(setup, "group_with_webhook_key", values)
    script = python_script(setup, step, values)
    return f"{script}\n\n{_python('delete_ca', names)}" if step == "clean_up" else script


def _where(names: Names) -> str:
    return "local" if names.target == "local" else "azure"

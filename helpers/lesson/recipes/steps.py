"""The same step in three other ways: as clicks in the portal, as commands, and as plain Python with Azure's SDKs.

The learner's own names are filled in. The tests run the Python, and those commands that need no extension of the Azure CLI,
against the local DPS; the clicks follow Microsoft's pages how-to-verify-certificates, how-to-manage-enrollments and
how-to-revoke-device-access-portal of 2025.
"""

from dataclasses import dataclass, replace

from helpers.lesson.recipes.names import Names
from helpers.lesson.recipes.placeholders import placeholders
from helpers.lesson.recipes.templates import clicks, python_script, shell_script

__all__ = ["STEPS", "Recipe", "recipe"]

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
"""For each step, the plane of DPS whose client its Python needs."""

STEPS = tuple(_CLIENTS)


@dataclass(frozen=True)
class Recipe:
    """One step in three ways; each is empty where there is none.

    Attributes:
        clicks: in the portal, one after the other. commands: for a shell in the folder of the notebooks.
        python: a script, to be run there, too.
    """

    clicks: tuple[str, ...] = ()
    commands: str = ""
    python: str = ""


def recipe(step: str, names: Names) -> Recipe:
    """The step in three ways.

    Args:
        step: one of STEPS.
    """
    if step == "delete_ca":
        names = replace(names, certificate=names.next_certificate)
    return Recipe(clicks(step, placeholders(names)), _commands(step, names), _python(step, names))


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

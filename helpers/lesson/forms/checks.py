"""The checks of the forms' fields. A check returns the value, or raises a ValueError whose text appears under the field."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator

from helpers.certificates import check_registration_id
from helpers.lesson.recipes.webhook_key import WEBHOOK_KEY_FIELD, WEBHOOK_KEY_VARIABLE
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.urls import holds_key

__all__ = [
    "UNKNOWN_DEVICE",
    "bare_service_name",
    "check_file",
    "check_id_scope",
    "check_resource_group",
    "check_service_name",
    "check_subscription_id",
    "check_webhook_url",
    "checked_by",
    "expanded",
    "stripped",
]

UNKNOWN_DEVICE = "stranger"
"""The registration id of the unknown device in 06. Its files are beside those of the learner's devices."""
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def checked_by(check: Callable[[str], str], *, or_empty: bool = False) -> AfterValidator:
    """Return a check as a pydantic validator, so that its reason appears under the field."""

    def validate(value: str) -> str:
        try:
            return value if or_empty and not value else check(value)
        except Problem as problem:
            raise ValueError(problem.why) from problem

    return AfterValidator(validate)


def expanded(path: str) -> Path:
    """Return the path with the home folder in the place of ~."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~name, and there is no such user
        return Path(path)


def check_file(path: str) -> str:
    """Check that the path leads to a file."""
    if not expanded(path).is_file():
        raise ValueError(f"There is no file {expanded(path).absolute()}.")
    return path


def stripped(text: object) -> object:
    """Return the text without white space at its ends, which pasted text often has."""
    return text.strip() if isinstance(text, str) else text


def bare_service_name(text: object) -> object:
    """Return the service's name, even if its host name or its URL was pasted."""
    if not isinstance(text, str):
        return text
    return re.sub(r"^https?://|\.azure-devices-provisioning\.net/?$", "", text.strip())


def check_own_device(registration_id: str) -> str:
    """Check the id of a device. DPS compares registration ids without regard to case (concepts-service.md)."""
    if registration_id.casefold() == UNKNOWN_DEVICE:
        raise ValueError(f"{Notebook.PROVISION_DEVICES} gives this id to the unknown device. Choose another one.")
    return check_registration_id(registration_id)


def check_subscription_id(text: str) -> str:
    """Check that the text is a GUID, and return it as Azure writes it."""
    try:
        return str(UUID(text))
    except ValueError as error:
        raise ValueError("A subscription id is a GUID: 8-4-4-4-12 hexadecimal characters.") from error


def check_id_scope(text: str) -> str:
    """Check the form of an ID scope."""
    if not re.fullmatch("0[0-9A-Za-z]{10}", text):
        raise ValueError("An ID scope has 11 letters and digits and begins with 0, as in 0ne00112233.")
    return text


def check_service_name(name: str) -> str:
    """Check a service's name by Azure's rules for names of resources: Microsoft.Devices/ProvisioningServices."""
    if not re.fullmatch("[0-9A-Za-z-]{2,63}[0-9A-Za-z]", name):
        raise ValueError(
            "A provisioning service has a name of 3 to 64 letters, digits and hyphens (no hyphen at the end)."
        )
    return name


def check_resource_group(name: str) -> str:
    """Check a resource group's name by the same page's rules: Microsoft.Resources/resourcegroups."""
    if not re.fullmatch(r"[\w().-]{0,89}[\w()-]", name):
        raise ValueError(
            "A resource group has a name of 1 to 90 letters, digits and - _ . ( ) (no full stop at the end)."
        )
    return name


def check_webhook_url(url: str) -> str:
    """Check that DPS can call the URL, and that no key is in it."""
    if holds_key(url):
        raise ValueError(
            "The URL must not hold a key (code=, sig= or user:password@), because executed notebooks store the URL. Give it "
            f"without the key. The key belongs in the field “{WEBHOOK_KEY_FIELD}” or in the environment "
            f"variable {WEBHOOK_KEY_VARIABLE}."
        )
    try:
        address = urlsplit(url)
        host = address.hostname or ""
    except ValueError:  # brackets without an IPv6 address
        host = ""
    if not host or not (address.scheme == "https" or (address.scheme == "http" and host in _THIS_MACHINE)):
        raise ValueError("It must begin with https:// (on this machine, http://localhost is also accepted).")
    return url

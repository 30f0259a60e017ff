"""The names that a recipe needs: of the service, the certificates, the group and the device."""

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from helpers.certificates import KeyAlgorithm
from helpers.dps import CaReference, EnrollmentGroup
from helpers.workspace import Facts, Target, Workspace

__all__ = ["Names", "Place"]


class Place(Protocol):
    """The place of a provisioning service in Azure."""

    @property
    def subscription_id(self) -> str: ...
    @property
    def resource_group(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Names:
    """The names in a walkthrough; those that are not known yet have the notebooks' default values."""

    target: Target
    subscription_id: str
    resource_group: str
    service: str
    folder: Path
    certificate: str = "walkthrough-ca"
    role: str = "intermediate"
    code: str = "THE_CODE"
    group: EnrollmentGroup = field(default_factory=lambda: EnrollmentGroup("walkthrough-devices", None))
    registration_id: str = "pump-1"
    id_scope: str = "THE_ID_SCOPE"
    next_certificate: str = "next-ca"
    root_name: str = "Walkthrough Root CA"
    intermediate_name: str = "Walkthrough Intermediate CA"
    key_algorithm: KeyAlgorithm = KeyAlgorithm.P256
    lifetime_days: int = 3650

    @classmethod
    def of(cls, workspace: Workspace, place: Place | None, facts: Facts | None = None, **known: Any) -> "Names":
        """Return the names that the workspace knows, or knew (`facts`); `known` adds others and takes precedence."""
        facts = facts or workspace.facts
        where = (place.subscription_id, place.resource_group, place.name) if place else ("", "", "")
        if facts.target == "portal":  # even if a local DPS rehearses: the portal needs the person's own service
            where = ("", "RESOURCE_GROUP", facts.provisioning_service)
        remembered = {
            "certificate": facts.certificate_name,
            "role": facts.registered_role,
            "code": facts.verification_code,
            "id_scope": facts.id_scope,
            "group": EnrollmentGroup(
                facts.enrollment_group_id or "walkthrough-devices",
                CaReference(facts.certificate_name or "walkthrough-ca"),
            ),
        }
        names = cls(facts.target or "local", *where, workspace.folder)
        return replace(names, **{name: value for name, value in {**remembered, **known}.items() if value})

    def path(self, name: str) -> str:
        """Return the path of a file in the workspace, relative to the folder of the notebooks if it can be.

        It has forward slashes on Windows too: Python takes them there, and a shell in which the commands run does.
        """
        file = self.folder / name
        with suppress(ValueError):  # on Windows, the workspace may be on another drive
            return Path(os.path.relpath(file)).as_posix()
        return file.as_posix()

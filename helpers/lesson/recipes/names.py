"""What things are called in a walkthrough, for the recipes that name them."""

import os
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from helpers.certificates import KeyAlgorithm
from helpers.dps import CaReference, EnrollmentGroup
from helpers.workspace import Facts, Target, Workspace

__all__ = ["Names", "Place"]


class Place(Protocol):
    """Where a provisioning service is."""

    @property
    def subscription_id(self) -> str: ...
    @property
    def resource_group(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Names:
    """What things are called in this walkthrough; what is not known yet is called as the notebooks would."""

    target: Target
    subscription_id: str
    resource_group: str
    service: str
    folder: Path
    certificate: str = "walkthrough-ca"
    role: str = "intermediate"
    code: str = "THE_CODE"
    group: EnrollmentGroup = field(default_factory=lambda: EnrollmentGroup("walkthrough-devices", None))
    device_id: str = "pump-1"
    id_scope: str = "THE_ID_SCOPE"
    next_certificate: str = "next-ca"
    root_name: str = "Walkthrough Root CA"
    intermediate_name: str = "Walkthrough Intermediate CA"
    key_algorithm: KeyAlgorithm = KeyAlgorithm.P256
    lifetime_days: int = 3650

    @classmethod
    def of(cls, workspace: Workspace, place: Place | None, facts: Facts | None = None, **known: Any) -> "Names":
        """From what the workspace knows, or knew (`facts`); `known` fills in what it does not."""
        facts = facts or workspace.facts
        where = (place.subscription_id, place.resource_group, place.name) if place else ("", "", "")
        if facts.target == "portal":  # whatever it is that rehearses, these are for the person's own service
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

    def file(self, name: str) -> str:
        """A file of the workspace, as a shell in the folder of the notebooks finds it."""
        return shlex.quote(self.path(name))

    def path(self, name: str) -> str:
        """The same for Python."""
        return os.path.relpath(self.folder / name)

    @property
    def at_dps(self) -> str:
        """The options that say which service and which certificate is meant."""
        return f"{self.at_service} --certificate-name {shlex.quote(self.certificate)}"

    @property
    def at_service(self) -> str:
        return f"--dps-name {shlex.quote(self.service)} --resource-group {shlex.quote(self.resource_group)}"

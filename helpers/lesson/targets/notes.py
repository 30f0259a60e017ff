"""The notes that a walkthrough takes on the calls of its cells: names, ETags, and resources that must be removed later."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509

from helpers.certificates import describe
from helpers.dps import DpsError, RegisteredCertificate, Registration
from helpers.notebook import Notebook
from helpers.workspace import Role, Workspace

__all__ = ["Notes", "RehearsalNotes"]


class Notes:
    """Notes in the walkthrough's workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def uploaded(self, registered: RegisteredCertificate, certificate: x509.Certificate) -> None:
        """Note that the walkthrough's CA was registered, unless this upload has been noted already."""
        facts = self._workspace.facts
        if not facts.etags or facts.etags[-1][1] != registered.etag:
            self._workspace.update(
                registered_role=self.role_of(certificate),
                certificate_name=registered.name,
                etags=(("upload", registered.etag),),
                verification_code=None,
                verified=registered.verified,
            )

    def got_code(self, registered: RegisteredCertificate) -> None:
        """Note the new ETag that came with a verification code. Any earlier code is no longer valid."""
        facts = self._workspace.facts
        if registered.name == facts.certificate_name:
            self._workspace.update(
                etags=(*facts.etags, ("verification code", registered.etag)),
                verification_code=None,
                verified=registered.verified,
            )

    def seen(self, registered: RegisteredCertificate) -> None:
        """Note changes at DPS that were not noted when they were made, by an interrupted run or by another client."""
        facts = self._workspace.facts
        if registered.name != facts.certificate_name:
            return
        if registered.verified != facts.verified:
            self.verified(registered) if registered.verified else self._workspace.update(verified=False)
        elif facts.verification_code and not registered.verified and facts.etags[-1][1] != registered.etag:
            self._workspace.update(verification_code=None)  # DPS has since generated another code

    def verified(self, registered: RegisteredCertificate) -> None:
        """Note that DPS has accepted the proof, which uses up its code."""
        facts = self._workspace.facts
        if registered.name == facts.certificate_name and not facts.verified:
            trail = (
                facts.etags
                if facts.etags[-1][1] == registered.etag
                else (*facts.etags, ("verification", registered.etag))
            )
            self._workspace.update(
                verified=True, verification_code=None, used_code=facts.verification_code, etags=trail
            )

    def has_group(self, group_id: str) -> None:
        """Note that the walkthrough's enrollment group exists at DPS."""
        if self._workspace.facts.enrollment_group_id != group_id:
            self._workspace.update(enrollment_group_id=group_id)

    def is_own_group(self, group_id: str) -> bool:
        """Return whether this walkthrough has created that group."""
        return self._workspace.facts.enrollment_group_id == group_id

    def is_next_ca(self, name: str) -> bool:
        """Return whether 07 has registered a CA under that name."""
        return self._workspace.facts.next_certificate_name == name

    def is_own_ca(self, name: str) -> bool:
        """Return whether the walkthrough's CA has that name, or will have it because none is registered yet."""
        return self._workspace.facts.certificate_name in (None, name)

    @contextmanager
    def to_be_removed(self, **fact: str) -> Iterator[None]:
        """Note a resource before the `with` block creates it, so that it can be removed even after an interrupted run.

        If the resource exists already and was created by someone else (409), the note is withdrawn: it must not be removed.
        """
        before = {name: getattr(self._workspace.facts, name) for name in fact}
        self._workspace.update(**fact)
        try:
            yield
        except DpsError as error:
            if error.status == 409:
                self._workspace.update(**before)
            raise

    def removed(self, **fact: str) -> None:
        """Delete the notes about resources that have been removed."""
        facts = self._workspace.facts
        gone = {name: None for name, value in fact.items() if getattr(facts, name) == value}
        if gone:
            self._workspace.update(**gone)

    def registration(self, registration_id: str, outcome: Registration | DpsError) -> None:
        """Note the result of a device's registration in 06: its hub, or the status with which DPS rejected it."""
        what = outcome.status if isinstance(outcome, DpsError) else outcome.assigned_hub
        self._workspace.note(Notebook.PROVISION_DEVICES, **{registration_id: what})

    def role_of(self, certificate: x509.Certificate) -> Role | None:
        """Return the role of the workspace's CA with this certificate; None if no CA there has it."""
        thumbprint = describe(certificate).sha1
        for role in self._workspace.authority_roles():
            if describe(self._workspace.authority_certificate(role)).sha1 == thumbprint:
                return role
        return None


class RehearsalNotes(Notes):
    """Notes about a service for experiments only: the walkthrough's CA and group are at another service."""

    def uploaded(self, registered: RegisteredCertificate, certificate: x509.Certificate) -> None:
        """Nothing to note."""

    def got_code(self, registered: RegisteredCertificate) -> None:
        """Nothing to note."""

    def seen(self, registered: RegisteredCertificate) -> None:
        """Nothing to note."""

    def verified(self, registered: RegisteredCertificate) -> None:
        """Nothing to note."""

    def has_group(self, group_id: str) -> None:
        """Nothing to note."""

    def registration(self, registration_id: str, outcome: Registration | DpsError) -> None:
        """Nothing to note."""

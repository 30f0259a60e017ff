"""What a walkthrough writes down as it listens to the calls of its cells: names, ETags, and what is to be removed again."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509

from helpers.certificates import describe
from helpers.dps import DpsError, RegisteredCertificate, Registration
from helpers.workspace import Role, Workspace

__all__ = ["Notes", "RehearsalNotes"]


class Notes:
    """Notes in the walkthrough's workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def uploaded(self, registered: RegisteredCertificate, certificate: x509.Certificate) -> None:
        """A CA has been registered: it is the walkthrough's, unless that is registered already under another name."""
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
        """DPS has given a verification code, and with it another ETag; an earlier code is void."""
        facts = self._workspace.facts
        if registered.name == facts.certificate_name:
            self._workspace.update(
                etags=(*facts.etags, ("verification code", registered.etag)),
                verification_code=None,
                verified=registered.verified,
            )

    def seen(self, registered: RegisteredCertificate) -> None:
        """Catch up with DPS, where something happened that was not noted: by an interrupted run, or by another client."""
        facts = self._workspace.facts
        if registered.name != facts.certificate_name:
            return
        if registered.verified != facts.verified:
            self.verified(registered) if registered.verified else self._workspace.update(verified=False)
        elif facts.verification_code and not registered.verified and facts.etags[-1][1] != registered.etag:
            self._workspace.update(verification_code=None)  # DPS has replaced it

    def verified(self, registered: RegisteredCertificate) -> None:
        """DPS has accepted the proof: its code is used up."""
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
        """The walkthrough's enrollment group is at DPS."""
        if self._workspace.facts.enrollment_group_id != group_id:
            self._workspace.update(enrollment_group_id=group_id)

    def is_own_group(self, group_id: str) -> bool:
        """Whether this walkthrough has created that group."""
        return self._workspace.facts.enrollment_group_id == group_id

    def is_next_ca(self, name: str) -> bool:
        """Whether 07 has registered a CA under that name."""
        return self._workspace.facts.next_certificate_name == name

    def is_own_ca(self, name: str) -> bool:
        """Whether a CA of that name is the walkthrough's, or the first that it registers."""
        return self._workspace.facts.certificate_name in (None, name)

    @contextmanager
    def to_be_removed(self, **fact: str) -> Iterator[None]:
        """Note what is made inside before it is made, so that an interrupted run can be put right.

        If it is there already and another organization's (409), it is not ours to remove.
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
        """Forget what has been removed."""
        facts = self._workspace.facts
        gone = {name: None for name, value in fact.items() if getattr(facts, name) == value}
        if gone:
            self._workspace.update(**gone)

    def registration(self, registration_id: str, outcome: Registration | DpsError) -> None:
        """A device of 06 has asked to register: its hub, or the status with which DPS refused."""
        what = outcome.status if isinstance(outcome, DpsError) else outcome.assigned_hub
        self._workspace.note("06_provision_devices", **{registration_id: what})

    def role_of(self, certificate: x509.Certificate) -> Role | None:
        """Which of the workspace's CAs has this certificate; None if none has."""
        thumbprint = describe(certificate).sha1
        for role in self._workspace.authority_roles():
            if describe(self._workspace.authority_certificate(role)).sha1 == thumbprint:
                return role
        return None


class RehearsalNotes(Notes):
    """Notes about a service where things are only rehearsed: the walkthrough's CA and group are elsewhere."""

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

"""Registrations that go wrong, and some that surprisingly don't: devices, CAs and groups that exist for these trials only."""

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from helpers.certificates import CertificateAuthority, DeviceCredential, certificate_pem, issue_fleet
from helpers.dps import CaReference, EnrollmentGroup, ProvisioningService, read_and_change, removed
from helpers.files import PUBLIC, make_private_folder, write_atomically
from helpers.lesson.figures import AccessCard
from helpers.lesson.targets.added_services import service_for_experiments
from helpers.lesson.targets.scratch import EXPERIMENT, prove
from helpers.workspace import Role, Workspace

__all__ = ["DeviceTrials"]

_SERVICE, _PUMP = "trials-dps", "trial-pump-1"


class DeviceTrials:
    """Each method is one trial with a device below an intermediate below a root. Nothing of it is left at the service."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._root = CertificateAuthority.create_root("Trial Root CA")
        self._factory = self._root.create_intermediate("Trial Factory CA")
        self._folder = make_private_folder(workspace.devices_folder / "trials")  # apart from the learner's own
        (self._pump,) = issue_fleet(self._factory, [_PUMP], self._folder)

    def leaf_alone(self, registered: Role) -> AccessCard:
        """A device sends only its own certificate.

        Args:
            registered: the CA that is registered, verified, and bound to a group.
        """
        leaf = self._folder / "trial-pump-1~alone.pem"
        write_atomically(leaf, certificate_pem(self._pump.certificate), mode=PUBLIC)
        authority = self._root if registered == "root" else self._factory
        with self._service() as dps, _group(dps, authority):
            moment = f"Only the device's own certificate; DPS has the {registered}"
            return _registers(moment, dps, replace(self._pump, chain_file=leaf))

    def another_name(self) -> AccessCard:
        """A device registers under another name than the one in its certificate."""
        with self._service() as dps, _group(dps, self._factory):
            return _registers(
                "trial-pump-2, with the certificate of trial-pump-1",
                dps,
                replace(self._pump, registration_id="trial-pump-2"),
            )

    def unverified_ca(self) -> AccessCard:
        """A device registers while its CA is registered and bound to a group, but not verified."""
        with self._service() as dps, _group(dps, self._factory, verified=False):
            return _registers("An unverified CA", dps, self._pump)

    def deleted_group(self) -> AccessCard:
        """A device registers while the nearest group is disabled, and again after that group was deleted."""
        with self._service() as dps, _group(dps, self._root), _group(dps, self._factory) as nearest:
            read_and_change(lambda: dps.enrollment_groups.get(nearest), dps.enrollment_groups.disable)
            disabled = dps.devices.register_all([self._pump])
            removed(dps.enrollment_groups, nearest)
            deleted = dps.devices.register_all([self._pump])
        moment = "The factory's group is disabled, and then deleted"
        outcomes = [(self._pump, outcome) for outcome in (*disabled, *deleted)]
        return AccessCard(moment, outcomes, situations=("group disabled", "group deleted"))

    def _service(self) -> AbstractContextManager[ProvisioningService]:
        return service_for_experiments(self._workspace, _SERVICE)


@contextmanager
def _group(dps: ProvisioningService, authority: CertificateAuthority, *, verified: bool = True) -> Iterator[str]:
    """Register a CA and bind a group to it, for the duration of the `with` block. Both have the same name, which is yielded."""
    name = f"{EXPERIMENT}{secrets.token_hex(4)}"
    try:
        if verified:
            prove(dps, name, authority)
        else:
            dps.certificates.upload(name, authority.certificate)
        dps.enrollment_groups.create(EnrollmentGroup(name, CaReference(name)))
        yield name
    finally:
        dps.devices.forget(_PUMP)
        removed(dps.enrollment_groups, name)
        removed(dps.certificates, name)


def _registers(moment: str, dps: ProvisioningService, device: DeviceCredential) -> AccessCard:
    return AccessCard(moment, [(device, outcome) for outcome in dps.devices.register_all([device])])

"""The steps of 07: how access ends, for one device, for a group, and for everything that a CA has signed.

What they make at DPS is written down before it is made, so that a run that was interrupted is put right by the next one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from helpers.certificates import (
    CertificateAuthority,
    DeviceCredential,
    describe,
    read_certificates,
)
from helpers.dps import (
    CaReference,
    DpsError,
    EnrollmentGroup,
    IndividualEnrollment,
    ProvisioningService,
    RegisteredCertificate,
    Registration,
    removed,
)
from helpers.files import read_bytes
from helpers.lesson.inputs import EndAccess
from helpers.lesson.steps.enrollment import change_group
from helpers.lesson.steps.order import run_first
from helpers.lesson.steps.proof import prove
from helpers.lesson.steps.provisioning import group_of, issue_kept
from helpers.lesson.steps.rehearsal import rehearse
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = [
    "delete_next_ca",
    "put_back",
    "readmit_device",
    "refer_to",
    "register_next_ca",
    "renew_device",
    "revoke_device",
    "switch_group",
    "try_to_register",
    "two_devices",
]


def two_devices(
    workspace: Workspace, dps: ProvisioningService, inputs: EndAccess, passphrase: str | None
) -> list[DeviceCredential]:
    """A device and its neighbour, both with certificates of the walkthrough's CA; and the group as 05 has left it.

    Args:
        dps: from `connect_to_rehearse`.

    Raises:
        Problem: there is no group yet (run 05_create_enrollment_group), or the next CA is called as the present one.
    """
    workspace.forget_outcomes("07_when_access_ends")
    present = [describe(workspace.authority_certificate(role)).common_name for role in workspace.authority_roles()]
    if inputs.next_ca_name in present:
        raise Problem(
            f"A CA of yours is called “{inputs.next_ca_name}” already.",
            "Each card would show the same name before and after, and you could not see the CA roll over.",
            "Give the next CA another name.",
        )
    if workspace.facts.target == "portal":
        rehearse(workspace, dps, passphrase)
    put_back(workspace, dps)
    return issue_kept(workspace, [inputs.device_id, f"{inputs.device_id}-neighbour"[-64:]], passphrase)


def try_to_register(
    dps: ProvisioningService, devices: Sequence[DeviceCredential]
) -> list[tuple[DeviceCredential, Registration | DpsError]]:
    """Each device, and where it landed or why it did not."""
    return list(zip(devices, dps.devices.register_all(devices), strict=True))


def revoke_device(workspace: Workspace, dps: ProvisioningService, device: DeviceCredential) -> IndividualEnrollment:
    """An individual enrollment with the device's certificate, disabled."""
    leaf, *_ = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    with dps.wire.chapter("revoke"), _written_down(workspace, revoked_device=device.registration_id):
        return dps.individual_enrollments.create(IndividualEnrollment(device.registration_id, leaf, enabled=False))


def readmit_device(workspace: Workspace, dps: ProvisioningService) -> None:
    """The group decides about the device again."""
    device = workspace.facts.revoked_device
    if device is not None:
        removed(dps.individual_enrollments, device)
        workspace.update(revoked_device=None)


def switch_group(workspace: Workspace, dps: ProvisioningService, *, enabled: bool) -> EnrollmentGroup:
    """Let the whole group in, or nobody of it."""
    with dps.wire.chapter("enable" if enabled else "disable"):
        return change_group(dps, group_of(workspace), enabled=enabled)


def register_next_ca(
    workspace: Workspace, dps: ProvisioningService, inputs: EndAccess
) -> tuple[CertificateAuthority, RegisteredCertificate]:
    """A CA that will follow the present one: created, uploaded and proved, as in 01 to 04. Its key is kept in memory alone."""
    authority = CertificateAuthority.create_root(inputs.next_ca_name, path_length=0)
    name = f"{str(workspace.facts.certificate_name)[:59]}-next"
    with _written_down(workspace, next_certificate_name=name):
        return authority, prove(dps, name, authority)


@contextmanager
def _written_down(workspace: Workspace, **fact: str) -> Iterator[None]:
    """What is made inside; if it is there already and somebody else's (409), it is not to be removed as ours."""
    before = {name: getattr(workspace.facts, name) for name in fact}
    workspace.update(**fact)
    try:
        yield
    except DpsError as error:
        if error.status == 409:
            workspace.update(**before)
        raise


def renew_device(device: DeviceCredential, authority: CertificateAuthority) -> DeviceCredential:
    """The same device with a new key, and a certificate from another CA; the old files stay."""
    chain = device.chain_file
    renewed = replace(
        device,
        chain_file=chain.with_name(f"{device.registration_id}~renewed.pem"),  # ~ is in no registration id
        key_file=chain.with_name(f"{device.registration_id}~renewed.key"),
    )
    renewed.save(authority.issue_device(device.registration_id))
    return renewed


def refer_to(
    workspace: Workspace, dps: ProvisioningService, primary: str, secondary: str | None = None
) -> EnrollmentGroup:
    """The group bound to CAs by the names under which they are registered."""
    with dps.wire.chapter("roll_over"):
        return change_group(dps, group_of(workspace), attestation=CaReference(primary, secondary))


def delete_next_ca(workspace: Workspace, dps: ProvisioningService) -> None:
    """Delete the next CA's certificate at DPS, whatever still refers to it."""
    name = workspace.facts.next_certificate_name
    if name is not None:
        with dps.wire.chapter("delete_ca"):
            removed(dps.certificates, name)
        workspace.update(next_certificate_name=None)


def put_back(workspace: Workspace, dps: ProvisioningService) -> EnrollmentGroup:
    """The group enabled and bound to the walkthrough's CA alone; nobody revoked, no next CA.

    Raises:
        Problem: there is no group yet (run 05_create_enrollment_group).
    """
    group, name = group_of(workspace), workspace.facts.certificate_name
    if name is None:
        raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
    readmit_device(workspace, dps)
    restored = change_group(dps, group, enabled=True, attestation=CaReference(name))
    delete_next_ca(workspace, dps)
    return restored

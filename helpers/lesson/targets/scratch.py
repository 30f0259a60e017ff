"""CA certificates that are registered only briefly, so that experiments don't touch the walkthrough's own."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from cryptography import x509

from helpers.certificates import CertificateAuthority
from helpers.dps import DpsError, ProvisioningService, RegisteredCertificate, read_and_change, removed

__all__ = ["EXPERIMENT", "answer_to", "prove", "registered_for_a_moment", "remove_leftovers", "with_code"]

EXPERIMENT = "walkthrough-experiment-"
"""The beginning of the name of each CA and group that exists for an experiment only."""


@contextmanager
def registered_for_a_moment(
    dps: ProvisioningService, certificate: x509.Certificate, *, self_attested: bool = False
) -> Iterator[RegisteredCertificate]:
    """Register a CA certificate for the duration of the `with` block, under a name that is not used otherwise."""
    name = f"{EXPERIMENT}{secrets.token_hex(4)}"
    try:
        yield dps.certificates.upload(name, certificate, self_attested=self_attested)
    finally:
        removed(dps.certificates, name)


def prove(dps: ProvisioningService, name: str, authority: CertificateAuthority) -> RegisteredCertificate:
    """Register and verify a CA under that name, as 02 to 04 do. Steps that were done already are not repeated."""
    dps.certificates.upload(name, authority.certificate)

    def verified(now: RegisteredCertificate) -> RegisteredCertificate:
        if now.verified:
            return now
        with_code = dps.certificates.generate_verification_code(now)
        return dps.certificates.verify(with_code, authority.sign_verification_code(str(with_code.verification_code)))

    return read_and_change(lambda: dps.certificates.get(name), verified)


def with_code(dps: ProvisioningService, registered: RegisteredCertificate) -> RegisteredCertificate:
    """Generate a new code for a registered CA, even if its ETag has changed since."""
    return read_and_change(lambda: dps.certificates.get(registered.name), dps.certificates.generate_verification_code)


def answer_to(
    dps: ProvisioningService, registered: RegisteredCertificate, sent: str, *, etag: str | None = None
) -> DpsError | None:
    """Send a text as a proof, and return the service's refusal; None if the service accepts it.

    Args:
        etag: the ETag to send; by default, the current one.
    """
    try:
        if etag is None:
            read_and_change(
                lambda: dps.certificates.get(registered.name), lambda now: dps.certificates.send_proof(now, sent)
            )
        else:
            dps.certificates.send_proof(replace(registered, etag=etag), sent)
    except DpsError as refusal:
        return refusal
    return None


def remove_leftovers(dps: ProvisioningService) -> None:
    """Remove the groups and certificates that an experiment left at the service when it was killed."""
    for group in dps.enrollment_groups.list():
        if group.group_id.startswith(EXPERIMENT):
            removed(dps.enrollment_groups, group.group_id)
    for each in dps.certificates.list():
        if each.name.startswith(EXPERIMENT):
            removed(dps.certificates, each.name)

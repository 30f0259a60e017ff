"""CA certificates that are registered for a moment, so that nothing of the walkthrough's own is touched."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from cryptography import x509

from helpers.certificates import CertificateAuthority
from helpers.dps import DpsError, ProvisioningService, RegisteredCertificate, read_and_change, removed

__all__ = ["answer_to", "prove", "registered_for_a_moment", "remove_leftovers", "with_code"]

_NAME = "walkthrough-experiment-"


@contextmanager
def registered_for_a_moment(
    dps: ProvisioningService, certificate: x509.Certificate, *, self_attested: bool = False
) -> Iterator[RegisteredCertificate]:
    """A CA certificate as the service has it inside, under a name that nobody else uses."""
    name = f"{_NAME}{secrets.token_hex(4)}"
    try:
        yield dps.certificates.upload(name, certificate, self_attested=self_attested)
    finally:
        removed(dps.certificates, name)


def prove(dps: ProvisioningService, name: str, authority: CertificateAuthority) -> RegisteredCertificate:
    """A CA registered under that name and proved, as in 02 to 04; what is done already is not done again."""
    dps.certificates.upload(name, authority.certificate)

    def verified(now: RegisteredCertificate) -> RegisteredCertificate:
        if now.verified:
            return now
        with_code = dps.certificates.generate_verification_code(now)
        return dps.certificates.verify(with_code, authority.sign_verification_code(str(with_code.verification_code)))

    return read_and_change(lambda: dps.certificates.get(name), verified)


def with_code(dps: ProvisioningService, registered: RegisteredCertificate) -> RegisteredCertificate:
    """A new code for it, whatever its ETag has become."""
    return read_and_change(lambda: dps.certificates.get(registered.name), dps.certificates.generate_verification_code)


def answer_to(
    dps: ProvisioningService, registered: RegisteredCertificate, sent: str, *, etag: str | None = None
) -> DpsError | None:
    """What the service says of something sent as a proof: its refusal, or None if it accepts it.

    Args:
        etag: the one to be sent; the present one unless given.
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
    """Remove what an experiment that was killed has left."""
    for each in dps.certificates.list():
        if each.name.startswith(_NAME):
            removed(dps.certificates, each.name)

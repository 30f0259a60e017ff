"""Explain why DPS rejected a device, from its short answer, the device's chain, and the CAs and groups at the service."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from cryptography import x509

from helpers.certificates import DeviceCredential, bare_name, describe, examine_chain, is_issued_by, read_certificates
from helpers.dps.enrollment_groups import CaReference, EnrollmentGroup
from helpers.dps.errors import DpsError
from helpers.dps.registered_certificate import RegisteredCertificate
from helpers.files import read_bytes

__all__ = ["KnownCas", "refusal"]


@dataclass(frozen=True)
class KnownCas:
    """A service's registered CAs and its enrollment groups."""

    certificates: Sequence[RegisteredCertificate] = ()
    groups: Sequence[EnrollmentGroup] = ()


class _Reason(NamedTuple):
    why: str
    next_step: str


def refusal(device: DeviceCredential, status: int, body: Mapping[str, object], known: KnownCas) -> DpsError:
    """Return the error that explains the answer with which DPS rejected a registration.

    Args:
        body: the answer's body; its `message` and `errorCode` say why DPS rejected the device.
    """
    says, code = str(body.get("message", "")), str(body.get("errorCode", ""))
    chain = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    explain = _BY_MESSAGE.get(says.rstrip("."))
    reason = explain(chain, device.registration_id, known) if explain else _Reason("DPS did not accept it.", "")
    return DpsError(
        f"DPS rejected the device “{device.registration_id}”.",
        f"{reason.why} DPS says: {says} ({status}, code {code}).",
        reason.next_step or "Fix the cause that this message names, then register the device again.",
        status=status,
        code=code,
    )


def _no_ca_found(chain: Sequence[x509.Certificate], _registration_id: str, known: KnownCas) -> _Reason:
    for signed, signer in pairwise(chain):
        if not is_issued_by(signed, signer):
            return _Reason(
                f"The device sent “{describe(signed).common_name}” and then “{describe(signer).common_name}”, which did not "
                "sign it.",
                "Send the device's certificate, then its issuer, then the issuer's issuer.",
            )
    sent = list(map(describe, chain))
    top = sent[-1]
    thumbprints = {each.sha1 for each in sent}
    unproved = [each for each in known.certificates if each.thumbprint in thumbprints and not each.verified]
    if unproved:
        return _Reason(
            f"The CA registered as “{unproved[0].name}” is in the device's chain, but is not verified.",
            "Verify it: generate a verification code, sign the code with that CA's key, and send the proof.",
        )
    above = {bare_name(top.issuer), *(bare_name(each.subject) for each in sent[1:])}
    namesakes = [each for each in known.certificates if bare_name(each.subject) in above]
    if namesakes and namesakes[0].verified:
        return _Reason(
            f"A CA with the subject “{bare_name(namesakes[0].subject)}” is verified, as “{namesakes[0].name}”. But another CA "
            "with the same subject signed this device's chain: the signature was made with another key.",
            "Issue the device's certificate from the verified CA.",
        )
    if namesakes:
        return _Reason(
            f"The CA “{bare_name(namesakes[0].subject)}” is registered as “{namesakes[0].name}”, but is not verified.",
            "Verify it: generate a verification code, sign the code with that CA's key, and send the proof.",
        )
    verified = ", ".join(f"“{bare_name(each.subject)}”" for each in known.certificates if each.verified) or "none"
    return _Reason(
        f"The device's chain ends with “{top.common_name}”, issued by “{bare_name(top.issuer)}”, which is not registered "
        f"with the service. Verified CAs: {verified}.",
        "Send every certificate between the device's and a verified CA's, or register and verify the device's CA.",
    )


def _no_group_found(chain: Sequence[x509.Certificate], _registration_id: str, known: KnownCas) -> _Reason:
    device, *_ = sent = list(map(describe, chain))
    if device.is_authority:
        return _Reason(
            f"The device sent the certificate of the CA “{device.common_name}” as its own.",
            "Issue a certificate to the device from that CA.",
        )
    names = {bare_name(sent[-1].issuer), *(bare_name(each.subject) for each in sent)}
    cas = [each.name for each in known.certificates if each.verified and bare_name(each.subject) in names]
    bound = {
        name
        for group in known.groups
        if isinstance(group.attestation, CaReference)
        for name in (group.attestation.primary, group.attestation.secondary)
    }
    free = [name for name in cas if name not in bound]
    if free:
        return _Reason(
            f"The CA “{free[0]}” is verified, but no enrollment accepts devices with certificates from it.",
            f"Create an enrollment group that is bound to “{free[0]}”.",
        )
    return _Reason(
        "The CA is registered, but no enrollment accepts devices with certificates from it.",
        "Create an enrollment group that is bound to the CA.",
    )


def _bad_certificate(chain: Sequence[x509.Certificate], registration_id: str, _known: KnownCas) -> _Reason:
    failed = examine_chain(chain, chain[-1], registration_id).failed
    if failed:
        return _Reason(
            " ".join(f"{check.name}: {check.reason}" for check in failed),
            " ".join(dict.fromkeys(check.remedy for check in failed)),
        )
    return _Reason(
        "The chain that the device sent is valid. So a CA above it has expired or may not sign the certificates below it, "
        "or the device's individual enrollment has another certificate.",
        "Check the dates of the registered CAs, and the device's individual enrollment.",
    )


def _unknown_device(chain: Sequence[x509.Certificate], registration_id: str, _known: KnownCas) -> _Reason:
    name = describe(chain[0]).common_name
    if name.casefold() != registration_id.casefold():
        return _Reason(
            f"The device's certificate is for “{name}”, but it registers as “{registration_id}”. The two must be the same.",
            "Register with the certificate's common name, or issue a certificate with the registration id as its CN.",
        )
    return _Reason(
        "The ID scope is another service's, or the device's enrollment uses a kind of attestation other than certificates.",
        "Compare the ID scope with the service's, and check the device's enrollment.",
    )


_BY_MESSAGE: Mapping[str, Callable[[Sequence[x509.Certificate], str, KnownCas], _Reason]] = {
    "CA certificate not found": _no_ca_found,
    "Signing certificate info did not match chain elements": _no_group_found,
    "Invalid certificate": _bad_certificate,
    "Unauthorized": _unknown_device,
}

"""Why a device is not let in: the service's short answer, put together with what the device sent and what the service knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from cryptography import x509

from helpers.certificates import DeviceCredential, bare_name, describe, examine_chain, is_issued_by, read_certificates
from helpers.dps.ca_certificates import RegisteredCertificate
from helpers.dps.enrollment_groups import CaReference, EnrollmentGroup
from helpers.dps.errors import DpsError
from helpers.files import read_bytes

__all__ = ["KnownCas", "refusal"]


@dataclass(frozen=True)
class KnownCas:
    """What a service knows of CAs."""

    certificates: Sequence[RegisteredCertificate] = ()
    groups: Sequence[EnrollmentGroup] = ()


class _Reason(NamedTuple):
    why: str
    next_step: str


def refusal(device: DeviceCredential, status: int, body: Mapping[str, object], known: KnownCas) -> DpsError:
    """The answer with which the device plane refused a registration, for a person.

    Args:
        body: the answer's; `message` and `errorCode` tell the kind.
    """
    says, code = str(body.get("message", "")), str(body.get("errorCode", ""))
    chain = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    explain = _BY_MESSAGE.get(says.rstrip("."))
    reason = explain(chain, device.registration_id, known) if explain else _Reason("The service did not accept it.", "")
    return DpsError(
        f"The device “{device.registration_id}” is not let in.",
        f"{reason.why} It says: {says} ({status}, code {code}).",
        reason.next_step or "Do what the message names.",
        status=status,
        code=code,
    )


def _no_ca_found(chain: Sequence[x509.Certificate], _registration_id: str, known: KnownCas) -> _Reason:
    for signed, signer in pairwise(chain):
        if not is_issued_by(signed, signer):
            return _Reason(
                f"“{describe(signer).common_name}”, which it sends, did not sign “{describe(signed).common_name}”.",
                "Send the device's certificate, then its issuer, then the issuer's issuer.",
            )
    sent = list(map(describe, chain))
    top = sent[-1]
    thumbprints = {each.sha1 for each in sent}
    unproved = [each for each in known.certificates if each.thumbprint in thumbprints and not each.verified]
    if unproved:
        return _Reason(
            f"“{unproved[0].name}” is in its chain and registered, but not verified.",
            "Prove it: ask for a verification code, sign it with that CA's key, and verify.",
        )
    above = {bare_name(top.issuer), *(bare_name(each.subject) for each in sent[1:])}
    namesakes = [each for each in known.certificates if bare_name(each.subject) in above]
    if namesakes and namesakes[0].verified:
        return _Reason(
            f"A CA called “{bare_name(namesakes[0].subject)}” is verified, as “{namesakes[0].name}”. But this device's chain "
            "comes from another CA that merely has the same name: the signature was made with another key.",
            "Have the device's certificate signed by the CA that was verified.",
        )
    if namesakes:
        return _Reason(
            f"The CA “{bare_name(namesakes[0].subject)}” is registered as “{namesakes[0].name}”, but not verified.",
            "Prove it: ask for a verification code, sign it with that CA's key, and verify.",
        )
    verified = ", ".join(f"“{bare_name(each.subject)}”" for each in known.certificates if each.verified) or "none"
    return _Reason(
        f"Its chain ends with “{top.common_name}”, issued by “{bare_name(top.issuer)}”, of which the service knows nothing. "
        f"Verified CAs: {verified}.",
        "Send every certificate between the device's and a verified CA's, or register and verify its CA.",
    )


def _no_group_found(chain: Sequence[x509.Certificate], _registration_id: str, known: KnownCas) -> _Reason:
    device, *_ = sent = list(map(describe, chain))
    if device.is_authority:
        return _Reason(
            f"It showed the certificate of the CA “{device.common_name}” as its own.",
            "Give the device a certificate of its own, signed by that CA.",
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
            f"The CA “{free[0]}” is verified, but no enrollment lets in what it has signed.",
            f"Bind an enrollment group to “{free[0]}”.",
        )
    return _Reason(
        "The service knows the CA, but no enrollment lets in what it has signed.",
        "Create an enrollment group that is bound to it.",
    )


def _bad_certificate(chain: Sequence[x509.Certificate], registration_id: str, _known: KnownCas) -> _Reason:
    failed = [check for check in examine_chain(chain, chain[-1], registration_id).checks if not check.passed]
    if failed:
        return _Reason(
            " ".join(f"{check.name}: {check.reason}" for check in failed),
            " ".join(dict.fromkeys(check.remedy for check in failed)),
        )
    return _Reason(
        "What it sent is in order. So a CA above it has expired or may not sign what is below it, or the device has an "
        "individual enrollment with another certificate.",
        "Look at the dates of the CAs that are registered, and at the device's individual enrollment.",
    )


def _unknown_device(chain: Sequence[x509.Certificate], registration_id: str, _known: KnownCas) -> _Reason:
    name = describe(chain[0]).common_name
    if name.casefold() != registration_id.casefold():
        return _Reason(
            f"Its certificate is for “{name}”, and it registers as “{registration_id}”: the two must be the same.",
            "Register with the certificate's common name, or issue a certificate with the registration id as its CN.",
        )
    return _Reason(
        "The service knows no such device: the ID scope is another service's, or its enrollment asks for no certificate.",
        "Compare the ID scope with the service's, and look at the device's enrollment.",
    )


_BY_MESSAGE: Mapping[str, Callable[[Sequence[x509.Certificate], str, KnownCas], _Reason]] = {
    "CA certificate not found": _no_ca_found,
    "Signing certificate info did not match chain elements": _no_group_found,
    "Invalid certificate": _bad_certificate,
    "Unauthorized": _unknown_device,
}

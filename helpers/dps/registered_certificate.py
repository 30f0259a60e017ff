"""A CA certificate as the service has it, read from the service's answers."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from helpers.certificates import check_verification_code
from helpers.dps.errors import DpsError

if TYPE_CHECKING:  # the SDK takes a tenth of a second to import
    from azure.mgmt.iothubprovisioningservices.models import CertificateResponse

__all__ = ["RegisteredCertificate", "if_unchanged", "registered_from", "with_code"]


@dataclass(frozen=True)
class RegisteredCertificate:
    """A CA certificate's state at the service at one moment.

    Attributes:
        etag: the version of this state; the next change must send it, and returns a new one.
        thumbprint: SHA-1, upper-case hex.
        expires: the end of the certificate's validity, UTC.
        verification_code: only in the value that `generate_verification_code` returns; otherwise None.
    """

    name: str
    subject: str
    thumbprint: str
    expires: datetime
    verified: bool
    etag: str
    verification_code: str | None = None


def with_code(registered: RegisteredCertificate, answer: Any) -> RegisteredCertificate:
    """Return the certificate with the code in an answer, and with the ETag that came with it.

    Raises:
        DpsError: the answer has no code.
    """
    properties = answer.properties
    if properties is None or properties.verification_code is None:
        raise DpsError(
            f"There is no verification code for “{registered.name}”.",
            "The service's answer contained none.",
            "Generate a code again.",
        )
    return replace(
        registered,
        verified=bool(properties.is_verified),
        etag=_etag(answer),
        verification_code=check_verification_code(properties.verification_code),
    )


def if_unchanged(known: RegisteredCertificate) -> dict[str, Any]:
    """Return the options with which Azure's SDK sends the ETag in If-Match."""
    from azure.core import MatchConditions

    return {"etag": known.etag, "match_condition": MatchConditions.IfNotModified}


def registered_from(answer: "CertificateResponse") -> RegisteredCertificate:
    """Return the certificate in an answer. Raises DpsError if it has no ETag."""
    properties: Any = answer.properties
    return RegisteredCertificate(
        name=str(answer.name),
        subject=properties.subject,
        thumbprint=properties.thumbprint,
        expires=properties.expiry,
        verified=bool(properties.is_verified),
        etag=_etag(answer),
    )


def _etag(answer: Any) -> str:
    if not answer.etag:
        raise DpsError(
            "The service's answer contained no ETag.",
            "Without it, the certificate can't be changed safely.",
            "Try again.",
        )
    return str(answer.etag)

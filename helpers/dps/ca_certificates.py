"""CA certificates on the management plane: upload, code, proof, verified. ETags travel with the value."""

import base64
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509

from helpers.certificates import (
    VerificationCertificate,
    certificate_pem,
    check_verification_code,
    describe,
    public_certificate,
)
from helpers.dps.errors import DpsError, translated
from helpers.dps.persistence import repeat, settle
from helpers.problem import Problem

if TYPE_CHECKING:  # the SDK costs a tenth of a second to import; each function imports what it uses
    from azure.mgmt.iothubprovisioningservices import IotDpsClient
    from azure.mgmt.iothubprovisioningservices.models import CertificateResponse

__all__ = ["CaCertificates", "RegisteredCertificate", "check_certificate_name"]

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class RegisteredCertificate:
    """A CA certificate as the service has it at one moment.

    Attributes:
        etag: names this moment; the next change needs it and gives a new one.
        thumbprint: SHA-1, upper-case hex.
        expires: the certificate's own end, UTC.
        verification_code: only in the value that `generate_verification_code` returns; None elsewhere.
    """

    name: str
    subject: str
    thumbprint: str
    expires: datetime
    verified: bool
    etag: str
    verification_code: str | None = None


class CaCertificates:
    """The CA certificates of one provisioning service.

    Each change takes the value that the one before it returned, and with it the right ETag; none is guessed, and `*` is
    never sent. Every method raises DpsError when the service refuses (412: the value is stale; read it again).
    """

    def __init__(self, client: "IotDpsClient", resource_group: str, provisioning_service: str) -> None:
        self._certificates = client.dps_certificate
        self._group = resource_group
        self._service = provisioning_service

    def upload(
        self,
        name: str,
        certificate: x509.Certificate | bytes | Path,
        *,
        source: str = "",
        self_attested: bool = False,
    ) -> RegisteredCertificate:
        """Register a CA's public part under a new name; it is unverified then, unless you attest it yourself.

        The same certificate under the same name again changes nothing and returns what is there.

        Args:
            name: 1 to 64 letters, digits, hyphens, full stops, underscores.
            certificate: the CA's certificate, or its file, or the file's content (PEM or DER).
            source: what errors call the content.
            self_attested: say that the CA is yours (`isVerified`, the portal's “Set certificate status to verified on
                upload”). The service believes it: no key is needed for that, and nothing is proved.

        Raises:
            Problem: a bad name, not one certificate, a private key in the file, or not a CA.
            DpsError: another certificate has that name (409), or the service refuses.
        """
        from azure.mgmt.iothubprovisioningservices.models import CertificateProperties, CertificateResponse

        check_certificate_name(name)
        public = public_certificate(certificate, source)
        if not describe(public).is_authority:
            raise Problem(
                f"{source or 'The certificate'} is not uploaded.",
                f"“{describe(public).common_name}” is not a CA's certificate: it looks like a device's.",
                "Upload the certificate of the CA that signs your devices.",
            )
        present = self._same(name, public)
        if present is not None:
            return present
        properties = CertificateProperties(certificate=certificate_pem(public))
        if self_attested:
            properties.is_verified = True
        body = CertificateResponse(properties=properties)

        def upload() -> RegisteredCertificate:
            with translated(f"upload the CA certificate “{name}”"):
                return _registered(self._certificates.create_or_update(self._group, self._service, name, body))

        return settle(upload, lambda: self._same(name, public))

    def get(self, name: str) -> RegisteredCertificate:
        """The certificate's status and ETag now."""

        def read() -> RegisteredCertificate:
            with translated(f"read the CA certificate “{name}”"):
                return _registered(self._certificates.get(name, self._group, self._service))

        return repeat(read)

    def list(self) -> list[RegisteredCertificate]:
        """Every CA certificate of the service."""

        def read() -> Any:
            with translated("list the CA certificates"):
                return self._certificates.list(self._group, self._service)

        return [_registered(each) for each in repeat(read).value or ()]

    def generate_verification_code(self, registered: RegisteredCertificate) -> RegisteredCertificate:
        """Ask for a code. A code asked for before is void then."""
        known = registered

        def generate() -> RegisteredCertificate:
            with translated(f"get a verification code for “{known.name}”"):
                answer = self._certificates.generate_verification_code(
                    known.name,
                    self._group,
                    self._service,
                    **_if_unchanged(known),
                )
            return _with_code(known, answer)

        def look() -> None:
            """A code whose answer was lost is lost with it: what the service has now is asked for another."""
            nonlocal known
            present = self.get(registered.name)
            if present.thumbprint == registered.thumbprint:
                known = present

        return settle(generate, look)

    def verify(
        self,
        registered: RegisteredCertificate,
        proof: VerificationCertificate | x509.Certificate | bytes | Path,
    ) -> RegisteredCertificate:
        """Send a verification certificate; the CA is verified when the service accepts it.

        Args:
            proof: from `sign_verification_code`, or the certificate, or its file, or the file's content (PEM or DER). A
                private key in it is refused before anything is sent.
        """
        given = proof.certificate if isinstance(proof, VerificationCertificate) else proof
        certificate = public_certificate(given, "The proof")
        return self._send_proof(registered, base64.b64encode(certificate_pem(certificate)).decode())

    def send_proof(self, registered: RegisteredCertificate, certificate: str) -> RegisteredCertificate:
        """Send as a proof whatever is given, unexamined: to see what the service says of it. `verify` is for real proofs.

        Args:
            certificate: the request's field of that name: base64 of a verification certificate's file, if it is right.
        """
        # What can't be read is answered with 500, which Azure's SDK would send again for five seconds.
        return self._send_proof(registered, certificate, retry_status=0)

    def _send_proof(self, registered: RegisteredCertificate, certificate: str, **options: Any) -> RegisteredCertificate:
        from azure.mgmt.iothubprovisioningservices.models import VerificationCodeRequest

        request = VerificationCodeRequest(certificate=certificate)

        def verify() -> RegisteredCertificate:
            with translated(f"verify the CA certificate “{registered.name}”"):
                answer = self._certificates.verify_certificate(
                    registered.name,
                    self._group,
                    self._service,
                    request,
                    **_if_unchanged(registered),
                    **options,
                )
            return _registered(answer)

        def verified() -> RegisteredCertificate | None:
            present = self.get(registered.name)
            return present if present.verified and present.thumbprint == registered.thumbprint else None

        return settle(verify, verified)

    def delete(self, registered: RegisteredCertificate) -> None:
        """Remove the certificate from the service. Enrollment groups that refer to it let nobody in any more."""

        def delete() -> bool:
            with translated(f"delete the CA certificate “{registered.name}”"):
                self._certificates.delete(
                    self._group,
                    self._service,
                    registered.name,
                    **_if_unchanged(registered),
                )
            return True

        settle(delete, lambda: self._find(registered.name) is None or None)

    def _same(self, name: str, certificate: x509.Certificate) -> RegisteredCertificate | None:
        """What is registered under the name: this certificate, or nothing.

        An upload over another certificate would silently un-verify it; so it is never sent.
        """
        present = self._find(name)
        if present is None or present.thumbprint.upper() == describe(certificate).sha1:
            return present
        raise DpsError(
            f"The name “{present.name}” is taken.",
            f"Another CA certificate, {present.subject}, is registered under it.",
            "Choose another name, or delete that one first.",
            status=409,
        )

    def _find(self, name: str) -> RegisteredCertificate | None:
        try:
            return self.get(name)
        except DpsError as error:
            if error.status == 404 and error.code != "ResourceGroupNotFound":
                return None
            raise


def check_certificate_name(name: str) -> str:
    """Returns `name` if a CA certificate can be called so at DPS.

    Raises:
        Problem: it can't.
    """
    if not _NAME.fullmatch(name) or name in (".", ".."):  # in a URL these two mean another resource
        raise Problem(
            f"{name!r} can't be a CA certificate's name at DPS.",
            "A name has 1 to 64 letters, digits, hyphens, full stops and underscores (Azure's naming rules).",
            "Choose another name.",
        )
    return name


def _with_code(registered: RegisteredCertificate, answer: Any) -> RegisteredCertificate:
    properties = answer.properties
    if properties is None or properties.verification_code is None:
        raise DpsError(f"“{registered.name}” got no verification code.", "The answer holds none.", "Ask for one again.")
    return replace(
        registered,
        verified=bool(properties.is_verified),
        etag=_etag(answer),
        verification_code=check_verification_code(properties.verification_code),
    )


def _if_unchanged(known: RegisteredCertificate) -> dict[str, Any]:
    from azure.core import MatchConditions

    return {"etag": known.etag, "match_condition": MatchConditions.IfNotModified}


def _registered(answer: "CertificateResponse") -> RegisteredCertificate:
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
        raise DpsError("The answer holds no ETag.", "Without it nothing can be changed safely.", "Try again.")
    return str(answer.etag)

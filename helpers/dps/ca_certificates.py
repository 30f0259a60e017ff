"""CA certificates on the management plane: upload, get a verification code, verify, delete."""

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509

from helpers.certificates import (
    VerificationCertificate,
    certificate_pem,
    describe,
    public_certificate,
)
from helpers.dps.errors import DpsError
from helpers.dps.registered_certificate import RegisteredCertificate, if_unchanged, registered_from, with_code
from helpers.dps.retries import found, retry_change, retry_read
from helpers.problem import Problem

if TYPE_CHECKING:  # the SDK takes a tenth of a second to import, so each function imports only the parts it uses
    from azure.mgmt.iothubprovisioningservices import IotDpsClient

__all__ = ["CaCertificates", "check_certificate_name"]

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class CaCertificates:
    """The CA certificates of one provisioning service.

    Each change takes the value that the previous call returned, because that value has the current ETag; `If-Match: *`,
    which matches any version, is never sent. Every method raises DpsError if the service rejects the request (412: the
    value is stale, so read the certificate again).
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
        """Register a CA's certificate under a new name. It is then unverified, unless `self_attested` is true.

        Uploading the same certificate under the same name again changes nothing and returns its present state.

        Args:
            name: 1 to 64 letters, digits, hyphens, full stops and underscores.
            certificate: the CA's certificate, or its file, or the file's content (PEM or DER).
            source: the name that errors use for the content.
            self_attested: declare that the CA is yours (`isVerified`, the portal's “Set certificate status to verified on
                upload”). The service accepts this without a proof, so it does not show that you have the private key.

        Raises:
            Problem: the name is invalid, the file has a private key or not exactly one certificate, or the certificate is
                not a CA's.
            DpsError: another certificate has that name (409), or the service rejects the upload.
        """
        from azure.mgmt.iothubprovisioningservices.models import CertificateProperties, CertificateResponse

        check_certificate_name(name)
        public = public_certificate(certificate, source)
        if not describe(public).is_authority:
            raise Problem(
                f"{source or 'The certificate'} was not uploaded.",
                f"“{describe(public).common_name}” is not a CA's certificate. It looks like a device's.",
                "Upload the certificate of the CA that signs your devices.",
            )
        present = self._same(name, public)
        if present is not None:
            return present
        properties = CertificateProperties(certificate=certificate_pem(public))
        if self_attested:
            properties.is_verified = True
        body = CertificateResponse(properties=properties)
        return retry_change(
            f"upload the CA certificate “{name}”",
            lambda: registered_from(self._certificates.create_or_update(self._group, self._service, name, body)),
            lambda: self._same(name, public),
        )

    def get(self, name: str) -> RegisteredCertificate:
        """Return the certificate's present state, with its ETag."""
        return retry_read(
            f"read the CA certificate “{name}”",
            lambda: registered_from(self._certificates.get(name, self._group, self._service)),
        )

    def list(self) -> list[RegisteredCertificate]:
        """Return all CA certificates of the service."""
        listed = retry_read("list the CA certificates", lambda: self._certificates.list(self._group, self._service))
        return [registered_from(each) for each in listed.value or ()]

    def generate_verification_code(self, registered: RegisteredCertificate) -> RegisteredCertificate:
        """Generate a verification code, which the returned value holds. Earlier codes for this certificate become invalid."""
        known = registered

        def generate() -> RegisteredCertificate:
            answer = self._certificates.generate_verification_code(
                known.name, self._group, self._service, **if_unchanged(known)
            )
            return with_code(known, answer)

        def look() -> None:
            """Read the new ETag. If the answer with the code was lost, no call returns that code: another is needed."""
            nonlocal known
            present = self.get(registered.name)
            if present.thumbprint == registered.thumbprint:
                known = present

        return retry_change(f"get a verification code for “{registered.name}”", generate, look)

    def verify(
        self,
        registered: RegisteredCertificate,
        proof: VerificationCertificate | x509.Certificate | bytes | Path,
    ) -> RegisteredCertificate:
        """Send a verification certificate. If the service accepts it, the CA is verified.

        Args:
            proof: the value from `sign_verification_code`, or the certificate, or its file, or the file's content (PEM or
                DER). A file with a private key is rejected before anything is sent.
        """
        given = proof.certificate if isinstance(proof, VerificationCertificate) else proof
        certificate = public_certificate(given, "The proof")
        return self._send_proof(registered, base64.b64encode(certificate_pem(certificate)).decode())

    def send_proof(self, registered: RegisteredCertificate, certificate: str) -> RegisteredCertificate:
        """Send any text as a proof, without checking it first, to see the service's answer. `verify` is for real proofs.

        Args:
            certificate: the request's `certificate` field; in a valid request, base64 of a verification certificate's file.
        """
        # DPS answers an unreadable certificate with 500, after which Azure's SDK would retry for five seconds.
        return self._send_proof(registered, certificate, retry_status=0)

    def _send_proof(self, registered: RegisteredCertificate, certificate: str, **options: Any) -> RegisteredCertificate:
        from azure.mgmt.iothubprovisioningservices.models import VerificationCodeRequest

        request = VerificationCodeRequest(certificate=certificate)

        def verify() -> RegisteredCertificate:
            unchanged = if_unchanged(registered)
            return registered_from(
                self._certificates.verify_certificate(
                    registered.name, self._group, self._service, request, **unchanged, **options
                )
            )

        def verified() -> RegisteredCertificate | None:
            present = self.get(registered.name)
            return present if present.verified and present.thumbprint == registered.thumbprint else None

        return retry_change(f"verify the CA certificate “{registered.name}”", verify, verified)

    def delete(self, registered: RegisteredCertificate) -> None:
        """Remove the certificate from the service. Enrollment groups bound to it then accept no device."""

        def delete() -> bool:
            self._certificates.delete(self._group, self._service, registered.name, **if_unchanged(registered))
            return True

        retry_change(
            f"delete the CA certificate “{registered.name}”",
            delete,
            lambda: found(lambda: self.get(registered.name)) is None or None,
        )

    def _same(self, name: str, certificate: x509.Certificate) -> RegisteredCertificate | None:
        """Return this certificate's state if it is registered under the name; None if the name is free.

        Raises:
            DpsError: another certificate has the name. Replacing it would silently make it unverified.
        """
        present = found(lambda: self.get(name))
        if present is None or present.thumbprint.upper() == describe(certificate).sha1:
            return present
        raise DpsError(
            f"The name “{present.name}” is taken.",
            f"Another CA certificate, {present.subject}, is registered under that name.",
            "Choose another name, or delete that certificate first.",
            status=409,
        )


def check_certificate_name(name: str) -> str:
    """Return `name` if it is a valid name of a CA certificate at DPS.

    Raises:
        Problem: it isn't.
    """
    if not _NAME.fullmatch(name) or name in (".", ".."):  # in a URL, these two lead to another resource
        raise Problem(
            f"{name!r} can't be a CA certificate's name at DPS.",
            "A name has 1 to 64 letters, digits, hyphens, full stops and underscores (Azure's naming rules), and is "
            "neither “.” nor “..”.",
            "Choose another name.",
        )
    return name

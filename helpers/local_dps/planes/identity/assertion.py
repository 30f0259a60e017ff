"""The application's certificate, and the client assertions that its private key signs (RFC 7523)."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from ...errors import identity as errors
from .tokens import CLOCK_LEEWAY

__all__ = ["ASSERTION_TYPE", "check_assertion", "new_client_certificate"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ("RS256", "PS256")


def new_client_certificate(now: datetime) -> tuple[bytes, x509.Certificate]:
    """Make a self-signed certificate for the application. Return a PEM with key and certificate, and the certificate.

    The key is RSA, because azure-identity signs assertions with RSA only.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Local DPS application, this start only")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM), certificate


def check_assertion(assertion: str, certificate: x509.Certificate, client_id: str, audience: str) -> None:
    """Accept a client assertion, or raise the refusal.

    An assertion is accepted if and only if it names this certificate (in x5t, x5t#S256 or both), this certificate's key
    signed it, the application is its issuer and subject, this token endpoint is its audience, and it is valid now.
    """
    key = certificate.public_key()
    try:
        header = jwt.get_unverified_header(assertion)
        if not _names(header, certificate):
            raise errors.invalid_assertion("It does not name the application's certificate.")
        jwt.decode(
            assertion,
            key,  # type: ignore[arg-type]
            algorithms=_ALGORITHMS,
            audience=audience,
            issuer=client_id,
            leeway=CLOCK_LEEWAY,  # on all three of exp, nbf and iat: MSAL for Node rounds nbf up
            subject=client_id,
            options={"require": ["exp", "aud", "iss", "sub"]},
        )
    except (jwt.InvalidTokenError, ValueError) as error:
        raise errors.invalid_assertion(
            f"{type(error).__name__}."
        ) from error  # the error's text quotes what the client sent


def _names(header: Mapping[str, Any], certificate: x509.Certificate) -> bool:
    thumbprints = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}  # noqa: S303 - RFC 7515 names both
    named = [name for name in thumbprints if name in header]
    # RFC 7515 writes base64url without padding; azure-identity pads.
    sent = {name: str(header[name]).rstrip("=") for name in named}
    return bool(named) and sent == {name: _base64url(certificate.fingerprint(thumbprints[name])) for name in named}


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")

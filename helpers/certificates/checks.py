"""Checks of what people give: names, verification codes, and the certificates and keys of CAs."""

import re

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from helpers.certificates.describe import describe, extension
from helpers.problem import Problem

__all__ = ["check_common_name", "check_verification_code", "require_authority", "require_ordinary_key"]

_MAX_COMMON_NAME_BYTES = 64  # ub-common-name, RFC 5280 appendix A.1; most software counts bytes
_CODE = re.compile(r"[0-9A-F]{48}")


def check_common_name(common_name: str) -> str:
    """Return `common_name` if it is valid: 1 to 64 bytes in UTF-8, with only printable characters.

    Raises:
        Problem: it isn't valid.
    """
    if not common_name.strip():
        reason = "It is empty."
    elif common_name != common_name.strip():
        reason = "It begins or ends with white space, which you don't see but software compares."
    elif not common_name.isprintable():
        reason = "It contains control characters or other invisible characters."
    elif len(common_name.encode()) > _MAX_COMMON_NAME_BYTES:
        reason = f"It has {len(common_name.encode())} bytes in UTF-8; at most {_MAX_COMMON_NAME_BYTES} are allowed."
    else:
        return common_name
    raise Problem(f"{common_name!r} can't be a certificate's common name.", reason, "Choose another name.")


def check_verification_code(code: str) -> str:
    """Return `code` if it has the form of DPS's codes: 48 upper-case hexadecimal characters (24 bytes).

    Raises:
        Problem: it has white space, another length or other characters. DPS compares the CN with its code character by
        character.
    """
    if any(character.isspace() for character in code):
        reason = "It contains white space; the certificate's common name must equal the code exactly."
    elif len(code) != 48:
        reason = f"It has {len(code)} characters; DPS's codes have 48. (IoT Hub's codes have other lengths.)"
    elif not _CODE.fullmatch(code):
        reason = "It has characters other than 0–9 and upper-case A–F."
    else:
        return code
    raise Problem("This is not a verification code.", reason, "Copy exactly the code that DPS shows.")


def require_authority(certificate: x509.Certificate) -> None:
    """Raise a Problem unless the certificate is a CA's and may sign other certificates."""
    facts = describe(certificate)
    if not facts.is_authority:
        reason = "Its basic constraints do not say that it is a CA (RFC 5280 section 4.2.1.9)."
    elif (usage := extension(certificate, x509.KeyUsage)) is not None and not usage.key_cert_sign:
        reason = "Its key usage does not allow it to sign certificates (RFC 5280 section 4.2.1.3)."
    else:
        return
    raise Problem(
        f"“{facts.common_name}” is not a CA certificate.",
        f"{reason} It looks like a device's certificate.",
        "Choose the certificate of the CA that signs your devices' certificates.",
    )


def require_ordinary_key(certificate: x509.Certificate) -> None:
    """Raise a Problem for an elliptic curve given by its parameters, which OpenSSL rejects, or an RSA key limited to PSS.

    In both cases, encoding the public key again gives bytes that differ from those in the certificate.
    """
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if certificate.public_key().public_bytes(encoding, form) not in certificate.public_bytes(encoding):
        raise Problem(
            f"The key of “{describe(certificate).common_name}” has a form that other software rejects.",
            "It is an RSA-PSS key, or its elliptic curve is given by its parameters instead of its name.",
            "Use a CA with an ordinary RSA key (rsaEncryption) or a named curve (RFC 5480 section 2.1.1).",
        )

"""Certificates and private keys in the encodings that people use."""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding

from tests.crafting import PrivateKey


def as_pem(der: bytes, label: str = "CERTIFICATE") -> str:
    body = base64.encodebytes(der).decode().replace("\n", "")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


ENCODINGS = {
    "base64 of PEM": lambda der: base64.b64encode(as_pem(der).encode()).decode(),
    "base64 of DER": lambda der: base64.b64encode(der).decode(),
    "base64 of PEM with CRLF": lambda der: base64.b64encode(as_pem(der).replace("\n", "\r\n").encode()).decode(),
    "base64 of DER, in base64 again": lambda der: base64.b64encode(base64.b64encode(der)).decode(),
    "PEM": as_pem,
}


def key_files(private_key: PrivateKey) -> dict[str, bytes]:
    """The private key in the kinds of files that a person may choose by mistake."""
    traditional, pkcs8 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
    clear, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"passphrase")
    return {
        "PKCS#8 PEM": private_key.private_bytes(Encoding.PEM, pkcs8, clear),
        "PKCS#8 DER": private_key.private_bytes(Encoding.DER, pkcs8, clear),
        "traditional PEM": private_key.private_bytes(Encoding.PEM, traditional, clear),
        "traditional DER": private_key.private_bytes(Encoding.DER, traditional, clear),
        "encrypted PEM": private_key.private_bytes(Encoding.PEM, pkcs8, locked),
        "encrypted DER": private_key.private_bytes(Encoding.DER, pkcs8, locked),
        "encrypted traditional PEM": private_key.private_bytes(Encoding.PEM, traditional, locked),
    }

"""Replace values that differ in each run with placeholders such as `<etag 3>`. Equal values get the same placeholder."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

__all__ = ["Placeholders"]

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"
_OF_A_PATH = "[A-Za-z0-9+/]*/(?:registrations|locations)/"  # a path has the letters of base64, too
_VARYING = {
    "correlation": (
        rf"If you contact a support representative please include this correlation identifier: {_GUID}, "
        rf"timestamp: (?:{_TIME})"
    ),
    "pem": r"-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----\n?",
    "token": r"eyJ[\w-]+\.[\w-]+\.[\w-]+",
    "operation": rf"\d\.[0-9a-f]{{16}}\.{_GUID}",
    "guid": _GUID,
    "time": _TIME,
    "port": r"(?:(?<=localhost:)|(?<=127\.0\.0\.1:))\d{4,5}",
    "scope": r"0ne[0-9A-F]{8}",
    "experiment": r"walkthrough-experiment-[0-9a-f]{8}",
    "result": r"(?<=provisioningserviceoperationresults/)[\w+/=]+",
    "hex": r"\b[0-9A-Fa-f]{30,64}\b",
    "etag": r"\bAAAA[A-Za-z0-9+/]{7}=",
    "base64": rf"(?<![A-Za-z0-9+/])(?!{_OF_A_PATH})[A-Za-z0-9+/]{{40,}}={{0,2}}",
}
_ALL_VARYING = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _VARYING.items()))
_ETAG = re.compile(rf'"{_GUID}"'.encode())
_CODE_LENGTH = 48
_KEY_BYTES = 64


class Placeholders:
    """The placeholders of one record. Each kind is numbered from 1, in order of appearance."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """
        Args:
            places: the placeholders of fixed texts, such as the path of the workspace; longer texts come first.
        """
        self._places = places
        self._names: dict[str, str] = {}
        self._counts = Counter[str]()

    def value(self, value: Any) -> Any:
        """Return a JSON value with placeholders in its strings."""
        match value:
            case dict():
                return {
                    self.text(name): self.name("etag", inner) if name == "etag" and inner else self.value(inner)
                    for name, inner in value.items()
                }
            case list():
                return [self.value(inner) for inner in value]
            case str():
                return self.text(value)
            case _:
                return value

    def name(self, kind: str, text: str) -> str:
        """Return the placeholder of a text whose kind is known."""
        if text not in self._names:
            self._counts[kind] += 1
            self._names[text] = f"<{kind} {self._counts[kind]}>"
        return self._names[text]

    def text(self, text: str) -> str:
        """Return a text with placeholders in it."""
        for place, name in self._places.items():
            text = text.replace(place, name)
        return _ALL_VARYING.sub(self._placeholder, text)

    def content(self, content: bytes) -> str:
        """Describe the certificates and keys that the bytes hold. Other bytes are given as text, or as their number."""
        try:
            return self._certificate(x509.load_der_x509_certificate(content))
        except ValueError:
            pass
        text = content.decode(errors="replace")
        return self.text(text) if text.isprintable() or "-----BEGIN" in text else f"<{len(content)} bytes>"

    def _placeholder(self, found: re.Match[str]) -> str:
        kind, text = str(found.lastgroup), found[0]
        match kind:
            case "time" | "correlation" | "port":  # the system may give a port again that was given before
                return f"<{kind}>"
            case "pem":
                return f"pem({self._pem(text.encode())})"
            case "base64":
                return self._base64(text)
            case "hex":
                return self._hex(text)
            case _:
                return self.name(kind, text)

    def _hex(self, text: str) -> str:
        upper = text.upper()
        if len(text) != _CODE_LENGTH:
            return self.name("hex", _number(text))
        return (
            f"{self._names[upper]} in lower case" if upper != text and upper in self._names else self.name("code", text)
        )

    def _base64(self, text: str) -> str:
        try:
            content = base64.b64decode(text, validate=True)
        except binascii.Error:
            return text
        if _ETAG.fullmatch(content):
            return self.name("etag", text)
        if len(content) == _KEY_BYTES:
            return self.name("key", text)
        return f"base64({self.content(content)})"

    def _pem(self, pem: bytes) -> str:
        if b"BEGIN CERTIFICATE-----" in pem:
            return self._certificate(x509.load_pem_x509_certificate(pem))
        if b"REQUEST-----" in pem:
            return f"<signing request of {self.text(x509.load_pem_x509_csr(pem).subject.rfc4514_string())}>"
        if b"ENCRYPTED" in pem:
            return "<private key, encrypted>"
        return f"<private key, {_kind_of_key(serialization.load_pem_private_key(pem, None).public_key())}>"

    def _certificate(self, certificate: x509.Certificate) -> str:
        """Describe a certificate where it first appears. Later its thumbprints and its serial number refer to it."""
        sha1 = certificate.fingerprint(hashes.SHA1()).hex().upper()
        known = f"certificate {sha1}"
        if known in self._names:
            return self._names[known]
        name = self.name("certificate", known)
        number = name.strip("<>")
        of_it = {
            "SHA-1": sha1,
            "SHA-256": certificate.fingerprint(hashes.SHA256()).hex(),
            "serial number": f"{certificate.serial_number:x}",
        }
        told = [f"{kind} {self._names[_number(text)]}" for kind, text in of_it.items() if _number(text) in self._names]
        self._names.update((_number(text), f"<{kind} of {number}>") for kind, text in of_it.items())
        facts = [
            f"{self.text(certificate.subject.rfc4514_string())} by {self.text(certificate.issuer.rfc4514_string())}",
            _standing(certificate),
            _kind_of_key(certificate.public_key()),
            _life(certificate),
            *told,
        ]
        return f"<{number}: {', '.join(facts)}>"


def _number(text: str) -> str:
    """Return a hexadecimal number in one form: clients differ in capitals and in leading zeros."""
    return text.upper().lstrip("0")


def _standing(certificate: x509.Certificate) -> str:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return "no CA"
    if not constraints.ca:
        return "no CA"
    return "CA" if constraints.path_length is None else f"CA of path length {constraints.path_length}"


def _kind_of_key(key: Any) -> str:
    match key:
        case ec.EllipticCurvePublicKey():
            return f"EC {key.curve.name}"
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case _:
            return type(key).__name__


def _life(certificate: x509.Certificate) -> str:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    begins_in = round((begin - datetime.now(UTC)).total_seconds() / 86_400)
    length = f"{round((end - begin).total_seconds() / 86_400)} days"
    return f"{length} from day {begins_in}" if begins_in else length

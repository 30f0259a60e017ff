"""Extensions of CAs and of proofs, each as DER: good ones, odd ones and broken ones."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1

from tests.forging import elements
from tests.judging.der import NULL, bits, explicit, integer, octets, oid, sequence
from tests.judging.names import CA_NAMES, FABRIKAM, ISSUERS, Name, encode_name

__all__ = ["CA_EXTENSIONS", "KEY_IDENTIFIERS", "PROOF_EXTENSIONS", "Issuer", "key_identifier", "subject_key_identifier"]

_TRUE = b"\x01\x01\xff"
_FALSE = b"\x01\x01\x00"
_UNKNOWN = "1.3.6.1.4.1.99999.1"
_SKI, _USAGE, _SAN, _BASIC, _NAMES, _POLICIES, _AKI, _EKU = (
    f"2.5.29.{number}" for number in (14, 15, 17, 19, 30, 32, 35, 37)
)


@dataclass(frozen=True)
class Issuer:
    """The information about the issuer in a key identifier."""

    identifier: bytes
    name: Name
    serial: bytes


def _extension(kind: str, value: bytes, critical: bytes = b"") -> bytes:
    return sequence(oid(kind), critical, octets(value))


def key_identifier(public: bytes) -> bytes:
    """The SHA-1 of a key's bits (RFC 5280 section 4.2.1.2)."""
    _, content = elements(public)
    return sha1(_elements_content(content)).digest()


def _elements_content(bit_string: bytes) -> bytes:
    """The bits of a BIT STRING."""
    size = bit_string[1]
    return bit_string[3 if size < 0x80 else 3 + (size & 0x7F) :]


def subject_key_identifier(identifier: bytes) -> bytes:
    return _extension(_SKI, octets(identifier))


def _basic(ca: bool, length: int | None = None) -> bytes:
    return sequence(_TRUE if ca else b"", b"" if length is None else integer(length))


def _usage(value: int, unused: int) -> bytes:
    return bits(bytes([value]), unused)


def _names(permitted: Name) -> bytes:
    """Name constraints that permit one directory name and the names below it."""
    return sequence(explicit(0, sequence(explicit(4, encode_name(permitted)))))


_SIGNS_CERTIFICATES, _SIGNS_DATA = _usage(0x06, 1), _usage(0x80, 7)
_CLIENT = sequence(oid("1.3.6.1.5.5.7.3.2"))
_DNS = sequence(sequence(b"example.com", tag=0x82))

# The extensions of a CA's certificate besides its subject key identifier.
CA_EXTENSIONS: dict[str, tuple[bytes, ...]] = {
    "CA": (_extension(_BASIC, _basic(True), _TRUE),),
    "CA with key usage": (_extension(_BASIC, _basic(True), _TRUE), _extension(_USAGE, _SIGNS_CERTIFICATES, _TRUE)),
    "CA, not critical": (_extension(_BASIC, _basic(True)),),
    "CA, path length 0": (_extension(_BASIC, _basic(True, 0), _TRUE),),
    "CA, path length -1": (_extension(_BASIC, _basic(True, -1), _TRUE),),
    "CA, key usage without certificates": (
        _extension(_BASIC, _basic(True), _TRUE), _extension(_USAGE, _SIGNS_DATA, _TRUE)
    ),
    "CA, empty key usage": (_extension(_BASIC, _basic(True), _TRUE), _extension(_USAGE, bits(b""), _TRUE)),
    "no CA": (_extension(_BASIC, _basic(False), _TRUE),),
    "no basic constraints": (_extension(_EKU, _CLIENT),),
    "key usage alone": (_extension(_USAGE, _SIGNS_CERTIFICATES, _TRUE),),
    "none": (),
    "CA, unknown critical one": (_extension(_BASIC, _basic(True), _TRUE), _extension(_UNKNOWN, NULL, _TRUE)),
    "CA for clients": (_extension(_BASIC, _basic(True), _TRUE), _extension(_EKU, _CLIENT)),
    "CA for Fabrikam": (_extension(_BASIC, _basic(True), _TRUE), _extension(_NAMES, _names(FABRIKAM), _TRUE)),
    "CA for Fabrikam, not critical": (_extension(_BASIC, _basic(True), _TRUE), _extension(_NAMES, _names(FABRIKAM))),
    "CA, basic constraints twice": (_extension(_BASIC, _basic(True), _TRUE),) * 2,
    "CA, broken usage": (_extension(_BASIC, _basic(True), _TRUE), _extension(_USAGE, b"\x03\x05\x01")),
    "CA, broken names": (_extension(_BASIC, _basic(True), _TRUE), _extension(_NAMES, b"\x30\x05\x01")),
    "broken basic constraints": (_extension(_BASIC, b"\x30\x05\x01", _TRUE),),
    "CA of a policy": (_extension(_BASIC, _basic(True), _TRUE), _extension(_POLICIES, sequence(sequence(oid("1.2.3"))))),
}  # fmt: skip

PROOF_EXTENSIONS: dict[str, tuple[bytes, ...]] = {
    "none": (),
    "a device's": (
        _extension(_BASIC, _basic(False), _TRUE), _extension(_USAGE, _SIGNS_DATA, _TRUE), _extension(_EKU, _CLIENT)
    ),
    "a CA's": (_extension(_BASIC, _basic(True), _TRUE), _extension(_USAGE, _SIGNS_CERTIFICATES, _TRUE)),
    "a CA's with a path length": (_extension(_BASIC, _basic(True, 3), _TRUE),),
    "a path length without CA": (_extension(_BASIC, _basic(False, 0), _TRUE),),
    "subject key identifier": (subject_key_identifier(b"\x01" * 20),),
    "empty subject key identifier": (subject_key_identifier(b""),),
    "broken subject key identifier": (_extension(_SKI, b"\x04\x09\x01"),),
    "unknown": (_extension(_UNKNOWN, NULL),),
    "unknown, critical": (_extension(_UNKNOWN, NULL, _TRUE),),
    "unknown, FALSE written": (_extension(_UNKNOWN, NULL, _FALSE),),
    "unknown, TRUE is 1": (_extension(_UNKNOWN, NULL, b"\x01\x01\x01"),),
    "unknown, twice": (_extension(_UNKNOWN, NULL), _extension(_UNKNOWN, NULL)),
    "basic constraints twice": (_extension(_BASIC, _basic(False)),) * 2,
    "alternative name": (_extension(_SAN, _DNS),),
    "alternative name, critical": (_extension(_SAN, _DNS, _TRUE),),
    "empty alternative name": (_extension(_SAN, sequence()),),
    "broken alternative name": (_extension(_SAN, b"\x30\x20\x82\x01"),),
    "broken basic constraints": (_extension(_BASIC, b"\x30\x03\x02", _TRUE),),
    "broken usage": (_extension(_USAGE, b"\x03\x03\x01"),),
    "broken extended usage": (_extension(_EKU, b"\x30\x03\x06"),),
    "name constraints": (_extension(_NAMES, _names(CA_NAMES["plain"]), _TRUE),),
    "policy constraints, critical": (_extension("2.5.29.36", sequence(sequence(b"\0", tag=0x80)), _TRUE),),
    "inhibit any policy, critical": (_extension("2.5.29.54", integer(0), _TRUE),),
    "policies twice the same": (_extension(_POLICIES, sequence(*(sequence(oid("1.2.3")),) * 2)),),
    "precertificate poison": (_extension("1.3.6.1.4.1.11129.2.4.3", NULL, _TRUE),),
    "TLS feature, critical": (_extension("1.3.6.1.5.5.7.1.24", sequence(integer(5)), _TRUE),),
    "proxy certificate": (
        _extension("1.3.6.1.5.5.7.1.14", sequence(sequence(oid("1.3.6.1.5.5.7.21.1"))), _TRUE),
    ),
    "addresses": (_extension("1.3.6.1.5.5.7.1.7", sequence(sequence(octets(b"\0\1"), NULL)), _TRUE),),
    "systems": (_extension("1.3.6.1.5.5.7.1.8", sequence(explicit(0, NULL)), _TRUE),),
    "a list without any": (b"",),
}  # fmt: skip

Identifier = Callable[[Issuer], tuple[bytes, ...]]


def _aki(*parts: bytes, critical: bytes = b"") -> tuple[bytes, ...]:
    return (_extension(_AKI, sequence(*parts), critical),)


def _id(identifier: bytes) -> bytes:
    return sequence(identifier, tag=0x80)


def _directory(name: Name) -> bytes:
    return explicit(4, encode_name(name))


def _serial(serial: bytes) -> bytes:
    return b"\x82" + serial[1:]  # an INTEGER under another tag


_OTHER_SERIAL = integer(4711)
_HOST = sequence(b"example.com", tag=0x82)

KEY_IDENTIFIERS: dict[str, Identifier] = {
    "absent": lambda _: (),
    "right": lambda issuer: _aki(_id(issuer.identifier)),
    "right, critical": lambda issuer: _aki(_id(issuer.identifier), critical=_TRUE),
    "wrong": lambda issuer: _aki(_id(issuer.identifier[::-1])),
    "shortened": lambda issuer: _aki(_id(issuer.identifier[:8])),
    "of no bytes": lambda _: _aki(_id(b"")),
    "empty": lambda _: _aki(),
    "right issuer and serial": lambda issuer: _aki(
        _id(issuer.identifier), explicit(1, _directory(issuer.name)), _serial(issuer.serial)
    ),
    "wrong serial": lambda issuer: _aki(explicit(1, _directory(issuer.name)), _serial(_OTHER_SERIAL)),
    "wrong issuer": lambda issuer: _aki(explicit(1, _directory(FABRIKAM)), _serial(issuer.serial)),
    "issuer in another case": lambda issuer: _aki(
        explicit(1, _directory(ISSUERS["upper case"](issuer.name))), _serial(issuer.serial)
    ),
    "issuer alone": lambda issuer: _aki(explicit(1, _directory(issuer.name))),
    "wrong issuer alone": lambda _: _aki(explicit(1, _directory(FABRIKAM))),
    "serial alone": lambda issuer: _aki(_serial(issuer.serial)),
    "wrong serial alone": lambda _: _aki(_serial(_OTHER_SERIAL)),
    "a host for an issuer": lambda issuer: _aki(explicit(1, _HOST), _serial(issuer.serial)),
    "a host and the issuer": lambda issuer: _aki(explicit(1, _HOST + _directory(issuer.name)), _serial(issuer.serial)),
    "a host and a wrong issuer": lambda issuer: _aki(explicit(1, _HOST + _directory(FABRIKAM)), _serial(issuer.serial)),
    "wrong and right issuer": lambda issuer: _aki(
        explicit(1, _directory(FABRIKAM) + _directory(issuer.name)), _serial(issuer.serial)
    ),
    "right and wrong issuer": lambda issuer: _aki(
        explicit(1, _directory(issuer.name) + _directory(FABRIKAM)), _serial(issuer.serial)
    ),
    "twice": lambda issuer: _aki(_id(issuer.identifier)) * 2,
    "right and wrong": lambda issuer: _aki(_id(issuer.identifier)) + _aki(_id(issuer.identifier[::-1])),
    "wrong and right": lambda issuer: _aki(_id(issuer.identifier[::-1])) + _aki(_id(issuer.identifier)),
    "broken": lambda _: (_extension(_AKI, b"\x30\x09\x80\x14"),),
    "a byte after": lambda issuer: (_extension(_AKI, sequence(_id(issuer.identifier)) + b"\0"),),
}

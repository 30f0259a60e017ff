"""Keys of every kind that signs certificates, and their signature algorithms."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.forging import elements
from tests.judging.der import NULL, explicit, integer, octets, oid, sequence

__all__ = ["CURVES", "DIGESTS", "KINDS", "SCHEMES", "Key", "key", "sign", "stated", "wrong"]

_PSS_KIND, _EC_KIND = "1.2.840.113549.1.1.10", "1.2.840.10045.2.1"
_MGF1 = "1.2.840.113549.1.1.8"
CURVES: dict[str, ec.EllipticCurve] = {
    "P-224": ec.SECP224R1(),
    "P-256": ec.SECP256R1(),
    "P-256, explicit": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
}
# What a key for RSA-PSS says of its signatures.
_PSS_KINDS: dict[str, Callable[[], bytes]] = {
    "RSA-PSS": lambda: b"",
    "RSA-PSS, restricted": lambda: _pss_parameters("SHA-256", "SHA-256", 32),
    "RSA-PSS, trailer field 2": lambda: _pss_parameters("SHA-256", "SHA-256", 32, 2),
}
_RSA_BITS = {"RSA-1024": 1024, "RSA-2048": 2048, "RSA-3072": 3072, **dict.fromkeys(_PSS_KINDS, 2048)}
_EDWARDS: dict[str, tuple[Callable[[], Any], str, int]] = {
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, "1.3.101.112", (1 << 252) + 27742317777372353535851937790883648493),
    "Ed448": (
        ed448.Ed448PrivateKey.generate,
        "1.3.101.113",
        (1 << 446) - 13818066809895115352007386748515426880336692474882178609894547503885,
    ),
}
KINDS = (*_RSA_BITS, *CURVES, *_EDWARDS, "DSA")
SCHEMES = (
    "own", "PKCS #1", "PSS", "PSS, salt of 20", "PSS, longest salt", "PSS, other mask", "PSS, defaults",
    "PSS, defaults written", "PSS, trailer field 1", "PSS, trailer field 2", "PSS, no parameters", "PSS, mask by SHA-256",
    "PSS, without NULL",
)  # fmt: skip
# A digest: the library's, its own OID, and the OIDs of signatures with it by RSA, ECDSA and DSA.
DIGESTS: dict[str, tuple[hashes.HashAlgorithm, str, dict[str, str]]] = {
    "MD5": (hashes.MD5(), "1.2.840.113549.2.5", {"RSA": "1.2.840.113549.1.1.4"}),
    "SHA-1": (
        hashes.SHA1(),
        "1.3.14.3.2.26",
        {"RSA": "1.2.840.113549.1.1.5", "EC": "1.2.840.10045.4.1", "DSA": "1.2.840.10040.4.3"},
    ),
    "SHA-224": (
        hashes.SHA224(),
        "2.16.840.1.101.3.4.2.4",
        {"RSA": "1.2.840.113549.1.1.14", "EC": "1.2.840.10045.4.3.1", "DSA": "2.16.840.1.101.3.4.3.1"},
    ),
    "SHA-256": (
        hashes.SHA256(),
        "2.16.840.1.101.3.4.2.1",
        {"RSA": "1.2.840.113549.1.1.11", "EC": "1.2.840.10045.4.3.2", "DSA": "2.16.840.1.101.3.4.3.2"},
    ),
    "SHA-384": (
        hashes.SHA384(),
        "2.16.840.1.101.3.4.2.2",
        {"RSA": "1.2.840.113549.1.1.12", "EC": "1.2.840.10045.4.3.3"},
    ),
    "SHA-512": (
        hashes.SHA512(),
        "2.16.840.1.101.3.4.2.3",
        {"RSA": "1.2.840.113549.1.1.13", "EC": "1.2.840.10045.4.3.4"},
    ),
    "SHA-512/256": (hashes.SHA512_256(), "2.16.840.1.101.3.4.2.6", {"RSA": "1.2.840.113549.1.1.16"}),
    "SHA3-256": (
        hashes.SHA3_256(),
        "2.16.840.1.101.3.4.2.8",
        {"RSA": "2.16.840.1.101.3.4.3.14", "EC": "2.16.840.1.101.3.4.3.10"},
    ),
}


@dataclass(frozen=True)
class Key:
    """A key pair, and its public half as a certificate has it."""

    kind: str
    private: Any
    public: bytes

    @property
    def family(self) -> str:
        """RSA, EC, DSA or the one Edwards curve."""
        return "RSA" if self.kind in _RSA_BITS else "EC" if self.kind in CURVES else self.kind


@cache
def key(kind: str, which: str = "") -> Key:
    """Return one key of a kind for each role, created only once, because creating RSA keys is slow."""
    if kind in _PSS_KINDS:
        private = key("RSA-2048", which).private
        restrictions = _PSS_KINDS[kind]()
        return Key(kind, private, _with_algorithm(private, sequence(oid(_PSS_KIND), restrictions)))
    if kind == "RSA-3072" and which:
        return key("RSA-2048", which)
    if kind in _RSA_BITS:
        private = rsa.generate_private_key(65537, _RSA_BITS[kind])
    elif kind in CURVES:
        private = ec.generate_private_key(CURVES[kind])
        if kind == "P-256, explicit":
            return Key(kind, private, _with_algorithm(private, sequence(oid(_EC_KIND), _explicit_p256())))
    elif kind in _EDWARDS:
        private = _EDWARDS[kind][0]()
    else:
        private = dsa.generate_private_key(1024)
    return Key(kind, private, _public(private))


def sign(signer: Key, digest: str, scheme: str, tbs: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    """Sign a certificate: the algorithm (AlgorithmIdentifier), and the signature.

    Args:
        digest: of DIGESTS; one that the key has no name for is SHA-256.
        scheme: of SCHEMES, for RSA.
        tbs: what is signed, by the algorithm that the signed part is to name.
    """
    if signer.kind in _EDWARDS:
        algorithm = sequence(oid(_EDWARDS[signer.kind][1]))
        return algorithm, signer.private.sign(tbs(algorithm))
    if signer.family == "RSA" and (scheme == "PSS" or scheme.startswith("PSS,") or _is_for_pss(signer, scheme)):
        return _sign_by_pss(signer, digest, scheme, tbs)
    if signer.family not in DIGESTS[digest][2]:
        digest = "SHA-256"
    hasher, _, names = DIGESTS[digest]
    algorithm = sequence(oid(names[signer.family]), NULL if signer.family == "RSA" else b"")
    if signer.family == "RSA":
        return algorithm, signer.private.sign(tbs(algorithm), padding.PKCS1v15(), hasher)
    chosen = ec.ECDSA(hasher) if signer.family == "EC" else hasher
    return algorithm, signer.private.sign(tbs(algorithm), chosen)


def _is_for_pss(signer: Key, scheme: str) -> bool:
    return scheme == "own" and signer.kind.startswith("RSA-PSS")


def _sign_by_pss(signer: Key, digest: str, scheme: str, tbs: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    size = DIGESTS[digest][0].digest_size
    longest = signer.private.key_size // 8 - size - 2
    mask, salt = digest, min(size, longest)
    if scheme.startswith("PSS, defaults"):
        digest, mask, salt = "SHA-1", "SHA-1", 20
    elif scheme == "PSS, salt of 20":
        salt = 20
    elif scheme == "PSS, longest salt":
        salt = longest
    elif scheme == "PSS, other mask":
        mask = "SHA-1" if digest != "SHA-1" else "SHA-256"
    elif scheme == "PSS, mask by SHA-256":
        mask = "SHA-256"
    trailer = {"PSS, trailer field 1": 1, "PSS, trailer field 2": 2}.get(scheme)
    null = b"" if scheme == "PSS, without NULL" else NULL
    parameters = _pss_parameters(digest, mask, salt, trailer, defaults=scheme == "PSS, defaults written", null=null)
    algorithm = sequence(oid(_PSS_KIND), b"" if scheme == "PSS, no parameters" else parameters)
    hasher, masker = DIGESTS[digest][0], DIGESTS[mask][0]
    padded = padding.PSS(padding.MGF1(masker), salt)
    return algorithm, signer.private.sign(tbs(algorithm), padded, hasher)


def _pss_parameters(
    digest: str, mask: str, salt: int, trailer: int | None = None, *, defaults: bool = False, null: bytes = NULL
) -> bytes:
    """RSASSA-PSS-params (RFC 4055 section 3.1), where DER leaves out what is a default."""
    hashed, masked = (sequence(oid(DIGESTS[each][1]), null) for each in (digest, mask))
    fields = [
        explicit(0, hashed) if defaults or digest != "SHA-1" else b"",
        explicit(1, sequence(oid(_MGF1), masked)) if defaults or mask != "SHA-1" else b"",
        explicit(2, integer(salt)) if defaults or salt != 20 else b"",
        b"" if trailer is None else explicit(3, integer(trailer)),
    ]
    return sequence(*fields)


def stated(algorithm: bytes, how: str) -> bytes:
    """Return the algorithm as a certificate states it that is wrong in this way."""
    name, *parameters = elements(algorithm)
    if how == "another digest":
        families = (names.get(family) for _, _, names in DIGESTS.values() for family in ("RSA", "EC", "DSA"))
        others = [oid(each) for each in families if each and oid(each)[:-1] == name[:-1] and oid(each) != name]
        return sequence(others[0] if others else oid("1.3.101.113"), *parameters)
    if how == "another key's":
        ours = oid(DIGESTS["SHA-256"][2]["EC"])
        return sequence(ours) if name != ours else sequence(oid(DIGESTS["SHA-256"][2]["RSA"]), NULL)
    if how == "unknown":
        return sequence(oid("1.3.6.1.4.1.99999.7"), *parameters)
    if how == "without parameters":
        return sequence(name)
    if how == "with NULL":
        return sequence(name, NULL)
    if how == "with parameters":
        return sequence(name, integer(5))
    return algorithm


def wrong(signer: Key, value: bytes, how: str) -> bytes:
    """Return a signature that is changed in this way; unchanged if the way does not apply to this kind of key."""
    match how:
        case "one bit":
            return value[:-1] + bytes([value[-1] ^ 1])
        case "a byte more":
            return value + b"\0"
        case "a zero before":
            return b"\0" + value
        case "a byte less":
            return value[:-1]
        case "empty":
            return b""
        case "other representative" if signer.family == "RSA":
            number: int = int.from_bytes(value, "big") + signer.private.private_numbers().public_numbers.n
            return number.to_bytes((number.bit_length() + 7) // 8, "big")
        case "other representative" if signer.kind in _EDWARDS:
            half = 32 if signer.kind == "Ed25519" else 57
            scalar = int.from_bytes(value[half:], "little") + _EDWARDS[signer.kind][2]
            return value[:half] + scalar.to_bytes(half, "little")
        case "other representative" | "negative" | "padded numbers" | "the other root" if signer.kind not in _EDWARDS:
            return value if signer.family == "RSA" else _changed_pair(signer, value, how)
    return value


def _changed_pair(signer: Key, value: bytes, how: str) -> bytes:
    first, second = decode_dss_signature(value)
    if how == "padded numbers":
        return sequence(*(sequence(b"\0" + each[2:], tag=0x02) for each in elements(value)))
    if how == "negative":
        return sequence(integer(first), integer(-second))
    if signer.family == "EC":
        order = CURVES[signer.kind].group_order
        # Both roots are valid signatures, because ECDSA is malleable.
        second = order - second if how == "the other root" else second + order
    return sequence(integer(first), integer(second))


def _public(private: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public: bytes = private.public_key().public_bytes(serialization.Encoding.DER, form)
    return public


def _with_algorithm(private: Any, algorithm: bytes) -> bytes:
    _, content = elements(_public(private))
    return sequence(algorithm, content)


def _explicit_p256() -> bytes:
    """The parameters of P-256, spelled out (SEC 1 appendix C.2)."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    a, b_bytes, x_bytes, y_bytes = (each.to_bytes(32, "big") for each in (prime - 3, b, x, y))
    field = sequence(oid("1.2.840.10045.1.1"), integer(prime))
    curve = sequence(octets(a), octets(b_bytes))
    return sequence(
        integer(1), field, curve, octets(b"\4" + x_bytes + y_bytes), integer(CURVES["P-256"].group_order), integer(1)
    )

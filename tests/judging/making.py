"""Makes the CA and the proof of a recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from cryptography.hazmat.primitives import serialization

from tests.crafting import root
from tests.encodings import ENCODINGS, as_pem
from tests.forging import elements
from tests.judging.der import NULL, bits, explicit, integer, octets, oid, sequence
from tests.judging.extensions import (
    CA_EXTENSIONS,
    KEY_IDENTIFIERS,
    PROOF_EXTENSIONS,
    Issuer,
    key_identifier,
    subject_key_identifier,
)
from tests.judging.keys import Key, key, sign, stated, wrong
from tests.judging.names import CA_NAMES, ISSUERS, PARENT, SUBJECTS, Name, encode_name
from tests.judging.recipes import Recipe

__all__ = ["Submission", "make"]


@dataclass(frozen=True)
class Submission:
    """The input of the service: a CA, and a proof for the code that the service generated.

    Attributes:
        sent: the proof, as a client writes it into the request.
        now: when it is judged.
        is_signed: by the CA's key, with nothing changed afterwards.
    """

    ca: bytes
    proof: bytes
    sent: str
    code: str
    now: datetime
    is_signed: bool


def make(recipe: Recipe, chance: Random) -> Submission:
    """Return a submission by the recipe. Its keys and signatures are new each time."""
    code = f"{chance.getrandbits(192):048X}"
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(29 * 365 * 86400))
    signing, another = key(recipe.ca_key), key(recipe.ca_key, "another")
    ca_name = SUBJECTS[recipe.subject](code) if recipe.signer == "the CA itself" else CA_NAMES[recipe.ca_name]
    above = ca_name if recipe.is_root else PARENT
    ca_serial = _serial(recipe.ca_serial, chance)
    ca, _ = _certificate(
        _tbs(
            version=recipe.ca_version,
            serial=ca_serial,
            issuer=above,
            validity=_validity("today", now),
            subject=ca_name,
            public=signing.public,
            extensions=() if recipe.ca_version == "1" else _ca_extensions(recipe, signing),
        ),
        signing if recipe.is_root else another,
        recipe.digest,
    )
    own = key("P-256", "proof") if recipe.key in ("the CA's", "unknown", "broken") else key(recipe.key, "proof")
    subject = SUBJECTS[recipe.subject](code)
    signer, issuer = signing, ISSUERS[recipe.issuer](ca_name)
    match recipe.signer:
        case "another":
            signer = another
        case "parent":
            signer, issuer = another, PARENT
        case "itself":
            signer, issuer = own, subject
    proof, is_untouched = (ca, True) if recipe.signer == "the CA itself" else _certificate(
        _tbs(
            version=recipe.version,
            serial=_serial(recipe.serial, chance),
            issuer=issuer,
            validity=_validity(recipe.dates, now),
            subject=subject,
            public=_public(recipe.key, own, signing),
            unique_ids=_UNIQUE_IDS[recipe.unique_id],
            extensions=(
                *KEY_IDENTIFIERS[recipe.key_identifier](Issuer(key_identifier(signing.public), above, ca_serial)),
                *PROOF_EXTENSIONS[recipe.extensions],
            ),
        ),
        signer,
        recipe.digest,
        recipe,
    )  # fmt: skip
    proof = _FORMS[recipe.form](proof)
    is_signed = is_untouched and signer is signing
    return Submission(ca, proof, _SENT[recipe.encoding](proof), code, now, is_signed)


_UNIQUE_IDS = {"absent": b"", "issuer's": b"\x81\x02\0\x01", "both": b"\x81\x02\0\x01\x82\x02\0\x02"}
_VERSIONS = {"1": b"", "1, written": explicit(0, integer(0))}


def _tbs(
    *,
    version: str,
    serial: bytes,
    issuer: Name,
    validity: bytes,
    subject: Name,
    public: bytes,
    extensions: tuple[bytes, ...],
    unique_ids: bytes = b"",
) -> Callable[[bytes], bytes]:
    """Return the signed part of a certificate (RFC 5280 section 4.1), which names its algorithm."""
    number = _VERSIONS[version] if version in _VERSIONS else explicit(0, integer(int(version) - 1))
    last = explicit(3, sequence(*extensions)) if extensions else b""

    def build(algorithm: bytes) -> bytes:
        names = encode_name(issuer), encode_name(subject)
        return sequence(number, serial, algorithm, names[0], validity, names[1], public, unique_ids, last)

    return build


def _certificate(
    tbs: Callable[[bytes], bytes], signer: Key, digest: str, recipe: Recipe | None = None
) -> tuple[bytes, bool]:
    """Return a certificate, and whether the signer's signature is valid: nothing was changed afterwards, and the algorithm is
    the stated one."""
    recipe = recipe or Recipe()
    how, _, where = recipe.stated.rpartition(", ")
    inside, outside = (how if where in (each, "twice") else "right" for each in ("inside", "outside"))

    def signed_part(algorithm: bytes) -> bytes:
        return tbs(stated(algorithm, inside))

    algorithm, right = sign(signer, digest, recipe.scheme, signed_part)
    part, value = signed_part(algorithm), wrong(signer, right, recipe.signature)
    if recipe.signature == "signed part changed":
        part = part[:-1] + bytes([part[-1] ^ 1])
    made = sequence(part, stated(algorithm, outside), bits(value, unused=recipe.signature == "unused bits"))
    # Both roots are valid signatures.
    good = value if recipe.signature == "the other root" else right
    return made, made == sequence(tbs(algorithm), algorithm, bits(good))


def _ca_extensions(recipe: Recipe, signing: Key) -> tuple[bytes, ...]:
    identifier = key_identifier(signing.public)
    identifiers = {
        "right": (subject_key_identifier(identifier),),
        "absent": (),
        "other": (subject_key_identifier(b"\x01" * 20),),
        "twice": (subject_key_identifier(identifier), subject_key_identifier(b"\x01" * 20)),
    }[recipe.ca_key_identifier]
    return (*identifiers, *CA_EXTENSIONS[recipe.ca_extensions])


def _public(kind: str, own: Key, signing: Key) -> bytes:
    match kind:
        case "the CA's":
            return signing.public
        case "unknown":
            return sequence(sequence(oid("1.3.6.1.4.1.99999.8")), bits(b"\x01"))
        case "broken":  # a point that is not on the curve
            form = serialization.PublicFormat.UncompressedPoint
            point = own.private.public_key().public_bytes(serialization.Encoding.X962, form)
            return sequence(elements(own.public)[0], bits(point[:-1] + bytes([point[-1] ^ 1])))
    return own.public


def _serial(how: str, chance: Random) -> bytes:
    match how:
        case "zero":
            return integer(0)
        case "negative":
            return integer(-chance.randrange(1, 1 << 64))
        case "of 21 bytes":
            return integer(chance.randrange(1 << 160, 1 << 166))
        case "with a zero before":
            return sequence(b"\0\x01", tag=0x02)
        case "of no bytes":
            return sequence(tag=0x02)
    return integer(chance.randrange(1, 1 << 158))


def _utc(moment: datetime, form: str = "%y%m%d%H%M%SZ") -> bytes:
    return sequence(moment.strftime(form).encode(), tag=0x17)


def _generalized(moment: datetime, form: str = "%Y%m%d%H%M%SZ") -> bytes:
    return sequence(moment.strftime(form).encode(), tag=0x18)


def _validity(how: str, now: datetime) -> bytes:
    second, day = timedelta(seconds=1), timedelta(days=1)
    begin, end = now - day, now + day
    begins, ends = {
        "today": (begin, end),
        "ends now": (begin, now),
        "ended a second ago": (begin, now - second),
        "begins now": (now, end),
        "begins in a second": (now + second, end),
        "expired": (begin - day, begin),
        "future": (end, end + day),
        "backwards": (end, begin),
        "a moment": (now, now),
        "from 1950 to 2049": (datetime(1950, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
    }.get(how, (begin, end))
    written = {
        "GeneralizedTime": (_generalized(begin), _generalized(end)),
        "to 9999": (_utc(begin), sequence(b"99991231235959Z", tag=0x18)),
        "from year 0": (sequence(b"00000101000000Z", tag=0x18), _utc(end)),
        "UTCTime without seconds": (_utc(begin, "%y%m%d%H%MZ"), _utc(end, "%y%m%d%H%MZ")),
        "UTCTime with an offset": (_utc(begin, "%y%m%d%H%M%S+0000"), _utc(end, "%y%m%d%H%M%S+0000")),
        "GeneralizedTime with a fraction": (
            _generalized(begin, "%Y%m%d%H%M%S.5Z"),
            _generalized(end, "%Y%m%d%H%M%S.5Z"),
        ),
        "GeneralizedTime without Z": (_generalized(begin, "%Y%m%d%H%M%S"), _generalized(end, "%Y%m%d%H%M%S")),
        "30 February": (sequence(b"200230000000Z", tag=0x17), _utc(end)),
        "no digits": (sequence(b"2O0101000000Z", tag=0x17), _utc(end)),
        "empty": (sequence(tag=0x17), _utc(end)),
    }
    return sequence(*written.get(how, (_utc(begins), _utc(ends))))


def _with_header(header: Callable[[int], bytes], after: bytes = b"") -> Callable[[bytes], bytes]:
    def change(der: bytes) -> bytes:
        content = b"".join(elements(der))
        return header(len(content)) + content + after

    return change


_FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda der: der,
    "a byte after": lambda der: der + b"\0",
    "a byte inside": lambda der: sequence(*elements(der), b"\0"),
    "cut off": lambda der: der[:-1],
    "indefinite length": _with_header(lambda _: b"\x30\x80", b"\0\0"),
    "long length": _with_header(lambda size: b"\x30\x84" + size.to_bytes(4, "big")),
    "no sequence": _with_header(lambda size: b"\x31\x82" + size.to_bytes(2, "big")),
    "a null more": lambda der: sequence(*elements(der), NULL),
    "signature is octets": lambda der: sequence(*elements(der)[:2], octets(elements(der)[2][3:])),
}
_SENT: dict[str, Callable[[bytes], str]] = {
    **ENCODINGS,
    "PEM with text around": lambda der: f"A proof:\n{as_pem(der)}and that is all.\n",
    "PEM and another": lambda der: as_pem(der) + root("Another").pem,
}

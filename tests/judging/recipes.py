"""The recipe of a generated proof: it is right in everything except a few things that are chosen at random."""

from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

from tests.judging import extensions, keys, names

__all__ = ["OPTIONS", "Recipe", "draw"]


@dataclass(frozen=True)
class Recipe:
    """A CA that is uploaded, and a proof; by default, the proof is right."""

    # The CA.
    ca_key: str = "P-256"
    ca_name: str = "plain"
    ca_extensions: str = "CA"
    ca_key_identifier: str = "right"
    ca_version: str = "3"
    ca_serial: str = "random"
    is_root: bool = True
    # What the proof says.
    subject: str = "the code"
    issuer: str = "same"
    dates: str = "today"
    key: str = "P-256"
    key_identifier: str = "absent"
    extensions: str = "none"
    version: str = "3"
    serial: str = "random"
    unique_id: str = "absent"
    # How it is signed.
    signer: str = "the CA"
    digest: str = "SHA-256"
    scheme: str = "own"
    stated: str = "right"
    signature: str = "right"
    # How it is sent.
    form: str = "plain"
    encoding: str = "base64 of PEM"

    def __str__(self) -> str:
        """Return the differences from the right proof."""
        right = Recipe()
        changed = {each.name: getattr(self, each.name) for each in fields(self)}
        return (
            ", ".join(f"{name}={value!r}" for name, value in changed.items() if value != getattr(right, name))
            or "right"
        )


_STATED = ("another digest", "another key's", "unknown", "without parameters", "with NULL", "with parameters")
_SERIALS = ("random", "zero", "negative", "of 21 bytes", "with a zero before", "of no bytes")
OPTIONS: dict[str, tuple[Any, ...]] = {
    "ca_key": keys.KINDS,
    "ca_name": tuple(names.CA_NAMES),
    "ca_extensions": tuple(extensions.CA_EXTENSIONS),
    "ca_key_identifier": ("right", "absent", "other", "twice"),
    "ca_version": ("3", "1"),
    "ca_serial": _SERIALS,
    "is_root": (True, False),
    "subject": tuple(names.SUBJECTS),
    "issuer": tuple(names.ISSUERS),
    "dates": (
        "today", "ends now", "ended a second ago", "begins now", "begins in a second", "expired", "future", "backwards",
        "a moment", "UTCTime", "GeneralizedTime", "from 1950 to 2049", "to 9999", "from year 0", "UTCTime without seconds",
        "UTCTime with an offset", "GeneralizedTime with a fraction", "GeneralizedTime without Z", "30 February",
        "no digits", "empty",
    ),
    "key": ("P-256", "RSA-2048", "P-256, explicit", "Ed25519", "Ed448", "RSA-PSS", "DSA", "the CA's", "unknown", "broken"),
    "key_identifier": tuple(extensions.KEY_IDENTIFIERS),
    "extensions": tuple(extensions.PROOF_EXTENSIONS),
    "version": ("3", "2", "1", "1, written", "4", "-1"),
    "serial": _SERIALS,
    "unique_id": ("absent", "issuer's", "both"),
    "signer": ("the CA", "another", "parent", "itself", "the CA itself"),
    "digest": tuple(keys.DIGESTS),
    "scheme": keys.SCHEMES,
    "stated": tuple(f"{how}, {where}" for how in _STATED for where in ("inside", "outside", "twice")),
    "signature": (
        "right", "one bit", "a byte more", "a zero before", "a byte less", "empty", "other representative", "negative",
        "padded numbers", "the other root", "unused bits", "signed part changed",
    ),
    "form": (
        "plain", "a byte after", "a byte inside", "cut off", "indefinite length", "long length", "no sequence",
        "a null more", "signature is octets",
    ),
    "encoding": (
        "base64 of PEM", "base64 of DER", "base64 of PEM with CRLF", "base64 of DER, in base64 again", "PEM",
        "PEM with text around", "PEM and another",
    ),
}  # fmt: skip
# Ways of making a right proof, which don't change its content; each is chosen for half of the proofs.
_BACKGROUND = ("ca_key", "ca_name", "is_root", "digest", "encoding")
_CHANGES = [(name, value) for name, values in OPTIONS.items() for value in values]


def draw(chance: Random) -> Recipe:
    """Return a recipe with up to three things changed: if everything were random, no proof would ever be valid."""
    background = {name: chance.choice(OPTIONS[name]) for name in _BACKGROUND if chance.random() < 0.5}
    changes = dict(chance.sample(_CHANGES, chance.choice((0, 1, 1, 1, 2, 2, 3))))
    return replace(Recipe(), **{**background, **changes})

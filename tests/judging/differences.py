"""The differences between the local DPS and OpenSSL that are known, as CONFORMANCE.md lists them with their reasons."""

import re
from collections.abc import Callable, Mapping

from tests.judging.keys import CURVES
from tests.judging.recipes import Recipe
from tests.judging.verdicts import OpenSslVerdict, Verdict

__all__ = ["CHAINS", "PROOFS", "chain_difference", "proof_difference"]

# Errors of `openssl verify` that the local DPS accepts, by OpenSSL's number.
_ACCEPTED_ERRORS = {
    34: "proof: critical extension",
    40: "proof: proxy certificate",
    47: "proof: name constraints of the CA",
    79: "proof: issuer that is not a CA",
}
_SHA3 = "proof: ECDSA with SHA-3"
_ITSELF = "proof: the uploaded certificate itself"

Applies = Callable[[Recipe], bool]
# Proofs that the local DPS can't read, and OpenSSL can.
_UNREADABLE: Mapping[str, Applies] = {
    "proof: not in DER": lambda recipe: (
        recipe.form in ("a byte after", "indefinite length", "long length")
        or recipe.key_identifier == "a byte after"
        or recipe.extensions == "unknown, FALSE written"
        or recipe.version == "1, written"
        or recipe.scheme == "PSS, defaults written"
    ),
    "proof: names": lambda recipe: (
        recipe.ca_name in ("T61", "the same twice in one")
        or (recipe.ca_name == "two that differ in case in one" and "case" in recipe.issuer)
        or recipe.issuer in ("a part twice", "an empty one more", "a tab for a space", "a vertical tab and a form feed")
        or recipe.issuer in ("as PrintableString", "as T61String", "as IA5String")
        or recipe.subject in ("with an empty one", "as T61String")
    ),
    "proof: version": lambda recipe: recipe.version in ("2", "4", "-1"),
    "proof: form of dates": lambda recipe: (
        recipe.dates
        in ("from year 0", "UTCTime without seconds", "UTCTime with an offset", "GeneralizedTime with a fraction")
    ),
    "proof: parameters of an algorithm": lambda recipe: recipe.stated in ("with NULL, twice", "with parameters, twice"),
    "proof: extensions against the rules": lambda recipe: (
        recipe.extensions in ("unknown, twice", "a path length without CA")
        or recipe.key_identifier in ("issuer alone", "wrong issuer alone", "serial alone")
    ),
}
# Proofs of which the local DPS says that the CA's key did not sign them, and OpenSSL that it did.
_NOT_SIGNED: Mapping[str, Applies] = {
    "proof: DSA": lambda recipe: recipe.ca_key == "DSA",
    "proof: weak or rare digest": lambda recipe: recipe.digest in ("MD5", "SHA-1", "SHA-512/256"),
}
PROOFS = (*_ACCEPTED_ERRORS.values(), _SHA3, _ITSELF, *_UNREADABLE, *_NOT_SIGNED)

# Critical extensions for which a chain is refused, by their OID.
_CRITICAL = {
    "2.5.29.33": "chain: critical policy mappings",
    "2.5.29.36": "chain: critical policy constraints",
    "2.5.29.54": "chain: critical inhibition of any policy",
}
_DSA = "chain: DSA"
CHAINS = (*_CRITICAL.values(), _DSA)


def proof_difference(recipe: Recipe, is_signed: bool, dps: Verdict, openssl: OpenSslVerdict) -> str | None:
    """The name of the known difference that this is; None if it is not known.

    Args:
        is_signed: whether the CA signed the proof as it is: OpenSSL stops at some errors before it comes to that.
    """
    if not dps.accepted:
        if recipe.signer == "the CA itself":
            return _ITSELF
        known = _UNREADABLE if dps.is_unreadable else _NOT_SIGNED
        return next((name for name, applies in known.items() if applies(recipe)), None)
    if not (is_signed and openssl.errors and openssl.is_code):
        return None
    if openssl.errors == {20} and recipe.digest == "SHA3-256" and recipe.ca_key in CURVES:
        return _SHA3
    return _ACCEPTED_ERRORS[min(openssl.errors)] if openssl.errors <= set(_ACCEPTED_ERRORS) else None


def chain_difference(is_signed_with_dsa: bool, dps: Verdict) -> str | None:
    """The name of the known difference that makes the local DPS refuse a chain; None if it is not known."""
    if is_signed_with_dsa:
        return _DSA
    refused = re.search(r"a critical extension that this DPS does not process, ([\d.]+)\.$", dps.why)
    return _CRITICAL.get(refused[1]) if refused else None

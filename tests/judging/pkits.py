"""The chains of NIST's Public Key Interoperability Test Suite, as PyPI's cryptography_vectors has them.

The suite says in a document which certificates make up each path; here they are found again by their names.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509

from helpers.local_dps.x509.chain import find_flaw, find_paths
from tests.encodings import as_pem
from tests.forging import elements
from tests.judging.der import oid, sequence
from tests.judging.differences import chain_difference
from tests.judging.verdicts import Verdict
from tests.openssl import verify_pem

__all__ = ["Chain", "JudgedChain", "chains", "judge", "local_dps", "openssl"]

_NOW = datetime(2011, 4, 15, tzinfo=UTC)  # a time at which nearly all of them are valid
_VECTORS = Path(__file__).resolve().parents[2] / "build" / "vectors"
_FOLDER = "cryptography_vectors/x509/PKITS_data/certs/"
_ANCHOR = "TrustAnchorRootCertificate"
_DSA_WITH_SHA1 = oid("1.2.840.10040.4.3")


@dataclass(frozen=True)
class Chain:
    """An end certificate, and the possible certificates between it and the anchor; all in DER."""

    name: str
    end: bytes
    between: tuple[bytes, ...]
    anchor: bytes


def chains() -> list[Chain]:
    """One for each end certificate of the suite, in the order of their names.

    Raises:
        FileNotFoundError: the vectors are not there.
    """
    wheel = next(_VECTORS.glob("cryptography_vectors-*.whl"), None)
    if wheel is None:
        raise FileNotFoundError(f"{_VECTORS} holds no wheel of cryptography_vectors. Run: make build/vectors/.ready")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(_FOLDER) and name.endswith(".crt")]
        certificates = {Path(name).stem: archive.read(name) for name in sorted(names)}
    anchor = certificates.pop(_ANCHOR)
    ends = {name: der for name, der in certificates.items() if name.endswith("EE")}
    above = [der for name, der in certificates.items() if name not in ends]
    return [Chain(name, end, tuple(_closure(end, above)), anchor) for name, end in ends.items()]


@cache
def _names(der: bytes) -> tuple[bytes, bytes]:
    """Issuer and subject, in lower case without spaces: this is only for finding candidates."""
    parts = [each for each in elements(elements(der)[0]) if each[:1] != b"\xa0"]
    return _loose(parts[2]), _loose(parts[4])


def _loose(name: bytes) -> bytes:
    """The values of a name in a form that leaves out types, case and spaces."""
    values = (elements(attribute)[1] for relative in elements(name) for attribute in elements(relative))
    return sequence(*(b"".join(value[2:].lower().split()) + b"\0" for value in values))


def _closure(end: bytes, above: list[bytes]) -> Iterator[bytes]:
    """Every CA certificate whose subject is the issuer of the end, or of one already found."""
    wanted, found = [_names(end)[0]], set()
    while wanted:
        name = wanted.pop()
        for der in above:
            issuer, subject = _names(der)
            if subject == name and der not in found:
                found.add(der)
                wanted.append(issuer)
                yield der


@dataclass(frozen=True)
class JudgedChain:
    """A chain, and both verdicts on it."""

    chain: Chain
    dps: Verdict
    openssl: Verdict

    @property
    def differs(self) -> bool:
        return self.dps.accepted != self.openssl.accepted

    @property
    def difference(self) -> str | None:
        """The name of the known difference; None if it is not known. Nothing may be accepted here alone."""
        return None if self.dps.accepted else chain_difference(_DSA_WITH_SHA1 in self.chain.end, self.dps)

    def __str__(self) -> str:
        return f"Chain {self.chain.name}\n  local DPS: {self.dps}\n  OpenSSL: {self.openssl}"


def judge(tested: Chain) -> JudgedChain:
    """Ask both."""
    return JudgedChain(tested, local_dps(tested), openssl(tested))


def local_dps(tested: Chain) -> Verdict:
    """Whether the device plane relies on a path to the anchor, as it does for a verified CA."""
    try:
        end, anchor, *between = (
            x509.load_der_x509_certificate(each) for each in (tested.end, tested.anchor, *tested.between)
        )
    except ValueError as error:
        return Verdict(False, f"can't be read: {error}", is_unreadable=True)
    flaws = []
    for path in find_paths(end, between, [anchor]):
        if anchor in path:
            reason = find_flaw(path[: path.index(anchor) + 1], _NOW)
            if reason is None:
                return Verdict(True)
            flaws.append(reason)
    return Verdict(False, next(iter(flaws), "no path to the anchor"))


def openssl(tested: Chain) -> Verdict:
    """Return whether OpenSSL accepts any of the paths for a TLS client. By itself, OpenSSL tries only one."""
    options = ("-partial_chain", "-purpose", "sslclient", "-attime", f"{_NOW.timestamp():.0f}")
    why = ""
    for path in _paths(tested):
        end, anchor, between = ("".join(map(as_pem, each)).encode() for each in ([tested.end], [tested.anchor], path))
        said = verify_pem(end, anchor, between, options=options)
        if said.accepted:
            return Verdict(True)
        why = said.why
    return Verdict(False, why)


def _paths(tested: Chain) -> Iterator[list[bytes]]:
    """The certificates between, in each order of names that leads to the anchor; all of them where none does."""
    top = _names(tested.anchor)[1]

    def climb(path: list[bytes]) -> Iterator[list[bytes]]:
        issuer = _names(path[-1])[0]
        if issuer == top:
            yield path[1:]
        for each in tested.between:
            if each not in path and _names(each)[1] == issuer:
                yield from climb([*path, each])

    found = list(climb([tested.end]))
    return iter(found or [list(tested.between)])

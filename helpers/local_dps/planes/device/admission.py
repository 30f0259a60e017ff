"""Who is let in: the enrollment that decides about a device, or why none does."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from cryptography import x509
from cryptography.x509.oid import NameOID

from ...errors import device as errors
from ...store import EnrollmentRow, ServiceRow, Store
from ...x509.chain import MAX_CHAIN_BYTES, chain_size, find_flaw, find_paths
from ..service.enrollment_kinds import GROUPS, INDIVIDUALS

__all__ = ["Admission"]

_MAX_CHAIN_PATHS = (
    200  # there is one, or a few where a CA is renewed or cross-signed; whoever has more made them on purpose
)


@dataclass(frozen=True)
class _Anchor:
    """A certificate for which an enrollment group vouches."""

    certificate: x509.Certificate
    group: EnrollmentRow


class Admission:
    """The rules of concepts-x509-attestation.md: an individual enrollment decides; else the group nearest the device."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def decide(
        self, service: ServiceRow, registration: str, chain: Sequence[x509.Certificate], now: datetime
    ) -> EnrollmentRow:
        """The enrollment through which the device comes, enabled or not.

        Args:
            chain: what the device sent in its handshake, its own certificate first.

        Raises:
            Refusal: it is not let in.
        """
        if not chain:
            raise errors.unauthorized(errors.NO_CERTIFICATE)
        if chain_size(chain) > MAX_CHAIN_BYTES:
            raise errors.invalid_certificate(
                f"The certificates that it sent are larger than {MAX_CHAIN_BYTES // 1024} KiB together."
            )
        leaf, *presented = chain
        _check_name(leaf, registration)
        individual = self._store.enrollments.get(service.id, INDIVIDUALS.collection, registration)
        if individual is not None:
            self._check_individual(service, individual, leaf, presented, now)
            return individual
        return self._nearest_group(service, leaf, presented, now)

    def _check_individual(
        self,
        service: ServiceRow,
        enrollment: EnrollmentRow,
        leaf: x509.Certificate,
        presented: Sequence[x509.Certificate],
        now: datetime,
    ) -> None:
        attestation = enrollment.document["attestation"]
        if attestation["type"] != "x509":
            raise errors.unauthorized(
                f"Its enrollment asks for {attestation['type']}, and the device sent a certificate."
            )
        own = attestation["x509"].get(INDIVIDUALS.certificates)
        if own is not None:
            if all(leaf != _kept(each["certificate"]) for each in own.values()):
                raise errors.invalid_certificate("It is not one of the certificates of the device's enrollment.")
            _check(find_flaw([leaf], now))
            return
        anchors = [_Anchor(each, enrollment) for each in self._certificates(service, enrollment)]
        self._climb(service, leaf, presented, anchors, now)

    def _nearest_group(
        self, service: ServiceRow, leaf: x509.Certificate, presented: Sequence[x509.Certificate], now: datetime
    ) -> EnrollmentRow:
        groups = self._store.enrollments.all(service.id, GROUPS.collection)
        anchors = [_Anchor(each, group) for group in groups for each in self._certificates(service, group)]
        return self._climb(service, leaf, presented, anchors, now)

    def _climb(
        self,
        service: ServiceRow,
        leaf: x509.Certificate,
        presented: Sequence[x509.Certificate],
        anchors: Sequence[_Anchor],
        now: datetime,
    ) -> EnrollmentRow:
        """Up from the device: the first anchor decides; it, or one above it, must be verified.

        What an enrollment brings along is not taken for sent: the device must send the chain up to a verified certificate.
        """
        verified = [
            x509.load_der_x509_certificate(row.der) for row in self._store.certificates.all(service.id) if row.verified
        ]
        if leaf in verified or any(anchor.certificate == leaf for anchor in anchors):
            raise errors.chain_does_not_match()
        paths = list(islice(find_paths(leaf, presented, verified), _MAX_CHAIN_PATHS))
        decided = [found for path in paths if (found := _anchored(path, anchors, verified))]
        if not decided:
            known = {each for path in paths for each in path}
            if known.isdisjoint(verified) or any(anchor.certificate in known for anchor in anchors):
                raise errors.ca_not_found()
            raise errors.chain_does_not_match()
        flaws = []
        for path, enrollment in decided:
            reason = find_flaw(path, now)
            if reason is None:
                return enrollment
            flaws.append(reason)
        raise errors.invalid_certificate(flaws[0])

    def _certificates(self, service: ServiceRow, enrollment: EnrollmentRow) -> Iterator[x509.Certificate]:
        """What an X.509 enrollment is bound to; a reference to a certificate that was deleted binds it to nothing."""
        said = enrollment.document["attestation"].get("x509", {})
        for each in said.get(GROUPS.certificates, {}).values():
            yield _kept(each["certificate"])
        for name in said.get("caReferences", {}).values():
            row = self._store.certificates.get(service.id, name) if name else None
            if row is not None:
                yield x509.load_der_x509_certificate(row.der)


def _anchored(
    path: Sequence[x509.Certificate], anchors: Sequence[_Anchor], verified: Sequence[x509.Certificate]
) -> tuple[Sequence[x509.Certificate], EnrollmentRow] | None:
    """The path up to what is verified, and the enrollment whose certificate comes first on it; that, or one above it, is."""
    for at, each in enumerate(path):
        anchor = next((anchor for anchor in anchors if anchor.certificate == each), None)
        if anchor is not None:
            above = next((higher for higher in range(at, len(path)) if path[higher] in verified), None)
            return None if above is None else (path[: above + 1], anchor.group)
    return None


def _check_name(leaf: x509.Certificate, registration: str) -> None:
    """The registration id is the certificate's common name, without case."""
    names = [str(name.value) for name in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    # ASCII alone: the Kelvin sign in lower case is a k.
    if [name.lower() for name in names if name.isascii()] != [registration.lower()] or len(names) != 1:
        raise errors.unauthorized(
            f"The registration id '{registration}' is not the common name of the device's certificate ({', '.join(names)})."
        )


def _check(reason: str | None) -> None:
    if reason is not None:
        raise errors.invalid_certificate(reason)


def _kept(certificate: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(certificate))

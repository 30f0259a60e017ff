"""The decision whether DPS accepts a device, and the enrollment that decides."""

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

_MAX_CHAIN_PATHS = 200  # usually one, or a few if a CA is renewed or cross-signed; a device with more may be hostile


@dataclass(frozen=True)
class _Anchor:
    """A certificate to which an enrollment is bound."""

    certificate: x509.Certificate
    group: EnrollmentRow


class Admission:
    """The rules of concepts-x509-attestation.md: an individual enrollment decides, else the group nearest to the device."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def decide(
        self, service: ServiceRow, registration: str, chain: Sequence[x509.Certificate], now: datetime
    ) -> EnrollmentRow:
        """Return the enrollment that decides about the device, enabled or disabled.

        Args:
            chain: the certificates that the device sent in its handshake, its own first.

        Raises:
            Refusal: DPS does not accept the device.
        """
        if not chain:
            raise errors.unauthorized(errors.NO_CERTIFICATE)
        if chain_size(chain) > MAX_CHAIN_BYTES:
            raise errors.invalid_certificate(
                f"The certificates that the device sent are larger than {MAX_CHAIN_BYTES // 1024} KiB in total."
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
                f"The device's enrollment requires {attestation['type']}, but the device sent a certificate."
            )
        own = attestation["x509"].get(INDIVIDUALS.certificates)
        if own is not None:
            if all(leaf != _stored_certificate(each["certificate"]) for each in own.values()):
                raise errors.invalid_certificate("The device's certificate is not one of those in its enrollment.")
            _require_no_flaw(find_flaw([leaf], now))
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
        """Return the enrollment of the first anchor above the device. The anchor, or a certificate above it, must be verified.

        Certificates in an enrollment don't complete the chain: the device must send it up to a verified certificate.
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
        """Yield the certificates to which an X.509 enrollment is bound. A reference to a deleted certificate yields nothing."""
        said = enrollment.document["attestation"].get("x509", {})
        for each in said.get(GROUPS.certificates, {}).values():
            yield _stored_certificate(each["certificate"])
        for name in said.get("caReferences", {}).values():
            row = self._store.certificates.get(service.id, name) if name else None
            if row is not None:
                yield x509.load_der_x509_certificate(row.der)


def _anchored(
    path: Sequence[x509.Certificate], anchors: Sequence[_Anchor], verified: Sequence[x509.Certificate]
) -> tuple[Sequence[x509.Certificate], EnrollmentRow] | None:
    """Return the path up to a verified certificate, and the enrollment of the first anchor on it.

    Return None if the path has no anchor, or no verified certificate at the anchor or above it.
    """
    for at, each in enumerate(path):
        anchor = next((anchor for anchor in anchors if anchor.certificate == each), None)
        if anchor is not None:
            above = next((higher for higher in range(at, len(path)) if path[higher] in verified), None)
            return None if above is None else (path[: above + 1], anchor.group)
    return None


def _check_name(leaf: x509.Certificate, registration: str) -> None:
    """Check that the registration id is the certificate's only common name, compared without case."""
    names = [str(name.value) for name in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    # ASCII only, because the Kelvin sign in lower case is a k.
    if [name.lower() for name in names if name.isascii()] != [registration.lower()] or len(names) != 1:
        raise errors.unauthorized(
            f"The registration id '{registration}' is not the common name of the device's certificate ({', '.join(names)})."
        )


def _require_no_flaw(reason: str | None) -> None:
    if reason is not None:
        raise errors.invalid_certificate(reason)


def _stored_certificate(certificate: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(certificate))

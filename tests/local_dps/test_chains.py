"""A table of chains: the verdicts of the local DPS, OpenSSL and the helpers' examiner on each, side by side.

Each test draws its chain, with each issuer to the left of the certificates that it signed. The test compares the drawing with
the certificates:

    Root VG --> [Intermediate] --> [device-1]

    [ ]  sent by the device, its own certificate first and those above it in order, unless the drawing says otherwise
    V U  uploaded to the service: verified, unverified
    G D  what an enrollment group is bound to: one that is enabled, one that is disabled
    I    what the device's individual enrollment is bound to

The rule is below it. "Microsoft" is Azure's article concepts-x509-attestation.md; an assumption is one of the local DPS's
(CONFORMANCE.md), where Azure's behavior is not publicly known. The three are asked different questions:

- the local DPS, whether it accepts the device, and why not;
- OpenSSL, whether it would take the chain for a TLS client's (RFC 5280) if it trusted what is verified, or the one
  certificate that an individual enrollment is bound to. It knows neither registration ids nor enrollments;
- the examiner, whether the chain leads to the CA that the enrollment is bound to, in the order that TLS asks for.
  It does not know what is verified.

So if the verdicts differ, they differ for one of these reasons, or the test says why.
"""

import inspect
import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from helpers.certificates import examine_chain
from tests import openssl
from tests.crafting import LIVES, Crafted, ca, craft, key, leaf, name, proof, respelled, usage
from tests.forging import corrupted, repeating_an_extension
from tests.local_dps.devices import DEVICE, INTERMEDIATE, ROOT, TWIN_ROOT, Device, upload, write_chain
from tests.local_dps.wire import LocalService

ASSIGNED, DISABLED = "assigned", "disabled"
INVALID = "401002 Invalid certificate."
NOT_FOUND = "401002 CA certificate not found."
NO_MATCH = "401002 Signing certificate info did not match chain elements"
UNAUTHORIZED = "401000 Unauthorized"
CODE = "0123456789ABCDEF" * 3
Some = Crafted | tuple[Crafted, ...]

LOWER = ca("Lower", 3, INTERMEDIATE)
SIBLING = ca("Intermediate", 5, ROOT)
OTHER = ca("Other", 6)
NEIGHBOUR = ca("Neighbour", 7)


@dataclass(frozen=True)
class Verdicts:
    """Of the local DPS: the registration's status, or the code and message of the refusal. None: nothing to judge."""

    dps: str
    openssl: bool | None
    examiner: bool | None


@dataclass(frozen=True)
class Chain:
    """The certificates that the device sends, and the service's certificates and enrollments."""

    sent: tuple[Crafted, ...]
    verified: tuple[Crafted, ...]
    unverified: tuple[Crafted, ...]
    group: tuple[Crafted, ...]
    disabled: tuple[Crafted, ...]
    individual: tuple[Crafted, ...]

    def check_against(self, drawing: str) -> None:
        """Check that the drawing shows the chain, so that it does not mislead the reader."""
        marked: dict[str, set[str]] = {mark: set() for mark in "[VUGDI"}
        edges = set()
        for line in drawing.splitlines():
            labels = []
            for node in line.split(" --> "):
                found = re.fullmatch(r"(\[?)([\w +.-]+?)(?: ([VUGDI]+))?\]?(?: \(.+\))?", node.strip())
                assert found, f"not understood: {node}"
                labels.append(found[2])
                for mark in found[1] + (found[3] or ""):
                    marked[mark].add(found[2])
            edges |= {(above, below) for above, below in pairwise(labels) if above != below}
        groups = (self.sent, self.verified, self.unverified, self.group, self.disabled, self.individual)
        for mark, certificates in zip(marked, groups, strict=True):
            assert marked[mark] == {_label(each.certificate.subject) for each in certificates}, mark
        everything = {each.certificate for certificates in groups for each in certificates}
        links = {(_label(each.issuer), _label(each.subject)) for each in everything if each.issuer != each.subject}
        known = {below for _, below in links}
        assert {(above, below) for above, below in edges if below in known} == links


def _label(subject: x509.Name) -> str:
    names = [str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return " + ".join(names) or "nameless"


@dataclass
class Judge:
    """Gets all three verdicts on a chain, and checks that a refusal leaves nothing behind and affects no other device."""

    dps: LocalService
    folder: Path
    drawing: str
    undo: ExitStack
    _references: dict[x509.Certificate, str] = field(default_factory=dict)

    def __call__(
        self,
        *sent: Crafted,
        verified: Some = (),
        unverified: Some = (),
        group: Some = (),
        disabled: Some = (),
        individual: Some = (),
        registration: str = "device-1",
    ) -> Verdicts:
        chain = Chain(sent, *map(_several, (verified, unverified, group, disabled, individual)))
        chain.check_against(self.drawing)
        self._prepare(chain, registration)
        verdict = self._ask_dps(chain, registration)
        neighbour = Device(self.dps, "neighbour", write_chain(self.folder, leaf(NEIGHBOUR, "neighbour")))
        assert neighbour.outcome()["status"] == "assigned"
        return Verdicts(verdict, self._ask_openssl(chain), _ask_examiner(chain, registration))

    def _prepare(self, chain: Chain, registration: str) -> None:
        for certificate in (*chain.verified, *chain.unverified):
            called = f"ca-{len(self._references)}"
            upload(self.dps, called, certificate, certificate in chain.verified)
            self.undo.callback(self.dps.manage, "DELETE", f"/certificates/{called}", if_match="*")
            self._references[certificate.certificate] = called
        for group_id, bound, status in (("enabled", chain.group, "enabled"), ("disabled", chain.disabled, "disabled")):
            if bound:
                attestation = self._attestation(bound, "signingCertificates")
                body = {"enrollmentGroupId": group_id, "attestation": attestation, "provisioningStatus": status}
                self._put(f"/enrollmentGroups/{group_id}", body)
        if chain.individual:
            attestation = self._attestation(chain.individual, "clientCertificates")
            self._put(f"/enrollments/{registration}", {"registrationId": registration, "attestation": attestation})

    def _attestation(self, bound: tuple[Crafted, ...], member: str) -> dict[str, Any]:
        """Return an attestation that refers to an uploaded certificate, or contains one that is not uploaded."""
        slots = dict(zip(("primary", "secondary"), bound, strict=False))
        if all(each.certificate in self._references for each in bound):
            references = {slot: self._references[each.certificate] for slot, each in slots.items()}
            return {"type": "x509", "x509": {"caReferences": references}}
        return {"type": "x509", "x509": {member: {slot: {"certificate": each.pem} for slot, each in slots.items()}}}

    def _put(self, path: str, body: dict[str, Any]) -> None:
        reply = self.dps.serve("PUT", path, body)
        assert reply.status == 200, reply.content
        self.undo.callback(self.dps.serve, "DELETE", path, if_match="*")

    def _ask_dps(self, chain: Chain, registration: str) -> str:
        device = Device(self.dps, registration, write_chain(self.folder, *chain.sent) if chain.sent else ())
        reply = device.register()
        if reply.status == 202:
            self.undo.callback(self.dps.serve, "DELETE", f"/registrations/{registration}")
            return device.poll(reply)["status"]
        assert reply.status == 401, reply.content
        assert self.dps.serve("GET", f"/registrations/{registration}").status == 404
        return f"{reply.json['errorCode']} {reply.json['message']}"

    def _ask_openssl(self, chain: Chain) -> bool | None:
        if not chain.sent:
            return None
        enrolled = [each.certificate for each in chain.individual if each.certificate not in self._references]
        device, *between = (each.certificate for each in chain.sent)
        options = ("-partial_chain", "-purpose", "sslclient")
        return any(
            openssl.verify(device, trusted=each, untrusted=between, options=options).accepted
            for each in enrolled or [each.certificate for each in chain.verified]
        )


def _ask_examiner(chain: Chain, registration: str) -> bool | None:
    """Examine the chain with the CA of the deciding enrollment, or with either of its two CAs."""
    bound = chain.individual or chain.group or chain.disabled
    sent = [each.certificate for each in chain.sent]
    return any(examine_chain(sent, each.certificate, registration).passed for each in bound) if bound else None


def _several(given: Some) -> tuple[Crafted, ...]:
    return (given,) if isinstance(given, Crafted) else given


@pytest.fixture(scope="module")
def with_a_neighbour(shared_dps: LocalService) -> LocalService:
    """A service that accepts another device after each attempt."""
    upload(shared_dps, "neighbour", NEIGHBOUR)
    attestation = {"type": "x509", "x509": {"caReferences": {"primary": "neighbour"}}}
    shared_dps.put_group({"enrollmentGroupId": "neighbours", "attestation": attestation})
    return shared_dps


@pytest.fixture
def judge(with_a_neighbour: LocalService, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Judge]:
    drawing, _, rule = inspect.cleandoc(request.function.__doc__).partition("\n\n")
    assert rule
    before = with_a_neighbour.everything()
    with ExitStack() as undo:
        yield Judge(with_a_neighbour, tmp_path, drawing, undo)
    assert with_a_neighbour.everything() == before


# --- chains that lead where they should ---


def test_the_root_signed_the_device(judge: Judge) -> None:
    """Root VG --> [device-1]

    A group accepts the devices whose certificates its CA signed (Microsoft).
    """
    assert judge(leaf(ROOT), verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_the_group_is_bound_to_the_verified_intermediate(judge: Judge) -> None:
    """Root --> Intermediate VG --> [device-1]

    An intermediate may be verified itself (Microsoft); what the service has need not be sent.
    """
    assert judge(DEVICE, verified=INTERMEDIATE, group=INTERMEDIATE) == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_the_group_is_bound_to_the_root_and_the_intermediate_is_sent(judge: Judge) -> None:
    """Root VG --> [Intermediate] --> [device-1]

    The device sends every certificate between its own and the verified one (Microsoft).
    """
    assert judge(DEVICE, INTERMEDIATE, verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_the_verified_root_is_sent_too(judge: Judge) -> None:
    """[Root VG] --> [Intermediate] --> [device-1]

    The root may be left out (RFC 8446 section 4.4.2), but sending it does no harm.
    """
    verdicts = judge(DEVICE, INTERMEDIATE, ROOT, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_an_unknown_root_is_sent_too(judge: Judge) -> None:
    """[Root] --> [Intermediate VG] --> [device-1]

    A path ends at the first anchor; what is above it is of no account (RFC 5280 section 6.1).
    """
    verdicts = judge(DEVICE, INTERMEDIATE, ROOT, verified=INTERMEDIATE, group=INTERMEDIATE)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_the_group_is_bound_to_an_intermediate_below_the_verified_root(judge: Judge) -> None:
    """Root V --> [Intermediate G] --> [device-1]

    A group's CA need not be verified if the chain that the device sends continues from it to a verified one (Microsoft).
    """
    verdicts = judge(DEVICE, INTERMEDIATE, verified=ROOT, group=INTERMEDIATE)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_two_intermediates(judge: Judge) -> None:
    """Root VG --> [Intermediate] --> [Lower] --> [device-1]

    There may be any number of CAs between, as long as no path length forbids it (RFC 5280 section 4.2.1.9).
    """
    verdicts = judge(leaf(LOWER), LOWER, INTERMEDIATE, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_five_intermediates(judge: Judge) -> None:
    """Root VG --> [A] --> [B] --> [C] --> [D] --> [E] --> [device-1]

    The same, with the longest chain that is likely to occur.
    """
    line = [ROOT]
    for which, each in enumerate("ABCDE", 10):
        line.insert(0, ca(each, which, line[0]))
    verdicts = judge(leaf(line[0]), *line[:-1], verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_an_rsa_root_a_p_384_intermediate_and_a_p_256_device(judge: Judge) -> None:
    """Root VG (RSA) --> [Intermediate] (P-384) --> [device-1] (P-256)

    Each signature is checked with the algorithm of the key above it (RFC 5280 section 6.1.3 a 1), whatever is below.
    """
    root = ca("Root", 1, kind="RSA-2048")
    between = ca("Intermediate", 2, root, kind="P-384")
    verdicts = judge(leaf(between), between, verified=root, group=root)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_a_p_384_root_a_p_256_intermediate_and_an_rsa_device(judge: Judge) -> None:
    """Root VG (P-384) --> [Intermediate] (P-256) --> [device-1] (RSA)

    The same the other way round.
    """
    root = ca("Root", 1, kind="P-384")
    between = ca("Intermediate", 2, root)
    verdicts = judge(leaf(between, kind="RSA-2048"), between, verified=root, group=root)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


# --- what is sent: order, repetition, gaps ---


def test_a_chain_in_the_wrong_order(judge: Judge) -> None:
    """[Root VG] (2nd) --> [Intermediate] (3rd) --> [Lower] (4th) --> [device-1] (1st)

    Each certificate SHOULD certify the one before it, and implementations should be ready for any order (RFC 8446 section
    4.4.2; in TLS 1.2 it MUST: RFC 5246 section 7.4.2). The examiner reports it, because another service may be less tolerant.
    """
    verdicts = judge(leaf(LOWER), ROOT, INTERMEDIATE, LOWER, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=False)


def test_an_unrelated_certificate_in_the_chain(judge: Judge) -> None:
    """Root VG --> [Intermediate] --> [device-1]
    [Other] (sent between the two)

    A certificate that does not belong to the path is ignored (RFC 8446 section 4.4.2); the examiner wants it removed from the
    file.
    """
    verdicts = judge(DEVICE, OTHER, INTERMEDIATE, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=False)


def test_an_intermediate_that_is_sent_twice(judge: Judge) -> None:
    """Root VG --> [Intermediate] (twice) --> [device-1]

    The same: the second one certifies nothing, as it did not sign the first.
    """
    verdicts = judge(DEVICE, INTERMEDIATE, INTERMEDIATE, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=False)


def test_a_device_that_sends_its_own_certificate_twice(judge: Judge) -> None:
    """Root VG --> [Intermediate] --> [device-1] (twice)

    The same, as when a chain file is made of two files that both hold the device's certificate.
    """
    verdicts = judge(DEVICE, DEVICE, INTERMEDIATE, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=False)


def test_the_intermediate_is_missing(judge: Judge) -> None:
    """Root VG --> Intermediate --> [device-1]

    The device must send the chain up to a verified certificate, or authentication fails (Microsoft).
    """
    assert judge(DEVICE, verified=ROOT, group=ROOT) == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_the_intermediate_is_missing_though_the_group_is_bound_to_it(judge: Judge) -> None:
    """Root V --> Intermediate G --> [device-1]

    If only the root is verified, the device presents all certificates up to it, including the group's (Microsoft). That is all
    that the examiner misses: the chain does lead to the group's CA.
    """
    verdicts = judge(DEVICE, verified=ROOT, group=INTERMEDIATE)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=True)


def test_no_certificate(judge: Judge) -> None:
    """Root VG

    The server requests a certificate, the handshake continues without it, and the application refuses: *assumption* on the
    code.
    """
    assert judge(verified=ROOT, group=ROOT) == Verdicts(UNAUTHORIZED, openssl=None, examiner=False)


def test_many_cas_that_signed_each_other(judge: Judge) -> None:
    """[A] --> [B] --> [A] --> [C] --> [A] --> [D] --> [A] --> [E] --> [B] --> [C] --> [B]
    [B] --> [D] --> [B] --> [E] --> [C] --> [D] --> [C] --> [E] --> [D] --> [E] --> [A] --> [device-1]
    Root VG

    Paths that come to a name and key twice are left out (RFC 4158 section 2.2), so it ends, and none leads to the root.
    """
    five = [ca(each, which) for which, each in enumerate("ABCDE", 10)]
    many = [ca("ABCDE"[at], 10 + at, above) for at in range(5) for above in five if above is not five[at]]
    verdicts = judge(leaf(five[0]), *many, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_many_certificates_of_the_root(judge: Judge) -> None:
    """[Root] (thirty that have expired, all of the same key) --> [device-1]
    Root VG (renewed with the same key)

    There is a path of valid certificates, and one is enough (RFC 5280 section 6.1).
    """
    many = (ca("Root", 1, life=LIVES["expired"]) for _ in range(30))
    assert judge(leaf(ROOT), *many, verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_more_certificates_than_the_limit(judge: Judge) -> None:
    """Root VG --> [Intermediate] (30th) --> [device-1] (1st)
    [Other] (all others)

    A verifier needs limits, because the device chooses how many certificates to send: *assumption* on the number.
    """
    many = (ca("Other", 6) for _ in range(28))
    verdicts = judge(DEVICE, *many, INTERMEDIATE, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(NOT_FOUND, openssl=True, examiner=False)


# --- what the service knows ---


def test_the_groups_ca_is_not_verified(judge: Judge) -> None:
    """Root UG --> [device-1]

    Uploading a CA proves nothing: anyone may have the certificate. It counts only once it is verified (Microsoft).
    """
    verdicts = judge(leaf(ROOT), unverified=ROOT, group=ROOT)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=True)


def test_neither_the_intermediate_nor_the_root_is_verified(judge: Judge) -> None:
    """[Root U] --> [Intermediate UG] --> [device-1]

    The same with the whole chain sent: nothing that a device sends takes the place of a proof.
    """
    verdicts = judge(DEVICE, INTERMEDIATE, ROOT, unverified=(INTERMEDIATE, ROOT), group=INTERMEDIATE)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=True)


def test_the_ca_is_verified_and_there_is_no_group(judge: Judge) -> None:
    """Root V --> [device-1]

    Without an enrollment for any certificate of the chain the device is not provisioned (Microsoft).
    """
    assert judge(leaf(ROOT), verified=ROOT) == Verdicts(NO_MATCH, openssl=True, examiner=None)


def test_nothing_of_the_chain_is_known(judge: Judge) -> None:
    """[Root] --> [device-1]

    A self-signed root is only a claim (RFC 5280 section 6.1: trust is an input, not a finding).
    """
    assert judge(leaf(ROOT), ROOT) == Verdicts(NOT_FOUND, openssl=False, examiner=None)


def test_a_sibling_of_the_groups_intermediate(judge: Judge) -> None:
    """Root V --> [Intermediate] --> [device-1] (the same name, another key)
    Root V --> Intermediate G

    A group accepts what its own CA signed, not what the root above that CA signed elsewhere (Microsoft).
    """
    verdicts = judge(leaf(SIBLING), SIBLING, verified=ROOT, group=INTERMEDIATE)
    assert verdicts == Verdicts(NO_MATCH, openssl=True, examiner=False)


def test_the_group_nearest_the_device_is_disabled(judge: Judge) -> None:
    """Root VG --> [Intermediate D] --> [device-1]

    The first enrollment found on the way up decides; if it is disabled the device is not provisioned (Microsoft).
    """
    verdicts = judge(DEVICE, INTERMEDIATE, verified=ROOT, group=ROOT, disabled=INTERMEDIATE)
    assert verdicts == Verdicts(DISABLED, openssl=True, examiner=True)


def test_a_group_farther_from_the_device_is_disabled(judge: Judge) -> None:
    """Root VD --> [Intermediate G] --> [device-1]

    The same: the way up ends at the nearer group, which is enabled.
    """
    verdicts = judge(DEVICE, INTERMEDIATE, verified=ROOT, group=INTERMEDIATE, disabled=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


# --- names and signatures ---


def test_a_root_with_the_same_name_and_another_key(judge: Judge) -> None:
    """[Root] (the same name, another key) --> [device-1]
    Root VG

    The signature must be made with the issuer's key (RFC 5280 section 6.1.3 a 1); anyone can choose a name.
    """
    verdicts = judge(leaf(TWIN_ROOT), TWIN_ROOT, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_an_intermediate_with_the_same_name_and_another_key(judge: Judge) -> None:
    """Root --> Intermediate VG
    Root --> Intermediate (the same name, another key) --> [device-1]

    The same one step lower.
    """
    verdicts = judge(leaf(SIBLING), verified=INTERMEDIATE, group=INTERMEDIATE)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_a_self_signed_device(judge: Judge) -> None:
    """[device-1]
    Root VG

    A certificate that only its owner signed leads to no trust anchor (RFC 5280 section 6.1).
    """
    alone = craft(name("device-1"), key(which=8))
    assert judge(alone, verified=ROOT, group=ROOT) == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_a_certificate_that_was_altered(judge: Judge) -> None:
    """Root VG --> [device-1] (one bit of the signature turned over)

    The signature must hold (RFC 5280 section 6.1.3 a 1).
    """
    altered = replace(DEVICE, certificate=x509.load_der_x509_certificate(corrupted(leaf(ROOT).certificate)))
    assert judge(altered, verified=ROOT, group=ROOT) == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_the_roots_key_signed_in_another_name(judge: Judge) -> None:
    """Other --> [device-1] (so it says; the key was that of Root)
    Root VG

    The issuer named must be the subject of the certificate above (RFC 5280 section 6.1.3 a 4).
    """
    misnamed = leaf(ROOT, issuer_name=name("Other"))
    assert judge(misnamed, verified=ROOT, group=ROOT) == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_the_issuers_name_in_another_case(judge: Judge) -> None:
    """ROOT (it means Root) --> [device-1]
    Root VG

    Names are the same whatever the case and kind of their strings (RFC 5280 section 7.1). A CA writes its name in what it
    issues as it is written in its own certificate (section 4.1.2.6); the examiner asks for that.
    """
    shouted = leaf(ROOT, issuer_name=respelled(ROOT.certificate.subject, "upper case"))
    assert judge(shouted, verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=True, examiner=False)


def test_an_authority_key_identifier_that_names_another_key(judge: Judge) -> None:
    """Root VG --> [device-1] (it names the key of Other as its issuer's)

    The identifier says which of an issuer's keys signed (RFC 5280 section 4.2.1.1), so this is not the right certificate.
    """
    elsewhere = x509.AuthorityKeyIdentifier.from_issuer_public_key(OTHER.certificate.public_key())
    mistaken = leaf(ROOT, instead=(elsewhere,))
    assert judge(mistaken, verified=ROOT, group=ROOT) == Verdicts(NOT_FOUND, openssl=False, examiner=False)


# --- dates ---


def test_the_device_has_expired(judge: Judge) -> None:
    """Root VG --> [device-1] (expired)

    The current time must be within the dates of each certificate (RFC 5280 section 6.1.3 a 2); *assumption* on the code.
    """
    expired = leaf(ROOT, life=LIVES["expired"])
    assert judge(expired, verified=ROOT, group=ROOT) == Verdicts(INVALID, openssl=False, examiner=False)


def test_the_device_is_not_valid_yet(judge: Judge) -> None:
    """Root VG --> [device-1] (begins tomorrow)

    The same at the other end.
    """
    early = leaf(ROOT, life=LIVES["future"])
    assert judge(early, verified=ROOT, group=ROOT) == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_intermediate_has_expired(judge: Judge) -> None:
    """Root VG --> [Intermediate] (expired) --> [device-1]

    The same for each certificate of the path (RFC 5280 section 6.1.3 a 2).
    """
    expired = ca("Intermediate", 2, ROOT, life=LIVES["expired"])
    verdicts = judge(leaf(expired), expired, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_intermediate_is_not_valid_yet(judge: Judge) -> None:
    """Root VG --> [Intermediate] (begins tomorrow) --> [device-1]

    The same.
    """
    early = ca("Intermediate", 2, ROOT, life=LIVES["future"])
    verdicts = judge(leaf(early), early, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_the_verified_root_above_the_groups_intermediate_has_expired(judge: Judge) -> None:
    """Root V (expired) --> [Intermediate G] --> [device-1]

    RFC 5280 leaves the dates of an anchor to the relying party (section 6.1.1); OpenSSL judges them, and so does the local
    DPS: *assumption*. The examiner ends at the group's CA.
    """
    root = ca("Root", 1, life=LIVES["expired"])
    verdicts = judge(DEVICE, INTERMEDIATE, verified=root, group=INTERMEDIATE)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=True)


def test_a_root_above_the_verified_intermediate_has_expired(judge: Judge) -> None:
    """[Root] (expired) --> [Intermediate VG] --> [device-1]

    A path ends at the first anchor; what is above it is of no account (RFC 5280 section 6.1).
    """
    root = ca("Root", 1, life=LIVES["expired"])
    verdicts = judge(DEVICE, INTERMEDIATE, root, verified=INTERMEDIATE, group=INTERMEDIATE)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


# --- who may sign, and what for ---


def test_the_intermediate_is_not_a_ca(judge: Judge) -> None:
    """Root VG --> [Intermediate] (a device's certificate) --> [device-1]

    A certificate that signs others must say that it is a CA's (RFC 5280 section 6.1.4 k); otherwise a device could be a CA.
    """
    no_ca = craft(name("Intermediate"), key(which=2), issuer=ROOT)
    verdicts = judge(leaf(no_ca), no_ca, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_the_intermediate_lacks_basic_constraints(judge: Judge) -> None:
    """Root VG --> [Intermediate] (only its key usage says that it may sign) --> [device-1]

    The same: the certificate of a CA MUST have the extension (RFC 5280 section 4.2.1.9).
    """
    silent = ca("Intermediate", 2, ROOT, without=(x509.BasicConstraints,))
    verdicts = judge(leaf(silent), silent, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_the_root_lacks_basic_constraints(judge: Judge) -> None:
    """Root VG (only its key usage says that it may sign) --> [device-1]

    The same. OpenSSL makes do with the key usage, unless it is told to be strict, as an anchor is trusted for itself (RFC
    5280 section 6.1.1 d); the local DPS does not: *assumption*.
    """
    silent = ca("Root", 1, without=(x509.BasicConstraints,))
    assert judge(leaf(silent), verified=silent, group=silent) == Verdicts(INVALID, openssl=True, examiner=False)


def test_the_intermediates_key_usage_does_not_let_it_sign(judge: Judge) -> None:
    """Root VG --> [Intermediate] (a CA, without keyCertSign) --> [device-1]

    A key usage, if present, must allow signing certificates (RFC 5280 section 6.1.4 n). For the local DPS and for OpenSSL,
    such a certificate is not an issuer, so they find none.
    """
    mute = ca("Intermediate", 2, ROOT, instead=(usage("digital_signature", "crl_sign"),))
    verdicts = judge(leaf(mute), mute, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_the_root_allows_no_ca_below_it(judge: Judge) -> None:
    """Root VG (path length 0) --> [Intermediate] --> [device-1]

    A path length counts the CAs that may stand between the CA and the device (RFC 5280 section 4.2.1.9).
    """
    short = ca("Root", 1, instead=(x509.BasicConstraints(ca=True, path_length=0),))
    verdicts = judge(DEVICE, INTERMEDIATE, verified=short, group=short)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_the_root_allows_as_many_cas_below_it_as_there_are(judge: Judge) -> None:
    """Root VG (path length 1) --> [Intermediate] (path length 0) --> [device-1]

    The same: one is allowed, and one is there.
    """
    one = ca("Root", 1, instead=(x509.BasicConstraints(ca=True, path_length=1),))
    none = ca("Intermediate", 2, one, instead=(x509.BasicConstraints(ca=True, path_length=0),))
    verdicts = judge(leaf(none), none, verified=one, group=one)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_the_upper_of_two_intermediates_allows_no_ca_below_it(judge: Judge) -> None:
    """Root VG --> [Intermediate] (path length 0) --> [Lower] --> [device-1]

    The same for each CA of the path, not only for the root (RFC 5280 section 6.1.4 l and m).
    """
    upper = ca("Intermediate", 2, ROOT, instead=(x509.BasicConstraints(ca=True, path_length=0),))
    verdicts = judge(leaf(LOWER), LOWER, upper, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_a_device_certificate_without_any_extension(judge: Judge) -> None:
    """Root VG --> [device-1] (bare)

    Absent usages restrict nothing (RFC 5280 sections 4.2.1.3 and 4.2.1.12), and a device needs none.
    """
    bare = craft(name("device-1"), key(which=8), issuer=ROOT)
    assert judge(bare, verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_a_servers_certificate_as_a_devices(judge: Judge) -> None:
    """Root VG --> [device-1] (extended key usage: TLS server, nothing else)

    A certificate MUST be used for the purposes that it names, and for no other (RFC 5280 section 4.2.1.12).
    """
    server = leaf(ROOT, instead=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),))
    assert judge(server, verified=ROOT, group=ROOT) == Verdicts(INVALID, openssl=False, examiner=False)


def test_a_certificate_for_any_purpose(judge: Judge) -> None:
    """Root VG --> [device-1] (extended key usage: any)

    It restricts nothing, and applications MAY still ask for a purpose by its name (RFC 5280 section 4.2.1.12): OpenSSL and
    the examiner do, the local DPS does not: *assumption*.
    """
    anything = leaf(ROOT, instead=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),))
    assert judge(anything, verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=False, examiner=False)


def test_a_device_whose_key_usage_does_not_let_it_sign_a_handshake(judge: Judge) -> None:
    """Root VG --> [device-1] (key usage: keyEncipherment, nothing else)

    The certificate MUST allow its key to sign (RFC 5280 section 4.2.1.3: digitalSignature; RFC 5246 section 7.4.6).
    """
    mute = leaf(ROOT, instead=(usage("key_encipherment"),))
    assert judge(mute, verified=ROOT, group=ROOT) == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_intermediate_for_servers_only(judge: Judge) -> None:
    """Root VG --> [Intermediate] (extended key usage: TLS server, nothing else) --> [device-1]

    RFC 5280 does not say what the purposes of a CA mean; OpenSSL and Windows treat them as a limit for every certificate
    below.
    """
    servers = ca("Intermediate", 2, ROOT, instead=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),))
    verdicts = judge(leaf(servers), servers, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


# --- name constraints -------------------------------------------------------------------------------------------------


def limited(
    *permitted: x509.GeneralName, excluded: tuple[x509.GeneralName, ...] = (), critical: bool = True
) -> Crafted:
    """Return an intermediate that may issue certificates only for these names, or for all but the excluded ones."""
    constraints = x509.NameConstraints(permitted or None, excluded or None)
    kinds = (x509.BasicConstraints, x509.KeyUsage, *((x509.NameConstraints,) if critical else ()))
    return ca("Intermediate", 2, ROOT, instead=(constraints,), critical=kinds)


def in_contoso(organization: str, *alternative: x509.GeneralName) -> Callable[[Crafted], Crafted]:
    """Return a device of an organization, with additional names."""

    def issue(above: Crafted) -> Crafted:
        names = (x509.SubjectAlternativeName(alternative),) if alternative else ()
        plain = leaf(above, instead=names)
        extensions = [each.value for each in plain.certificate.extensions]
        return craft(
            name("device-1", organization=organization), plain.private_key, issuer=above, extensions=extensions
        )

    return issue


def mailing(address: str, *alternative: x509.GeneralName) -> Callable[[Crafted], Crafted]:
    """A device with a mailbox in its subject, and other names besides."""

    def issue(above: Crafted) -> Crafted:
        plain = in_contoso("C", *alternative)(above)
        mailbox = x509.NameAttribute(NameOID.EMAIL_ADDRESS, address, _ASN1Type.IA5String)
        extensions = [each.value for each in plain.certificate.extensions]
        subject = x509.Name([*plain.certificate.subject, mailbox])
        return craft(subject, plain.private_key, issuer=above, extensions=extensions)

    return issue


host, mailbox, place = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier
REGISTERED = x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))
CONTOSO = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso")]))
MAILBOX, ADDRESS = x509.RFC822Name("example.com"), x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
PLACE = x509.UniformResourceIdentifier(".example.com")
CONSTRAINED: dict[
    str, tuple[tuple[x509.GeneralName, ...], tuple[x509.GeneralName, ...], Callable[[Crafted], Crafted], bool]
] = {
    "another organization": ((CONTOSO,), (), in_contoso("Evil"), False),
    "the organization": ((CONTOSO,), (), in_contoso("contoso"), True),
    "no organization": ((CONTOSO,), (), leaf, False),
    "all but the organization, and it": ((), (CONTOSO,), in_contoso("Contoso"), False),
    "all but the organization": ((), (CONTOSO,), in_contoso("Fabrikam"), True),
    "hosts, and the device has none": ((host("example.com"),), (), leaf, True),
    "hosts, and one below": ((host("example.com"),), (), in_contoso("C", host("a.EXAMPLE.com")), True),
    "hosts, and another": ((host("example.com"),), (), in_contoso("C", host("badexample.com")), False),
    "hosts, and two of which one is another": (
        (host("example.com"),),
        (),
        in_contoso("C", host("example.com"), host("evil.com")),
        False,
    ),
    "no hosts there": ((), (host("example.com"),), in_contoso("C", host("example.com")), False),
    "hosts, and the common name is one": ((host("example.com"),), (), lambda above: leaf(above, "evil.org"), False),
    "hosts, and the common name is one below": (
        (host("example.com"),),
        (),
        lambda above: leaf(above, "a.example.com"),
        True,
    ),
    "mailboxes, and one there": ((MAILBOX,), (), in_contoso("C", x509.RFC822Name("a@example.com")), True),
    "mailboxes, and one elsewhere": ((MAILBOX,), (), in_contoso("C", x509.RFC822Name("a@b.example.com")), False),
    "addresses, and one of them": (
        (ADDRESS,),
        (),
        in_contoso("C", x509.IPAddress(ipaddress.ip_address("10.1.2.3"))),
        True,
    ),
    "addresses, and another": (
        (ADDRESS,),
        (),
        in_contoso("C", x509.IPAddress(ipaddress.ip_address("11.1.2.3"))),
        False,
    ),
    "addresses, and one of the other kind": (
        (ADDRESS,),
        (),
        in_contoso("C", x509.IPAddress(ipaddress.ip_address("::1"))),
        False,
    ),
    "places, and one below": (
        (PLACE,),
        (),
        in_contoso("C", x509.UniformResourceIdentifier("https://a.example.com/x")),
        True,
    ),
    "all but a mailbox, and something without a host": (
        (),
        (mailbox("a@example.com"),),
        in_contoso("C", mailbox("a")),
        False,
    ),
    "mailboxes, and another in the subject": ((MAILBOX,), (), mailing("a@evil.org"), False),
    "mailboxes, and one there in the subject": ((MAILBOX,), (), mailing("a@example.com"), True),
    "mailboxes, and one there besides another in the subject": (
        (MAILBOX,),
        (),
        mailing("a@evil.org", mailbox("a@example.com")),
        False,
    ),
    "hosts, and one there besides another as common name": (
        (host("example.com"),),
        (),
        lambda above: leaf(above, "evil.org", instead=(x509.SubjectAlternativeName([host("example.com")]),)),
        True,
    ),
    "places, and another": (
        (PLACE,),
        (),
        in_contoso("C", x509.UniformResourceIdentifier("https://example.com/x")),
        False,
    ),
}


# A subtree that is allowed, a name, and whether the name is within the subtree.
WITHIN: list[tuple[x509.GeneralName, x509.GeneralName, bool]] = [
    (mailbox("EXAMPLE.com"), mailbox("a@example.COM"), True),
    (mailbox("EXAMPLE.com"), mailbox('"a@evil.org"@example.com'), True),
    (mailbox(".EXAMPLE.com"), mailbox("a@B.example.com"), True),
    (mailbox(".EXAMPLE.com"), mailbox("a@example.com"), False),
    (mailbox("a@EXAMPLE.com"), mailbox("a@example.COM"), True),
    (mailbox("a@EXAMPLE.com"), mailbox("b@example.com"), False),
    (mailbox("a@EXAMPLE.com"), mailbox("A@example.com"), False),
    (mailbox("a@EXAMPLE.com"), mailbox("a@example.org"), False),
    (mailbox('"a@b"@example.com'), mailbox('"a@b"@example.com'), True),
    (host(".EXAMPLE.com"), host("b.example.com"), True),
    (host(".EXAMPLE.com"), host("example.com"), False),
    (host("EXAMPLE.com"), host("example.com"), True),
    (host(""), host("example.com"), True),
    (place(".EXAMPLE.com"), place("https://b.example.com/"), True),
    (place(".EXAMPLE.com"), place("urn:b.example.com"), False),
    (place("b.EXAMPLE.com"), place("https://B.example.com/"), True),
    (place("b.EXAMPLE.com"), place("https://c.example.com/"), False),
    (REGISTERED, REGISTERED, False),  # such names are not compared
    (REGISTERED, host("example.com"), True),
    (host("example.com"), REGISTERED, True),
]
CONSTRAINED |= {
    f"{type(subtree).__name__} {subtree.value}, and {each.value}": ((subtree,), (), in_contoso("C", each), good)
    for subtree, each, good in WITHIN
}


@pytest.mark.parametrize("critical", [True, False], ids=["critical", "not critical"])
@pytest.mark.parametrize("kind", CONSTRAINED)
def test_a_constrained_intermediate(judge: Judge, kind: str, critical: bool) -> None:
    """Root VG --> [Intermediate] (may issue for some names alone) --> [device-1]

    Name constraints always apply (RFC 5280 section 6.1.4 g), to the names of their form in the certificates below (section
    4.2.1.10).
    """
    permitted, excluded, make, good = CONSTRAINED[kind]
    above = limited(*permitted, excluded=excluded, critical=critical)
    device = make(above)
    registration = device.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    judge.drawing = judge.drawing.replace("device-1", str(registration))
    verdicts = judge(device, above, verified=ROOT, group=ROOT, registration=str(registration))
    assert verdicts == Verdicts(ASSIGNED if good else INVALID, openssl=good, examiner=good)


def test_a_constrained_root_and_a_renewed_intermediate(judge: Judge) -> None:
    """Root VG --> [Intermediate] --> [device-1]

    Constraints of the anchor count, too, and for every certificate below.
    """
    constraints = x509.NameConstraints([CONTOSO], None)
    root = ca("Root", 1, instead=(constraints,))
    middle = ca("Intermediate", 2, root)
    verdicts = judge(in_contoso("Contoso")(middle), middle, verified=root, group=root)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False), "the intermediate is of no organization"


def test_a_constrained_root_and_an_intermediate_named_like_a_host(judge: Judge) -> None:
    """Root VG --> [evil.org] --> [device-1]

    Only a device's common name counts as a host.
    """
    root = ca("Root", 1, instead=(x509.NameConstraints([host("example.com")], None),))
    middle = ca("evil.org", 2, root)
    assert judge(leaf(middle), middle, verified=root, group=root) == Verdicts(ASSIGNED, openssl=True, examiner=True)


PROCESSED: dict[str, x509.ExtensionType] = {
    "certificate policies": x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)]),
    "extended key usage": x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
    "subject alternative name": x509.SubjectAlternativeName([host("example.com")]),
}


@pytest.mark.parametrize("kind", PROCESSED)
def test_a_critical_extension_that_is_processed(judge: Judge, kind: str) -> None:
    """Root VG --> [device-1] (with a critical extension)

    Every policy is accepted, and the others are checked.
    """
    critical = (x509.BasicConstraints, x509.KeyUsage, type(PROCESSED[kind]))
    device = leaf(ROOT, instead=(PROCESSED[kind],), critical=critical)
    assert judge(device, verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=True, examiner=True)


NOT_PROCESSED: dict[str, x509.ExtensionType] = {
    "authority key identifier": x509.AuthorityKeyIdentifier.from_issuer_public_key(ROOT.private_key.public_key()),
    "authority information access": x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://o.example"))]
    ),
    "issuer alternative name": x509.IssuerAlternativeName([host("example.com")]),
    "precertificate poison": x509.PrecertPoison(),
    "TLS feature": x509.TLSFeature([x509.TLSFeatureType.status_request]),
    "OCSP no check": x509.OCSPNoCheck(),
    "freshest CRL": x509.FreshestCRL(
        [x509.DistributionPoint([x509.UniformResourceIdentifier("http://c.example")], None, None, None)]
    ),
    "policy constraints": x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None),
    "inhibit any policy": x509.InhibitAnyPolicy(0),
}


@pytest.mark.parametrize("kind", NOT_PROCESSED)
def test_a_critical_extension_that_is_read_and_not_processed(judge: Judge, kind: str) -> None:
    """Root VG --> [device-1] (with a critical extension that has no effect here)

    Recognizing a critical extension is not enough: it must be processed (RFC 5280 section 4.2).
    """
    extension = NOT_PROCESSED[kind]
    verdicts = judge(
        leaf(ROOT, instead=(extension,), critical=(x509.BasicConstraints, type(extension))), verified=ROOT, group=ROOT
    )
    assert (verdicts.dps, verdicts.examiner) == (INVALID, False)


def test_an_unknown_critical_extension_of_the_device(judge: Judge) -> None:
    """Root VG --> [device-1] (a critical extension that nobody knows)

    Software that can't process a critical extension MUST reject the certificate (RFC 5280 section 4.2).
    """
    strange = leaf(ROOT, instead=(UNKNOWN,), critical=(x509.UnrecognizedExtension,))
    assert judge(strange, verified=ROOT, group=ROOT) == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_unknown_critical_extension_of_an_intermediate(judge: Judge) -> None:
    """Root VG --> [Intermediate] (a critical extension that nobody knows) --> [device-1]

    The same for each certificate of the path (RFC 5280 section 6.1.4 o).
    """
    strange = ca("Intermediate", 2, ROOT, instead=(UNKNOWN,), critical=(x509.UnrecognizedExtension,))
    verdicts = judge(leaf(strange), strange, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_unknown_extension_that_is_not_critical(judge: Judge) -> None:
    """Root VG --> [device-1] (an extension that nobody knows)

    It MAY be ignored (RFC 5280 section 4.2).
    """
    strange = leaf(ROOT, instead=(UNKNOWN,))
    assert judge(strange, verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_an_extension_that_is_there_twice(judge: Judge) -> None:
    """Root VG --> [device-1] (with the same extension twice)

    A certificate MUST NOT include an extension twice (RFC 5280 section 4.2); OpenSSL does not look.
    """
    twice = repeating_an_extension(name("device-1"), key(which=8), ROOT)
    assert judge(twice, verified=ROOT, group=ROOT) == Verdicts(NOT_FOUND, openssl=True, examiner=False)


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


# --- the wrong certificate ---


def test_the_groups_own_ca_as_a_device(judge: Judge) -> None:
    """[Root VG]

    The CA did not issue its own certificate as a device's. The certificate is public, so it must not be enough to register.
    (The owner of its key can issue a device certificate.)
    """
    verdicts = judge(ROOT, verified=ROOT, group=ROOT, registration="Root")
    assert verdicts == Verdicts(NO_MATCH, openssl=False, examiner=False)


def test_a_ca_that_calls_itself_by_the_devices_name(judge: Judge) -> None:
    """[device-1] (a root with the key of Root)
    Root VG

    This is a different certificate, so no known CA signed it (RFC 5280 section 6.1.3 a 4).
    """
    verdicts = judge(ca("device-1", 1), verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=False)


def test_an_intermediate_as_a_device(judge: Judge) -> None:
    """Root VG --> [device-1] (a CA whose key usage is to sign certificates)

    Its key usage does not let it sign a handshake (RFC 5280 section 4.2.1.3).
    """
    verdicts = judge(ca("device-1", 8, ROOT), verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_intermediate_that_may_sign_handshakes_as_a_device(judge: Judge) -> None:
    """Root VG --> [device-1] (a CA whose key usage also has digitalSignature)

    Nothing forbids it (RFC 5280 section 4.2.1.9 is on who may sign certificates), and the Azure CLI's own tests register such
    devices with the real service. The examiner advises against: this device could issue certificates for others.
    """
    able = ca("device-1", 8, ROOT, instead=(usage("digital_signature", "key_cert_sign", "crl_sign"),))
    assert judge(able, verified=ROOT, group=ROOT) == Verdicts(ASSIGNED, openssl=True, examiner=False)


def test_a_proof_of_possession_as_a_device(judge: Judge) -> None:
    """Root VG --> [0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF]

    Its common name is the verification code, and must be the registration id (Microsoft).
    """
    verdicts = judge(proof(ROOT, CODE), verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(UNAUTHORIZED, openssl=True, examiner=False)


def test_a_proof_of_possession_as_a_device_of_that_name(judge: Judge) -> None:
    """Root VG --> [0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF]

    The CA issued the proof like any certificate, so the owner of the proof's key can register with it. Delete that key.
    """
    verdicts = judge(proof(ROOT, CODE), verified=ROOT, group=ROOT, registration=CODE)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


# --- the registration id ---


def test_the_common_name_is_another(judge: Judge) -> None:
    """Root VG --> [device-2] (registers as device-1)

    The common name must be the registration id (Microsoft); *assumption* on the code.
    """
    verdicts = judge(leaf(ROOT, "device-2"), verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(UNAUTHORIZED, openssl=True, examiner=False)


def test_the_common_name_in_another_case(judge: Judge) -> None:
    """Root VG --> [DEVICE-1] (registers as device-1)

    Registration ids are compared without case (Microsoft).
    """
    verdicts = judge(leaf(ROOT, "DEVICE-1"), verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_there_is_no_common_name(judge: Judge) -> None:
    """Root VG --> [nameless] (only an organization; registers as device-1)

    The common name must be the registration id (Microsoft).
    """
    nameless = craft(name(organization="device-1"), key(which=8), issuer=ROOT)
    assert judge(nameless, verified=ROOT, group=ROOT) == Verdicts(UNAUTHORIZED, openssl=True, examiner=False)


def test_there_are_two_common_names(judge: Judge) -> None:
    """Root VG --> [device-1 + device-2] (registers as device-1)

    It is unclear which of the two counts, so neither does: *assumption*.
    """
    verdicts = judge(leaf(ROOT, "device-1", "device-2"), verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(UNAUTHORIZED, openssl=True, examiner=False)


# --- CAs that are renewed, signed twice, or change their key ---

OLD = ca("Root", 1, life=LIVES["expired"])
CROSS = ca("Intermediate", 2, OTHER)


def test_the_renewed_root_is_sent_and_the_group_has_the_old_one(judge: Judge) -> None:
    """Root VG (old) --> [Intermediate] --> [device-1]
    [Root] (renewed with the same key) --> [Intermediate]

    The key and the name are the anchor (RFC 5280 section 6.1.1 d), so either certificate of them ends the path.
    """
    renewed = ca("Root", 1)
    verdicts = judge(DEVICE, INTERMEDIATE, renewed, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_the_expired_root_is_sent_and_the_group_has_the_renewed_one(judge: Judge) -> None:
    """Root VG (renewed with the same key) --> [Intermediate] --> [device-1]
    [Root] (expired) --> [Intermediate]

    There is a path of valid certificates, and one is enough (RFC 5280 section 6.1): devices still send what they were given.
    """
    verdicts = judge(DEVICE, INTERMEDIATE, OLD, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_the_group_has_only_the_expired_root(judge: Judge) -> None:
    """Root VG (expired) --> [Intermediate] --> [device-1]
    [Root] (renewed with the same key) --> [Intermediate]

    The service must be told that a CA was renewed: an unknown certificate is not an anchor (RFC 5280 section 6.1.1 d).
    """
    verdicts = judge(DEVICE, INTERMEDIATE, ROOT, verified=OLD, group=OLD)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_the_group_has_the_expired_root_and_the_renewed_one(judge: Judge) -> None:
    """Root VG (primary: expired; secondary: renewed with the same key) --> [device-1]

    A group has two certificates so that DPS accepts devices while a CA is rolled over (Microsoft,
    how-to-roll-certificates.md).
    """
    verdicts = judge(leaf(ROOT), verified=(OLD, ROOT), group=(OLD, ROOT))
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_the_intermediate_is_cross_signed(judge: Judge) -> None:
    """Root VG --> [Intermediate] (1st) --> [device-1]
    Other --> [Intermediate] (the same key; 2nd) --> [device-1]

    A CA may have a certificate from each of two roots (RFC 5280 section 3.2); the path goes on through the one that leads to
    what is trusted. The examiner follows only one path.
    """
    verdicts = judge(DEVICE, INTERMEDIATE, CROSS, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=False)


def test_the_certificate_of_the_other_root_comes_first(judge: Judge) -> None:
    """Root VG --> [Intermediate] (2nd) --> [device-1]
    Other --> [Intermediate] (the same key; 1st) --> [device-1]

    One path is enough (RFC 5280 section 6.1), and a dead end must not hide it (RFC 4158 section 5.1). OpenSSL takes the
    first and does not turn back.
    """
    verdicts = judge(DEVICE, CROSS, INTERMEDIATE, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=False, examiner=False)


def test_the_expired_and_the_renewed_intermediate_are_both_sent(judge: Judge) -> None:
    """Root VG --> [Intermediate] (1st: expired; 2nd: renewed with the same key) --> [device-1]

    The same; OpenSSL prefers the valid one.
    """
    expired = ca("Intermediate", 2, ROOT, life=LIVES["expired"])
    verdicts = judge(DEVICE, expired, INTERMEDIATE, verified=ROOT, group=ROOT)
    assert verdicts == Verdicts(ASSIGNED, openssl=True, examiner=False)


def test_a_root_certifies_its_own_new_key(judge: Judge) -> None:
    """Root VG (path length 0) --> [Root] (the new key, signed with the old one) --> [device-1]

    A CA's certificate for its own next key does not count for path lengths (RFC 5280 sections 4.2.1.9 and 6.1.4 l).
    """
    old = ca("Root", 1, instead=(x509.BasicConstraints(ca=True, path_length=0),))
    new = ca("Root", 9, old)
    assert judge(leaf(new), new, verified=old, group=old) == Verdicts(ASSIGNED, openssl=True, examiner=True)


# --- individual enrollments ---


def test_an_individual_enrollment_for_a_self_signed_certificate(judge: Judge) -> None:
    """[device-1 I]

    The enrollment is bound to this exact certificate (Microsoft), so it needs no CA.
    """
    alone = craft(name("device-1"), key(which=8))
    assert judge(alone, individual=alone) == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_an_individual_enrollment_for_a_certificate_from_a_ca(judge: Judge) -> None:
    """Root --> [Intermediate] --> [device-1 I]

    The same applies to each CA that signed it, and to each other certificate that the device sends.
    """
    assert judge(DEVICE, INTERMEDIATE, individual=DEVICE) == Verdicts(ASSIGNED, openssl=True, examiner=True)


def test_an_individual_enrollment_for_another_certificate_of_the_device(judge: Judge) -> None:
    """Root VG --> [device-1]
    Root VG --> device-1 I

    If there is an individual enrollment it decides, and no group is asked (Microsoft).
    """
    verdicts = judge(leaf(ROOT), verified=ROOT, group=ROOT, individual=leaf(ROOT))
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_individual_enrollment_for_a_certificate_that_has_expired(judge: Judge) -> None:
    """[device-1 I] (expired)

    Enrolled or not, it must be valid today: *assumption*.
    """
    expired = craft(name("device-1"), key(which=8), life=LIVES["expired"])
    assert judge(expired, individual=expired) == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_individual_enrollment_by_reference_to_a_ca(judge: Judge) -> None:
    """Root VI --> [Intermediate] --> [device-1]

    It accepts the device of that name if its chain leads to the CA, as a group would.
    """
    assert judge(DEVICE, INTERMEDIATE, verified=ROOT, individual=ROOT) == Verdicts(
        ASSIGNED, openssl=True, examiner=True
    )


def test_an_individual_enrollment_by_reference_to_an_unverified_ca(judge: Judge) -> None:
    """Root UI --> [device-1]

    Uploading a CA proves nothing, here neither (Microsoft).
    """
    verdicts = judge(leaf(ROOT), unverified=ROOT, individual=ROOT)
    assert verdicts == Verdicts(NOT_FOUND, openssl=False, examiner=True)


def test_an_individual_enrollment_by_reference_to_an_expired_ca(judge: Judge) -> None:
    """Root VI (expired) --> [device-1]

    The dates of an anchor count: *assumption*, as for groups.
    """
    expired = ca("Root", 1, life=LIVES["expired"])
    verdicts = judge(leaf(expired), verified=expired, individual=expired)
    assert verdicts == Verdicts(INVALID, openssl=False, examiner=False)


def test_an_individual_enrollment_by_reference_to_another_ca_than_the_groups(judge: Judge) -> None:
    """Root VG --> [device-1]
    Other VI

    If there is an individual enrollment it decides, and no group is asked (Microsoft).
    """
    verdicts = judge(leaf(ROOT), verified=(ROOT, OTHER), group=ROOT, individual=OTHER)
    assert verdicts == Verdicts(NO_MATCH, openssl=True, examiner=False)

"""A proof of possession is accepted if and only if OpenSSL, asked independently, says that it is good."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests import openssl
from tests.crafting import LIVES, Crafted, authority, craft, key, name, proof, respelled, root
from tests.encodings import ENCODINGS, as_pem
from tests.forging import corrupted
from tests.local_dps.wire import LocalService

NEVER_GIVEN = "0123456789ABCDEF" * 3
SIGNERS = ("uploaded", "namesake", "parent", "sibling", "itself", "child")
COMMON_NAMES = (
    "newest", "older", "lower case", "space before", "space after", "truncated", "lengthened", "twice",
    "newest and other", "other and newest", "none", "empty of code", "escaped", "garbage",
)  # fmt: skip
AUTHORITY_KEY_IDENTIFIERS = ("absent", "right", "wrong", "right issuer and serial", "wrong serial", "wrong issuer")


@dataclass(frozen=True)
class Case:
    """The description of a proof; by default, of the right one."""

    kind: str = "P-256"
    intermediate: bool = False
    uploaded_has_key_identifier: bool = True
    uploaded_life: str = "good"
    codes: int = 1
    signer: str = "uploaded"
    common_name: str = "newest"
    garbage: str = "garbage"
    organization: bool = False
    life: str = "good"
    key_identifier: str = "absent"
    own_extensions: bool = False
    corrupt: bool = False
    encoding: str = "base64 of PEM"


HARMLESS = {
    "kind": st.sampled_from(["P-256", "RSA-2048"]),
    "intermediate": st.booleans(),
    "uploaded_has_key_identifier": st.booleans(),
    "uploaded_life": st.sampled_from(["good", "expired", "future"]),
    "organization": st.booleans(),
    "own_extensions": st.booleans(),
    "encoding": st.sampled_from(sorted(ENCODINGS)),
    "garbage": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40),
}
DECISIVE = {
    "codes": (0, 1, 2, 3),
    "signer": SIGNERS,
    "common_name": COMMON_NAMES,
    "life": tuple(LIVES),
    "key_identifier": AUTHORITY_KEY_IDENTIFIERS,
    "corrupt": (False, True),
}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return proofs that are right except for one or two things: if everything were random, none would ever be valid."""
    case = Case(**{field: draw(values) for field, values in HARMLESS.items()}, codes=draw(st.sampled_from([1, 2, 3])))
    count = draw(st.sampled_from([0, 1, 1, 1, 2, 2]))
    changed = draw(st.lists(st.sampled_from(sorted(DECISIVE)), min_size=count, max_size=count, unique=True))
    return replace(case, **{field: draw(st.sampled_from(DECISIVE[field])) for field in changed})


@dataclass(frozen=True)
class Family:
    """The uploaded CA and the related ones."""

    uploaded: Crafted
    signers: dict[str, Crafted]


def family(case: Case) -> Family:
    parent = authority(name("Parent", organization="Contoso"), key(case.kind, 1))
    uploaded_name = name("Uploaded", organization="Contoso")
    uploaded = authority(
        uploaded_name,
        key(case.kind, 2),
        issuer=parent if case.intermediate else None,
        key_identifier=case.uploaded_has_key_identifier,
        life=LIVES[case.uploaded_life],
    )
    signers = {
        "uploaded": uploaded,
        "parent": parent,
        "namesake": authority(uploaded_name, key(case.kind, 3)),
        "sibling": authority(name("Sibling", organization="Contoso"), key(case.kind, 4), issuer=parent),
        "child": authority(name("Child", organization="Contoso"), key(case.kind, 5), issuer=uploaded),
    }
    return Family(uploaded, signers)


def common_names(case: Case, codes: list[str]) -> tuple[str, ...]:
    newest = codes[-1] if codes else NEVER_GIVEN
    older = codes[-2] if len(codes) > 1 else NEVER_GIVEN[::-1]
    return {
        "newest": (newest,),
        "older": (older,),
        "lower case": (newest.lower(),),
        "space before": (f" {newest}",),
        "space after": (f"{newest} ",),
        "truncated": (newest[:-1],),
        "lengthened": (f"{newest}0",),
        "twice": (newest, newest),
        "newest and other": (newest, "other"),
        "other and newest": ("other", newest),
        "none": (),
        "empty of code": ("CN=",),
        "escaped": (f"\n    CN={newest}",),
        "garbage": (case.garbage,),
    }[case.common_name]


def identifier(case: Case, signer: Crafted) -> tuple[x509.ExtensionType, ...]:
    own = x509.SubjectKeyIdentifier.from_public_key(signer.certificate.public_key()).digest
    issuer, serial = [x509.DirectoryName(signer.certificate.issuer)], signer.certificate.serial_number
    made = {
        "absent": None,
        "right": x509.AuthorityKeyIdentifier(own, None, None),
        "wrong": x509.AuthorityKeyIdentifier(own[::-1], None, None),
        "right issuer and serial": x509.AuthorityKeyIdentifier(own, issuer, serial),
        "wrong serial": x509.AuthorityKeyIdentifier(own, issuer, serial ^ 1),
        "wrong issuer": x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(name("Nobody"))], serial),
    }[case.key_identifier]
    return () if made is None else (made,)


def craft_proof(case: Case, around: Family, codes: list[str]) -> bytes:
    """The DER of the described proof."""
    subject = name(*common_names(case, codes), organization="Contoso" if case.organization else None)
    issuer = around.signers.get(case.signer)
    extensions = identifier(case, issuer or around.uploaded)
    if case.own_extensions:
        usages = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign")
        nothing = dict.fromkeys((*usages, "crl_sign", "encipher_only", "decipher_only"), False)
        extensions += (
            x509.BasicConstraints(ca=False, path_length=None),
            x509.KeyUsage(digital_signature=True, **nothing),
        )
    made = craft(subject, key(which=9), issuer=issuer, life=LIVES[case.life], extensions=extensions)
    return corrupted(made.certificate) if case.corrupt else made.der


def is_good(der: bytes, around: Family, codes: list[str]) -> bool:
    """OpenSSL's verdict."""
    names, begin, end = openssl.read_proof(as_pem(der))
    return (
        bool(codes)
        and names == [codes[-1]]
        and begin <= datetime.now(UTC) <= end
        and openssl.signed_by(as_pem(der), around.uploaded.pem)
    )


ONE_BY_ONE = [(field, value) for field, values in DECISIVE.items() for value in values]


@pytest.mark.parametrize(("field", "value"), ONE_BY_ONE, ids=[f"{field}: {value}" for field, value in ONE_BY_ONE])
def test_a_proof_that_is_right_but_for_one_thing_is_judged_as_openssl_judges_it(
    shared_dps: LocalService, field: str, value: Any
) -> None:
    judge(shared_dps, replace(Case(codes=2, intermediate=True), **{field: value}))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases())
@example(case=Case(signer="namesake", common_name="older", codes=3))
@example(case=Case(common_name="older", codes=1))
@example(case=Case(life="ends in a minute", key_identifier="right issuer and serial"))
@example(case=Case(key_identifier="wrong", uploaded_has_key_identifier=False))
@example(case=Case(uploaded_life="expired", kind="RSA-2048", intermediate=True))
@example(case=Case(signer="parent", intermediate=False))
def test_a_proof_is_accepted_if_and_only_if_openssl_says_it_is_good(shared_dps: LocalService, case: Case) -> None:
    event("good" if judge(shared_dps, case) else "bad")


def judge(shared_dps: LocalService, case: Case) -> bool:
    """Make the proof, compare both verdicts, and check that a refusal changes nothing and that the right proof is then
    accepted."""
    around, certificate = family(case), f"ca-{uuid4().hex}"
    etag = shared_dps.upload(certificate, around.uploaded.pem)["etag"]
    codes = []
    for _ in range(case.codes):
        answer = shared_dps.generate_code(certificate, if_match=etag)
        etag = answer["etag"]
        codes.append(answer["properties"]["verificationCode"])
    der = craft_proof(case, around, codes)
    good = is_good(der, around, codes)
    before, codes_before = shared_dps.certificate(certificate), shared_dps.codes()

    reply = shared_dps.verify(certificate, ENCODINGS[case.encoding](der), if_match=f'"{etag}"')

    after = shared_dps.certificate(certificate)
    if good:
        assert reply.status == 200, reply.content
        assert reply.json == after
        assert after["properties"]["isVerified"] is True
        assert after["etag"] != etag
    else:
        assert reply.status == 400, reply.content
        assert reply.json["code"] == 400053
        assert reply.json["message"].startswith("Proof-Of-Possession failed.")
        assert after == before
        assert after["properties"]["isVerified"] is False
        assert shared_dps.codes() == codes_before
        if not codes:
            answer = shared_dps.generate_code(certificate, if_match=etag)
            etag = answer["etag"]
            codes.append(answer["properties"]["verificationCode"])
        right = shared_dps.verify(certificate, proof(around.uploaded, codes[-1]).pem, if_match=etag)
        assert right.status == 200, right.content
        assert right.json["properties"]["isVerified"] is True
    assert shared_dps.manage("DELETE", f"/certificates/{certificate}", if_match="*").status == 200
    return good


def test_the_case_that_every_proof_is_drawn_from_is_a_good_one(dps: LocalService) -> None:
    case = Case()
    around = family(case)
    dps.upload("ca", around.uploaded.pem)
    codes = [dps.generate_code("ca")["properties"]["verificationCode"]]
    assert is_good(craft_proof(case, around, codes), around, codes)
    assert {field.name for field in fields(Case)} == {*HARMLESS, *DECISIVE}


@pytest.mark.parametrize("how", ["printable string", "upper case"])
def test_a_proof_whose_issuer_name_is_spelled_in_other_bytes_is_judged_as_openssl_judges_it(
    dps: LocalService, how: str
) -> None:
    """Tools differ in the string type that they write names in; RFC 5280 section 7.1 compares what the names say."""
    uploaded = root("Contoso Root")
    dps.upload("ca", uploaded.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    made = craft(name(code), key(which=9), issuer=uploaded, issuer_name=respelled(uploaded.certificate.subject, how))
    assert openssl.signed_by(made.pem, uploaded.pem)
    assert dps.verify("ca", made.pem).status == 200


def test_a_ca_and_a_proof_without_any_extension_are_accepted_as_azure_cli_makes_them(dps: LocalService) -> None:
    """The service looks at neither's extensions: its recorded traffic has CAs that don't say that they are one."""
    uploaded = craft(name("Bare"), key(which=2))
    dps.upload("ca", uploaded.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    assert dps.verify("ca", proof(uploaded, code).pem).status == 200


def test_a_refused_proof_names_the_issuer_that_is_not_in_the_chain(dps: LocalService) -> None:
    dps.upload("ca", root("The uploaded one").pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    stranger = authority(name("A stranger"), key(which=7))
    message = dps.verify("ca", proof(stranger, code).pem).json["message"]
    start = "Proof-Of-Possession failed. Issuer certificate 'CN=A stranger' cannot be found in the certificate chain."
    assert message.startswith(start)


def test_a_proof_before_any_code_is_refused_with_what_to_do_first(dps: LocalService) -> None:
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    reply = dps.verify("ca", proof(uploaded, NEVER_GIVEN).pem)
    assert reply.json["message"].startswith("Proof-Of-Possession failed. No verification code is outstanding.")
    assert reply.headers["x-local-dps-explanation"].startswith("Generate a verification code first.")


def test_a_code_is_not_carried_over_to_another_certificate_of_the_same_name(dps: LocalService) -> None:
    first, second = root("First"), authority(name("Second"), key(which=3))
    dps.upload("ca", first.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    dps.upload("ca", second.pem, if_match="*")
    assert dps.verify("ca", proof(second, code).pem).status == 400
    assert dps.verify("ca", proof(first, code).pem).status == 400
    assert dps.certificate("ca")["properties"]["isVerified"] is False


def test_a_verified_certificate_that_is_replaced_is_no_longer_verified(dps: LocalService) -> None:
    first, second = root("First"), authority(name("Second"), key(which=3))
    dps.upload("ca", first.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    assert dps.verify("ca", proof(first, code).pem).json["properties"]["isVerified"] is True
    assert dps.upload("ca", second.pem, if_match="*")["properties"]["isVerified"] is False


def test_the_code_of_one_certificate_proves_no_other(dps: LocalService) -> None:
    uploaded = root("Twice uploaded")
    codes = {}
    for certificate in ("one", "two"):
        dps.upload(certificate, uploaded.pem)
        codes[certificate] = dps.generate_code(certificate)["properties"]["verificationCode"]
    assert dps.verify("two", proof(uploaded, codes["one"]).pem).status == 400
    assert dps.verify("two", proof(uploaded, codes["two"]).pem).status == 200
    assert dps.certificate("one")["properties"]["isVerified"] is False


def test_a_code_is_used_up_by_the_proof_that_succeeds_with_it(dps: LocalService) -> None:
    """The behavior of the real service is not known. CONFORMANCE.md states the assumption, and this test checks it."""
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    good = proof(uploaded, dps.generate_code("ca")["properties"]["verificationCode"]).pem
    etag = dps.verify("ca", good).json["etag"]
    assert dps.verify("ca", good).status == 400
    assert dps.certificate("ca")["etag"] == etag
    assert dps.certificate("ca")["properties"]["isVerified"] is True


def test_an_expired_proof_of_a_second_ago_is_refused_and_the_next_is_accepted(dps: LocalService) -> None:
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    ended = proof(uploaded, code, life=(timedelta(days=-1), timedelta(seconds=-1)))
    assert dps.verify("ca", ended.pem).status == 400
    assert dps.verify("ca", proof(uploaded, code).pem).status == 200

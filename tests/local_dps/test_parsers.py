"""A parser accepts or refuses any input: it never does anything else, and never takes long."""

import base64
import json
import ssl
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.local_dps.core import plane_of
from helpers.local_dps.errors import Refusal
from helpers.local_dps.planes.identity.assertion import check_assertion, new_client_certificate
from helpers.local_dps.planes.identity.tokens import MANAGEMENT_AUDIENCE, SERVICE_AUDIENCE, check_token, issue_token
from helpers.local_dps.planes.service.credentials import check_credential
from helpers.local_dps.request.routing import Request, Response, Route, find_route
from helpers.local_dps.store import AccessPolicy, TenantIdentity
from helpers.local_dps.x509.description import certificate_info, certificate_summary
from helpers.local_dps.x509.proof import judge_proof
from helpers.local_dps.x509.reading import NotACertificate, PrivateKeyInside, read_certificate
from tests import crafting
from tests.encodings import as_pem
from tests.local_dps.wire import signature

NOW = datetime.now(UTC)
SLOW = 6.0  # seconds that nothing of at most 256 KiB may take
CODE = "0123456789ABCDEF"
ROOT, INTERMEDIATE = crafting.root(), crafting.authority(crafting.name("Below"), crafting.key(which=1))
PROOF = crafting.proof(ROOT, CODE)
CERTIFICATES = [ROOT.der, crafting.root("RSA", "RSA-2048").der, PROOF.der, INTERMEDIATE.der]
IDENTITY = TenantIdentity("tenant", "subscription", "client", "secret", bytes(32))
POLICY = AccessPolicy(
    "owner", "EnrollmentRead", base64.b64encode(bytes(64)).decode(), base64.b64encode(b"k" * 64).decode()
)
AUDIENCE = "https://localhost:1/tenant/oauth2/v2.0/token"
CLIENT_PEM, CLIENT = new_client_certificate(NOW)
CLIENT_KEY = serialization.load_pem_private_key(CLIENT_PEM, None)

examples = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
LONG = st.integers(1, 60_000)


@contextmanager
def in_time() -> Iterator[None]:
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < SLOW


def expect(refusal: Refusal, status: int, code: int | str) -> None:
    assert (refusal.status, refusal.code) == (status, code)


def openssl_reads(der: bytes) -> bool:
    """Whether OpenSSL, too, takes it for one certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=der)
    except ssl.SSLError:
        return False
    return context.cert_store_stats()["x509"] == 1


def is_read_or_refused(text: str) -> bytes | None:
    """Return the DER that was read, after checking that OpenSSL reads it and that it can be described; None if it was refused."""
    try:
        with in_time():
            der = read_certificate(text)
    except (NotACertificate, PrivateKeyInside):
        return None
    assert openssl_reads(der)
    certificate_summary(der)
    certificate_info(der)
    return der


# --- what a certificate may become on its way ---


def base64_of(content: bytes) -> bytes:
    return base64.b64encode(content)


def pem_of(der: bytes) -> bytes:
    return as_pem(der).encode()


WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "PEM": pem_of,
    "PEM in base64": lambda der: base64_of(pem_of(der)),
    "PEM with CRLF": lambda der: pem_of(der).replace(b"\n", b"\r\n"),
    "PEM with CRLF in base64": lambda der: base64_of(pem_of(der).replace(b"\n", b"\r\n")),
    "DER in base64": base64_of,
    "DER in base64 twice": lambda der: base64_of(base64_of(der)),
    "DER in base64 in lines": lambda der: "\r\n".join(textwrap.wrap(base64_of(der).decode(), 64)).encode(),
}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Return bytes of which a few are changed, removed, doubled or inserted, or the end is cut off."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(changed) - 1, 0)))
        match draw(st.sampled_from(["change", "flip", "leave out", "double", "put in", "cut off"])):
            case "change":
                changed[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "flip":
                changed[at : at + 1] = bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in changed[at : at + 1])
            case "leave out":
                del changed[at : at + draw(st.integers(1, 20))]
            case "double":
                changed[at:at] = changed[at : at + draw(st.integers(1, 200))]
            case "put in":
                changed[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "cut off":
                del changed[at:]
    return bytes(changed)


ENDS = [
    b"-----BEGIN CERTIFICATE-----",
    b"-----END CERTIFICATE-----",
    b"-----BEGIN ",
    b"-----",
    b"\n",
    b"\x30\x82\xff\xff",
    b"MII",
]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("der", CERTIFICATES, ids=["root", "RSA", "proof", "intermediate"])
def test_a_whole_certificate_is_read_in_any_encoding(der: bytes, wrapping: str) -> None:
    assert is_read_or_refused(WRAPPINGS[wrapping](der).decode()) == der


@settings(examples, max_examples=200)
@given(st.text() | st.text("-BEGIN CERTIFICATE\n=MIaz09+/", max_size=200))
def test_any_text_is_read_as_a_certificate_or_refused(text: str) -> None:
    is_read_or_refused(text)


@settings(examples, max_examples=200)
@given(st.binary() | st.lists(st.sampled_from(ENDS) | st.binary(max_size=30)).map(b"".join), st.integers(1, 3))
def test_any_bytes_in_base64_are_read_as_a_certificate_or_refused(content: bytes, times: int) -> None:
    for _ in range(times):
        content = base64_of(content)
    is_read_or_refused(content.decode())


@settings(examples, max_examples=400)
@given(der=st.sampled_from(CERTIFICATES).flatmap(damaged), wrapping=st.sampled_from(sorted(WRAPPINGS)))
def test_a_damaged_certificate_is_read_or_refused(der: bytes, wrapping: str) -> None:
    is_read_or_refused(WRAPPINGS[wrapping](der).decode())


@settings(examples, max_examples=200)
@given(
    text=st.sampled_from(sorted(WRAPPINGS)).flatmap(lambda wrapping: damaged(WRAPPINGS[wrapping](ROOT.der))),
    wrapped=st.booleans(),
)
def test_a_damaged_wrapping_is_read_or_refused(text: bytes, wrapped: bool) -> None:
    is_read_or_refused((base64_of(text) if wrapped else text).decode(errors="replace"))


@settings(examples, max_examples=60)
@given(
    st.lists(st.sampled_from(CERTIFICATES), min_size=2, max_size=5),
    st.sampled_from(["", "\n", "\r\n\r\n", " words between ", "\x00"]),
    st.booleans(),
)
def test_of_several_certificates_the_first_is_read(ders: list[bytes], between: str, wrapped: bool) -> None:
    text = between.join(as_pem(der) for der in ders)
    assert is_read_or_refused(base64_of(text.encode()).decode() if wrapped else text) == ders[0]
    assert is_read_or_refused(base64_of(b"".join(ders)).decode()) is None  # DER has no place for a second one


@settings(examples, max_examples=40)
@given(
    st.sampled_from([*ENDS, b"A", b"=", b" ", b"MIIB", b"\xff", pem_of(ROOT.der), base64_of(b"MII")]),
    LONG,
    st.booleans(),
)
def test_a_long_certificate_is_read_or_refused_in_time(part: bytes, length: int, wrapped: bool) -> None:
    content = (part * length)[:190_000]
    is_read_or_refused((base64_of(content) if wrapped else content).decode(errors="replace"))


# --- proofs ---


@settings(examples, max_examples=500)
@given(
    st.just(PROOF.der) | damaged(PROOF.der),
    st.sampled_from([ROOT, ROOT, ROOT, INTERMEDIATE]),
    st.sampled_from([CODE, CODE, CODE, None, "other", CODE.lower()]),
)
def test_a_damaged_proof_is_accepted_whole_or_refused_as_a_proof(
    content: bytes, uploaded: crafting.Crafted, code: str | None
) -> None:
    proof = is_read_or_refused(base64_of(content).decode())
    if proof is None:
        return
    try:
        judge_proof(proof, uploaded.der, code, NOW)
    except Refusal as refusal:
        expect(refusal, 400, 400053)
        assert (proof, uploaded, code) != (PROOF.der, ROOT, CODE)
    else:
        accepted = x509.load_der_x509_certificate(proof)
        assert (uploaded, code) == (ROOT, CODE)
        assert (accepted.tbs_certificate_bytes, accepted.signature) == (
            PROOF.certificate.tbs_certificate_bytes,
            PROOF.certificate.signature,
        )


@settings(examples, max_examples=200)
@given(damaged(ROOT.der))
def test_a_damaged_uploaded_certificate_accepts_a_proof_or_refuses_it_as_a_proof(content: bytes) -> None:
    uploaded = is_read_or_refused(base64_of(content).decode())
    if uploaded is None:
        return
    try:
        judge_proof(PROOF.der, uploaded, CODE, NOW)
    except Refusal as refusal:
        expect(refusal, 400, 400053)


# --- credentials ---

GOOD_TOKEN = issue_token(IDENTITY, MANAGEMENT_AUDIENCE, NOW)
NESTED = base64.urlsafe_b64encode(b"[" * 60_000).decode().rstrip("=")
TOKENS = (
    st.text()
    | damaged(GOOD_TOKEN.encode()).map(lambda content: content.decode("latin-1"))
    | st.lists(st.sampled_from([*GOOD_TOKEN.split("."), NESTED, "e30", "bnVsbA", ""]), max_size=4).map(".".join)
)


def test_an_issued_token_is_valid_for_its_plane_and_no_other() -> None:
    assert check_token(f"Bearer {GOOD_TOKEN}", IDENTITY, MANAGEMENT_AUDIENCE, NOW)
    assert not check_token(f"Bearer {GOOD_TOKEN}", IDENTITY, SERVICE_AUDIENCE, NOW)


@settings(examples, max_examples=300)
@given(st.sampled_from(["Bearer ", "bearer  ", "Basic ", ""]), TOKENS)
def test_any_other_token_is_rejected(scheme: str, token: str) -> None:
    with in_time():
        opened = check_token(scheme + token, IDENTITY, MANAGEMENT_AUDIENCE, NOW)
    assert not opened or token.strip() == GOOD_TOKEN


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
X5T = base64.urlsafe_b64encode(CLIENT.fingerprint(hashes.SHA1())).decode().rstrip("=")


def assertion(**changes: Any) -> str:
    """Return an assertion that is signed with the application's key, with claims that may be invalid."""
    claims = {"aud": AUDIENCE, "iss": "client", "sub": "client", "exp": int(NOW.timestamp()) + 600} | changes
    return jwt.PyJWS().encode(json.dumps(claims).encode(), CLIENT_KEY, algorithm="RS256", headers={"x5t": X5T})


def is_accepted(text: str) -> bool:
    try:
        with in_time():
            check_assertion(text, CLIENT, "client", AUDIENCE)
    except Refusal as refusal:
        expect(refusal, 401, "invalid_client")
        return False
    return True


GOOD_ASSERTION = assertion()


def test_a_good_assertion_is_accepted() -> None:
    assert is_accepted(assertion())  # a new one: it is valid for ten minutes only


@settings(examples, max_examples=300)
@given(
    st.text()
    | damaged(GOOD_ASSERTION.encode()).map(lambda content: content.decode("latin-1"))
    | st.lists(st.sampled_from([*GOOD_ASSERTION.split("."), NESTED, "e30", "bnVsbA"]), max_size=4).map(".".join)
)
def test_any_other_assertion_is_refused(text: str) -> None:
    assert not is_accepted(text) or text == GOOD_ASSERTION


@settings(examples, max_examples=150)
@given(
    st.dictionaries(st.sampled_from(["aud", "iss", "sub", "exp", "nbf", "iat", "jti"]), JSON, min_size=1, max_size=3)
)
def test_a_signed_assertion_of_strange_claims_is_accepted_or_refused(claims: dict[str, Any]) -> None:
    is_accepted(assertion(**claims))


def call(path: str = "/enrollmentGroups/group", body: bytes = b"", **headers: str) -> Request:
    return Request("GET", "localhost", 1, plane_of(path), path, {}, headers, body, NOW)


GOOD_SIGNATURE = signature("localhost:1", POLICY.primary_key, policy="owner")
PARTS = [
    *GOOD_SIGNATURE.partition(" ")[2].split("&"),
    "se=" + "9" * 5000,
    "se=٣",
    "sig=é",
    "sig=%",
    "sr=",
    "skn",
    "=",
    "sr=%ff",
]


def is_authentic(credential: str) -> bool:
    try:
        with in_time():
            check_credential(call(authorization=credential), IDENTITY, (POLICY,), "EnrollmentRead")
    except Refusal as refusal:
        expect(refusal, 401, 401000)
        return False
    return True


def test_a_good_signature_is_accepted() -> None:
    assert is_authentic(GOOD_SIGNATURE)


@settings(examples, max_examples=300)
@given(
    st.text()
    | damaged(GOOD_SIGNATURE.partition(" ")[2].encode()).map(lambda content: content.decode("utf-8", "surrogateescape"))
    | st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=6).map("&".join)
)
def test_any_other_signature_is_refused_unless_it_says_the_same(text: str) -> None:
    if is_authentic(f"SharedAccessSignature {text}"):
        scope, until, mac = (next(p for p in PARTS if p.startswith(name)) for name in ("sr=", "se=", "sig="))
        assert {scope, until} <= set(text.split("&"))
        assert mac[4:20] in text


# --- bodies and paths ---


@settings(examples, max_examples=400)
@given(
    st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.text(max_size=3), JSON, max_size=3).flatmap(lambda value: damaged(json.dumps(value).encode()))
    | st.text().map(lambda text: text.encode("utf-16"))
    | st.sampled_from(
        [b'{"a": 1e999}', b'{"a": [-1e999]}', b'{"a": NaN}', b'{"a": "\\ud800"}', b'{"a": %s}' % (b"9" * 5000)]
    )
    | st.integers(1, 3000).map(lambda depth: b'{"a": %s}' % (b"[" * depth + b"]" * depth))
)
def test_any_body_is_a_json_object_that_can_be_written_again_or_refused(body: bytes) -> None:
    try:
        with in_time():
            value = call(body=body).json_object()
    except ValueError:
        return
    assert isinstance(value, dict)
    again = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(again) == value


ROUTES = tuple(
    Route(method, template, lambda _: Response(200))
    for method, template in [
        ("GET", "/subscriptions/{subscription}/resourceGroups/{group}"),
        ("GET", "/enrollmentGroups/{id}"),
        ("POST", "/enrollmentGroups/query"),
        ("GET", "/{tenant}/v2.0/.well-known/openid-configuration"),
    ]
)
SEGMENTS = [
    "",
    "subscriptions",
    "SUBSCRIPTIONS",
    "resourceGroups",
    "enrollmentGroups",
    "query",
    "%2F",
    "%",
    "%ff",
    "..",
    "é",
    "\n",
    "a" * 5000,
]


@settings(examples, max_examples=300)
@given(
    st.text()
    | st.lists(st.sampled_from(SEGMENTS) | st.text(max_size=5), max_size=6).map(lambda parts: "/" + "/".join(parts))
)
def test_any_path_has_a_route_or_none(path: str) -> None:
    with in_time():
        found = find_route(ROUTES, call(path))
    if isinstance(found, set):
        assert found <= {"GET", "POST"}
        return
    route, parameters = found
    assert route.method == "GET"
    assert path.count("/") == route.template.count("/")
    assert all(parameters.values())

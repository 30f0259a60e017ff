"""A record shows every change for users. It hides values that differ in each run, and secrets."""

import re
from dataclasses import replace
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import hashes

from helpers.certificates import CertificateAuthority, certificate_pem
from tests.notebooks.recorder import Exchange
from tests.record.placeholders import Placeholders
from tests.record.records import committed
from tests.record.scenarios import SCENARIOS
from tests.record.wire import WireText


def exchange(method: str = "GET", path: str = "/x", *, if_match: str = "", answer: object = None) -> Exchange:
    headers = {"User-Agent": str(uuid4()), **({"If-Match": if_match} if if_match else {})}
    return Exchange(method, path, "", headers, b"", 200, {"x-ms-request-id": str(uuid4())}, answer)


def written(*exchanges: Exchange) -> list[str]:
    return list(WireText(Placeholders({})).lines(exchanges))


def test_two_runs_that_differ_only_in_their_etags_are_recorded_alike() -> None:
    def run() -> list[str]:
        first, second = str(uuid4()), str(uuid4())
        return written(
            exchange(answer={"etag": first}), exchange("PUT", if_match=first, answer={"etag": second}), exchange()
        )

    assert run() == run()


def test_an_etag_that_is_used_in_the_place_of_another_shows() -> None:
    first, second = str(uuid4()), str(uuid4())
    read = [exchange(answer={"etag": first}), exchange(answer={"etag": second})]
    assert written(*read, exchange("PUT", if_match=second)) != written(*read, exchange("PUT", if_match=first))


def test_devices_may_come_in_any_order_and_each_devices_requests_may_not() -> None:
    put = {name: exchange("PUT", f"/0ne00112233/registrations/{name}/register") for name in ("a", "b")}
    poll = replace(put["a"], method="GET", path="/0ne00112233/registrations/a/operations/1")
    assert written(put["a"], poll, put["b"]) == written(put["b"], put["a"], poll)
    assert written(poll, put["a"]) != written(put["a"], poll)


def test_other_requests_are_recorded_in_their_order() -> None:
    assert written(exchange("GET"), exchange("PUT")) != written(exchange("PUT"), exchange("GET"))


def test_a_long_body_is_shown_once_and_then_as_far_as_it_differs() -> None:
    body = {"name": "a name that makes the body long enough for a mark", "state": "new"}
    first, again, other = (
        lines
        for lines in written(*(exchange(answer=each) for each in (body, body, {**body, "state": "old"})))
        if lines.startswith("  <")
    )
    assert body["name"] in first
    assert first.startswith(again)
    assert other.endswith('but {"state": "old"}')


def test_a_certificate_is_described_once_and_its_thumbprint_belongs_to_it() -> None:
    placeholders, certificate = Placeholders({}), CertificateAuthority.create_root("A Root").certificate
    described, again = (placeholders.content(certificate_pem(certificate)) for _ in range(2))
    assert described == "pem(<certificate 1: CN=A Root by CN=A Root, CA of path length 1, EC secp256r1, 3650 days>)"
    assert again == "pem(<certificate 1>)"
    assert placeholders.text(certificate.fingerprint(hashes.SHA256()).hex()) == "<SHA-256 of certificate 1>"


def test_a_code_in_lower_case_is_not_the_code() -> None:
    placeholders, code = Placeholders({}), "0A" * 24
    assert [placeholders.text(each) for each in (code, code.lower())] == ["<code 1>", "<code 1> in lower case"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_committed_record_holds_nothing_that_looks_like_a_secret(name: str) -> None:
    text = committed(name)
    assert len(text) > 500
    for secret in ("PRIVATE KEY", "client_secret", "SharedAccessSignature", "/tmp"):
        assert secret not in text
    letters = r"[\w+=-]"  # of base64, but for the slash of a path
    random = rf"(?<!{letters})(?={letters}*\d)(?={letters}*[a-z])(?={letters}*[A-Z]){letters}{{30,}}"
    assert re.findall(random, text) == []

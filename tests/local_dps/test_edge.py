"""The edge: its limits, its time limits for slow clients, its HTTP, and a log without secrets."""

import contextlib
import gzip
import http.client
import json
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from helpers.local_dps import RequestRecord, running
from helpers.local_dps.net import edge, listeners
from tests.crafting import proof, root
from tests.encodings import key_files
from tests.local_dps.client import Client
from tests.local_dps.faults import control
from tests.local_dps.process import PATIENCE, Server, wait_for
from tests.local_dps.wire import NEWEST, LocalService, Reply, group_body, signature, upload_body

LIMIT = 256 * 1024
KIB = 1024


@contextmanager
def connected(dps: LocalService) -> Iterator[ssl.SSLSocket]:
    plain = socket.create_connection((dps.address.hostname, dps.address.port), timeout=PATIENCE)
    with dps.context.wrap_socket(plain, server_hostname=dps.address.hostname) as secured:
        yield secured


def head(dps: LocalService, method: str, target: str, *lines: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/{version}", f"Host: {dps.host}", *lines, "", ""]).encode()


def answer_of(connection: ssl.SSLSocket, method: str = "GET") -> Reply:
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    return Reply(answer.status, answer.headers, answer.read())


def ends(connection: socket.socket) -> None:
    """Expect that no more bytes arrive, because the connection was closed or dropped."""
    with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
        assert connection.recv(4096) == b""


def token_request(dps: LocalService) -> bytes:
    given = dps.connection
    form = {"grant_type": "client_credentials", "client_id": given["client_id"]}
    scope = "https://management.azure.com/.default"
    return urlencode(form | {"client_secret": given["client_secret"], "scope": scope}).encode()


def token_head(dps: LocalService, *lines: str, version: str = "1.1") -> bytes:
    form = "Content-Type: application/x-www-form-urlencoded"
    return head(dps, "POST", f"/{dps.connection['tenant_id']}/oauth2/v2.0/token", form, *lines, version=version)


# --- HTTP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expect", ["100-continue", "100-Continue"])
def test_a_client_that_asks_before_it_sends_its_body_is_told_to(shared_dps: LocalService, expect: str) -> None:
    body = token_request(shared_dps)
    with connected(shared_dps) as connection:
        connection.sendall(token_head(shared_dps, f"Content-Length: {len(body)}", f"Expect: {expect}"))
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        reply = answer_of(connection)
    assert (reply.status, reply.json["token_type"]) == (200, "Bearer")


def test_a_client_of_http_1_0_gets_no_interim_answer(shared_dps: LocalService) -> None:
    body = token_request(shared_dps)
    asks = token_head(shared_dps, f"Content-Length: {len(body)}", "Expect: 100-continue", version="1.0")
    with connected(shared_dps) as connection:
        connection.sendall(asks + body)
        assert answer_of(connection).status == 200


def test_requests_in_a_pipeline_are_answered_in_their_order(dps: LocalService) -> None:
    bearer = f"Authorization: Bearer {dps.management_token}"
    target = f"{dps.root}/certificates/{{}}?api-version={NEWEST}"
    body = json.dumps(upload_body(root().pem)).encode()
    uploads = head(dps, "PUT", target.format("ca"), bearer, f"Content-Length: {len(body)}") + body
    with connected(dps) as connection:
        connection.sendall(
            head(dps, "GET", target.format("ca"), bearer)
            + uploads
            + head(dps, "GET", target.format("ca"), bearer)
            + head(dps, "HEAD", "/nothing")
            + head(dps, "GET", target.format("other"), bearer, "Connection: close")
        )
        stream = connection.makefile("rb")
        replies = []
        for method in ("GET", "PUT", "GET", "HEAD", "GET"):
            status = int(stream.readline().split()[1])
            headers = http.client.parse_headers(stream)
            length = 0 if method == "HEAD" else int(headers["Content-Length"])
            replies.append(Reply(status, headers, stream.read(length)))
        assert stream.read() == b""
    assert [reply.status for reply in replies] == [404, 200, 200, 404, 404]
    assert replies[1].json == replies[2].json


def test_the_answer_to_a_head_request_has_no_body_and_the_connection_stays_open(shared_dps: LocalService) -> None:
    group = shared_dps.root.partition("/providers")[0]
    with Client(shared_dps) as client:
        bearer = {"Authorization": f"Bearer {shared_dps.management_token}"}
        for target, status in ((group, 204), (f"{group}-not", 404), (f"{shared_dps.root}/skus", 405), ("/", 404)):
            reply = client.call("HEAD", f"{target}?api-version={NEWEST}", headers=bearer)
            assert (reply.status, reply.content) == (status, b"")
        assert client.manage("GET").status == 200


@pytest.mark.linux
def test_a_compressed_body_is_not_unpacked(server: Server) -> None:
    dps = server.start()
    assert dps.management_token
    status = Path(f"/proc/{server.process.pid}/status")

    def peak() -> int:
        """Return the peak memory of the process, in KiB."""
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found
        return int(found[1])

    before = peak()
    bomb = gzip.compress(bytes(100 * KIB * KIB))
    assert len(bomb) < LIMIT
    for coding in ("gzip", "deflate", "br", "zstd"):
        reply = dps.manage("PUT", "/certificates/ca", bomb, headers={"Content-Encoding": coding})
        assert (reply.status, reply.json["code"]) == (400, 400003)
    good = gzip.compress(json.dumps(upload_body(root().pem)).encode())
    assert dps.manage("PUT", "/certificates/ca", good, headers={"Content-Encoding": "gzip"}).status == 400
    assert peak() - before < 30 * KIB


# --- limits -----------------------------------------------------------------------------------------------------------

MARK = "mark-of-this-request"
PARTS = {
    "a header of 20 KiB": f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: {MARK}{'x' * 20 * KIB}\r\n\r\n",
    "a name of 20 KiB": f"GET / HTTP/1.1\r\nHost: localhost\r\n{MARK}{'x' * 20 * KIB}: 1\r\n\r\n",
    "100 headers": "GET / HTTP/1.1\r\n" + "".join(f"X-{n}: {MARK}\r\n" for n in range(100)) + "\r\n",
    "a request line of 20 KiB": f"GET /{MARK}{'x' * 20 * KIB} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a method of 20 KiB": f"{MARK}{'X' * 20 * KIB} / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a head without an end": f"GET /{MARK} HTTP/1.1\r\nX-Endless: " + "x" * 40 * KIB,
    "two lengths": f"PUT /{MARK} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length below zero": f"PUT /{MARK} HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a length and chunks": f"PUT /{MARK} HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": f"GET / HTTP/1.1\r\nHost : {MARK}\r\n\r\n",
    "NUL in a header": f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Nul: {MARK}\0\r\n\r\n",
    "a bare line end": f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Bare: {MARK}\nGET /smuggled HTTP/1.1\r\n\r\n",
    "chunks that are none": f"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{MARK}\r\n",
    "a chunk without an end": f"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab{MARK}\r\n",
}


def test_a_request_that_is_too_large_or_not_http_is_refused_and_logged_without_its_contents(server: Server) -> None:
    dps = server.start()
    statuses = {kind: dps.send_bytes(part.encode()).status for kind, part in PARTS.items()}
    assert {kind: status for kind, status in statuses.items() if not 400 <= status < 500} == {}
    assert dps.call("GET", "/").status == 404
    server.stop()
    _, *lines = server.log.read_text().splitlines()
    assert len(lines) == len(PARTS) + 1
    assert [line for line in lines if MARK in line or "xxxx" in line or "Traceback" in line] == []


def test_a_head_just_within_the_limits_is_read(shared_dps: LocalService) -> None:
    headers = {f"X-{number}": "x" for number in range(50)} | {"X-Large": "x" * 15 * KIB}
    assert shared_dps.manage("GET", headers=headers).status == 200


def test_a_body_in_chunks_over_the_limit_is_refused(shared_dps: LocalService) -> None:
    chunk = b"10000\r\n" + b"x" * 64 * KIB + b"\r\n"
    chunked = head(shared_dps, "PUT", "/enrollmentGroups/g1", "Transfer-Encoding: chunked")
    with connected(shared_dps) as connection:
        connection.sendall(chunked + chunk * 5)
        reply = answer_of(connection)
    assert (reply.status, reply.json["errorCode"]) == (413, 413000)


def test_an_endless_body_is_refused_before_its_end(shared_dps: LocalService) -> None:
    with connected(shared_dps) as connection:
        connection.sendall(token_head(shared_dps, f"Content-Length: {10**12}") + b"x" * (LIMIT + 1))
        reply = answer_of(connection)
        assert (reply.status, set(reply.json)) == (413, {"error", "error_description"})
        until = time.monotonic() + 10
        with contextlib.suppress(OSError):  # it does not read the rest for long
            while time.monotonic() < until:
                connection.sendall(b"x" * 64 * KIB)
            raise AssertionError("it went on listening")
    assert shared_dps.call("GET", "/").status == 404


@pytest.mark.parametrize("when", ["in its head", "in its body", "in its chunks", "after its request", "at once"])
def test_a_client_that_disconnects_during_a_request_leaves_no_trace(server: Server, when: str) -> None:
    dps = server.start()
    parts = {
        "in its head": b"GET / HTTP/1.1\r\nHost: loc",
        "in its body": token_head(dps, "Content-Length: 100") + b"half",
        "in its chunks": token_head(dps, "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n",
        "after its request": head(dps, "GET", "/"),
        "at once": b"",
    }
    for _ in range(3):
        with connected(dps) as connection:
            connection.sendall(parts[when])
    assert dps.call("GET", "/").status == 404
    server.stop()
    assert "Traceback" not in server.log.read_text()
    assert "rror" not in server.log.read_text()


# --- patience ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LocalService, list[RequestRecord]]]:
    """A local DPS whose time limits are fractions of a second."""
    for module, name, seconds in (
        (edge, "_MAX_HEAD_SECONDS", 0.5),
        (edge, "_MAX_BODY_SECONDS", 0.5),
        (listeners, "MAX_HANDSHAKE_SECONDS", 0.5),
    ):
        monkeypatch.setattr(module, name, seconds)
    seen: list[RequestRecord] = []
    with running(tmp_path / "state", observe=seen.append) as connection:
        yield LocalService(connection, tmp_path / "state"), seen


Hasty = tuple[LocalService, list[RequestRecord]]
IN_TIME = (0.4, 4.0)


@contextmanager
def in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert IN_TIME[0] <= time.monotonic() - began < IN_TIME[1]


def drip(connection: ssl.SSLSocket, content: bytes) -> None:
    """Send a byte now and then, until the other side closes the connection."""
    connection.settimeout(0.05)
    for byte in content * 100:
        try:
            connection.sendall(bytes([byte]))
            if connection.recv(4096) == b"":
                return
        except TimeoutError:
            continue
        except (ConnectionError, ssl.SSLError):
            return
    raise AssertionError("it took everything")


def test_a_silent_client_is_disconnected(hasty: Hasty) -> None:
    dps, seen = hasty
    with in_time(), connected(dps) as connection:
        assert dps.call("GET", "/").status == 404  # others are served meanwhile
        ends(connection)
    assert len(seen) == 1


def test_a_client_that_does_not_complete_the_handshake_is_disconnected(hasty: Hasty) -> None:
    dps, _ = hasty
    with in_time(), socket.create_connection((dps.address.hostname, dps.address.port), timeout=PATIENCE) as plain:
        assert dps.call("GET", "/").status == 404
        ends(plain)


def test_a_client_that_sends_its_headers_too_slowly_is_disconnected(hasty: Hasty) -> None:
    dps, seen = hasty
    with in_time(), connected(dps) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Endless: ")
        assert dps.call("GET", "/").status == 404
        drip(connection, b"x")
    assert len(seen) == 1


def test_a_client_that_sends_its_second_headers_too_slowly_is_disconnected(
    hasty: Hasty, monkeypatch: pytest.MonkeyPatch
) -> None:
    dps, _ = hasty
    monkeypatch.setattr(edge, "_MAX_IDLE_SECONDS", 0.5)
    with in_time(), connected(dps) as connection:
        connection.sendall(head(dps, "GET", "/"))
        assert answer_of(connection).status == 404
        connection.sendall(b"GET / HTTP/1.1\r\nX-Endless: ")
        drip(connection, b"x")


@pytest.mark.parametrize("dripping", [False, True], ids=["stops", "drips"])
def test_a_client_that_sends_its_body_too_slowly_is_answered_408_and_disconnected(hasty: Hasty, dripping: bool) -> None:
    dps, seen = hasty
    with in_time(), connected(dps) as connection:
        connection.sendall(head(dps, "PUT", "/enrollmentGroups/g1", "Content-Length: 10000") + b"half")
        assert dps.call("GET", "/").status == 404
        if dripping:
            for _ in range(4):
                connection.sendall(b"x")
                assert dps.call("GET", "/").status == 404
        reply = answer_of(connection)
        assert (reply.status, reply.json["errorCode"]) == (408, 408000)
        ends(connection)
    assert [each.status for each in seen if each.method == "PUT"] == [408]


@pytest.mark.parametrize("chunk", [f"{MARK}\r\n", f"1\r\nab{MARK}\r\n", f"-1\r\n{MARK}\r\n"])
def test_an_invalid_chunk_after_valid_headers_is_refused(
    hasty: Hasty, caplog: pytest.LogCaptureFixture, chunk: str
) -> None:
    dps, seen = hasty
    with connected(dps) as connection:
        connection.sendall(token_head(dps, "Transfer-Encoding: chunked", "Expect: 100-continue"))
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the head is read by now
        connection.sendall(chunk.encode())
        assert answer_of(connection).status in (400, 408)
        ends(connection)
    assert [exchange for exchange in seen if MARK in exchange.line()] == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_client_that_idles_between_two_requests_is_disconnected(
    hasty: Hasty, monkeypatch: pytest.MonkeyPatch
) -> None:
    dps, _ = hasty
    monkeypatch.setattr(edge, "_MAX_IDLE_SECONDS", 0.5)
    with in_time(), connected(dps) as connection:
        connection.sendall(head(dps, "GET", "/"))
        assert answer_of(connection).status == 404
        ends(connection)


def test_many_silent_clients_do_not_delay_others(hasty: Hasty) -> None:
    dps, _ = hasty
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(dps)) for _ in range(50)]
        began = time.monotonic()
        assert dps.manage("GET").status == 200
        assert time.monotonic() - began < 2
        for connection in silent:
            ends(connection)


# --- the log ----------------------------------------------------------------------------------------------------------


def walk(dps: LocalService) -> list[str]:
    """Make requests to all planes with each credential, in right and in wrong places, and return the secrets in them."""
    given = dps.connection
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    good = proof(uploaded, code).pem
    assert dps.verify("ca", good).status == 200
    second = dps.generate_code("ca")["properties"]["verificationCode"]
    private = key_files(uploaded.private_key)["PKCS#8 PEM"].decode()
    assert dps.verify("ca", private).status == 400
    dps.put_group(group_body("g1", reference="ca"))
    keys = dps.keys()
    signed = signature(dps.host, keys["primaryKey"])
    wrong = signature(dps.host, b64encode(b"wrong key of somebody").decode())
    for header, status in ((signed, 200), (wrong, 401), (f"Bearer {dps.management_token}", 401)):
        assert dps.serve("GET", "/enrollmentGroups/g1", headers={"Authorization": header}).status == status
    assert dps.ask_for_token(client_secret="wrong-secret-of-somebody").status == 401
    assert control(dps).status == 200
    assert control(dps, Authorization="Bearer wrong-control-token-of-somebody").status == 401
    individual = {"registrationId": "d1", "attestation": {"type": "symmetricKey", "symmetricKey": {}}}
    symmetric = dps.serve("PUT", "/enrollments/d1", individual).json["attestation"]["symmetricKey"]

    secrets = [
        given["client_secret"], given["control_token"], keys["primaryKey"], keys["secondaryKey"], code, second,
        dps.management_token, dps.service_token, symmetric["primaryKey"], symmetric["secondaryKey"],
        signed.partition("sig=")[2].partition("&")[0], wrong.partition("sig=")[2].partition("&")[0],
    ]  # fmt: skip
    return [*secrets, "wrong-secret-of-somebody", "wrong-control-token-of-somebody", private.splitlines()[1]]


def spellings(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), quote(secret), secret.split(".")[-1]}


def logged(server: Server, secrets: list[str]) -> list[str]:
    """Return the secrets that are in the log, after checking that the search can find something at all."""
    assert server.stop() == 0
    log = server.log.read_text()
    assert "GET    /enrollmentGroups/g1  200  " in log
    return [secret for secret in secrets if any(each in log for each in spellings(secret))]


def test_no_secret_of_a_whole_round_is_in_the_log(server: Server) -> None:
    dps = server.start()
    secrets = walk(dps)
    assert logged(server, secrets) == []
    log = server.log.read_text()
    assert [word for word in ("BEGIN", "SharedAccess", "sig=", "Bearer ey", "client_secret=") if word in log] == []


def test_no_secret_in_a_query_is_in_the_log(server: Server) -> None:
    dps = server.start()
    secrets = walk(dps)
    bearer = {"Authorization": f"Bearer {dps.management_token}"}
    for secret in secrets:
        for name in ("sig", "access_token", "code"):
            query = urlencode({name: secret})
            assert dps.call("GET", f"{dps.root}?{query}", headers=bearer).status == 400
            assert dps.call("GET", f"/enrollmentGroups/g1?{query}").status == 401
    assert logged(server, secrets) == []


def test_no_secret_in_place_of_an_api_version_is_in_the_log(server: Server) -> None:
    dps = server.start()
    secrets = [secret for secret in walk(dps) if "of-somebody" not in secret]
    bearer = {"Authorization": f"Bearer {dps.management_token}"}
    for secret in secrets:
        query = urlencode({"api-version": secret})
        assert dps.call("GET", f"{dps.root}?{query}", headers=bearer).status == 400
    assert logged(server, secrets) == []


def test_no_secret_in_a_path_is_in_the_log(server: Server) -> None:
    """A user may paste the wrong text: anything that may be a key, a token or a code is not logged."""
    dps = server.start()
    secrets = [secret for secret in walk(dps) if "of-somebody" not in secret]  # these can't be recognized as secrets
    for secret in secrets:
        escaped = quote(secret, safe="")
        assert dps.call("GET", f"/{escaped}").status == 404
        assert dps.serve("GET", f"/enrollmentGroups/{escaped}").status == 404
        assert dps.manage("GET", f"/certificates/{escaped}").status == 404
        assert dps.ask_for_token(tenant=escaped).status == 400
        assert dps.ask_for_token(scope=secret).status == 400
    assert logged(server, secrets) == []


def test_a_line_of_the_log_has_method_path_status_time_and_the_reason_of_a_refusal(server: Server) -> None:
    dps = server.start()
    walk(dps)
    control(dps, "PUT", {"rates": {"drop-request": 1}})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        dps.call("GET", "/dropped?query=1")
    server.stop()
    ready, *lines = server.log.read_text().splitlines()
    assert ready.startswith("Local DPS ready at https://localhost:")
    shape = re.compile(r"([A-Z]+) +(/\S*)  (\d{3}|dropped)  \d+\.\d ms(  \S.*)?")
    found = [shape.fullmatch(line) for line in lines]
    assert [line for line, match in zip(lines, found, strict=True) if match is None] == []
    for match in filter(None, found):
        assert (match[4] is not None) is (match[3] == "dropped" or int(match[3]) >= 400)
        assert "?" not in match[2]
    assert re.fullmatch(r"GET    /dropped  dropped  \d+\.\d ms  \[fault drop-request: .+\]", lines[-1])


def test_an_exchange_knows_how_long_it_took(hasty: Hasty) -> None:
    dps, seen = hasty
    began = time.monotonic()
    assert dps.call("GET", "/").status == 404
    (exchange,) = wait_for(lambda: seen or None)
    assert 0 < exchange.seconds < time.monotonic() - began

"""Findings of an attacker, with one test for each."""

import base64
import json
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from helpers.local_dps import RequestRecord, running
from helpers.local_dps.errors import ApiPlane, Refusal
from helpers.local_dps.net import edge, listeners
from tests.crafting import key, root
from tests.encodings import key_files
from tests.local_dps.process import Server, wait_for
from tests.local_dps.wire import LocalService, group_body, upload_body

SKU = {"name": "S1", "capacity": 1}


def bogus_key(bits: int) -> bytes:
    """Return DER with the structure of an RSA private key, whose numbers would take minutes to check."""

    def number(value: int) -> bytes:
        # A DSS signature is a sequence of two INTEGERs: the first of them is one INTEGER in DER.
        whole = encode_dss_signature(value, 1)
        return whole[len(whole) - len(whole.partition(b"\x02")[2]) - 1 : -3]

    inner = b"".join(
        number(value) for value in (0, (1 << bits) + 1, 65537, 3, (1 << bits // 2) + 1, (1 << bits // 2) + 3, 3, 3, 3)
    )
    return b"\x30\x83" + len(inner).to_bytes(3, "big") + inner


def test_a_huge_key_does_not_hold_up_the_others(dps: LocalService) -> None:
    began = time.monotonic()
    reply = dps.manage("PUT", "/certificates/x", upload_body(base64.b64encode(bogus_key(65_536)).decode()))
    assert (reply.status, reply.json["code"]) == (400, 400004)
    assert time.monotonic() - began < 8


KEY = key_files(key())
HIDDEN = {
    "the key's base64 without its armour": base64.b64encode(KEY["PKCS#8 DER"]),
    "the key's PEM in base64": base64.b64encode(KEY["PKCS#8 PEM"]),
    "the key's DER": KEY["PKCS#8 DER"],
    "the key's PEM in UTF-16": KEY["PKCS#8 PEM"].decode().encode("utf-16"),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_text_after_a_certificate_is_not_stored(dps: LocalService, kind: str) -> None:
    authority = root()
    sent = authority.pem.encode() + HIDDEN[kind]
    dps.upload("ca", base64.b64encode(sent).decode())
    told = base64.b64decode(dps.generate_code("ca")["properties"]["certificate"])
    assert told.split() == authority.pem.encode().split()
    for trace in (HIDDEN[kind][40:80], base64.b64encode(sent)[-80:-20]):
        assert trace not in dps.stored_bytes()


def test_text_before_a_certificate_is_accepted_but_not_stored(dps: LocalService) -> None:
    described = f"Bag Attributes\n    friendlyName: mine\n{root().pem}"
    assert dps.upload("ca", base64.b64encode(described.encode()).decode())["properties"]["isVerified"] is False


def test_a_service_without_a_port_is_activated_as_soon_as_there_is_one(
    dps: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_descriptors(*_: Any) -> socket.socket:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(listeners, "_RETRY_INTERVAL_SECONDS", 0.05)
    path = dps.root.rpartition("/")[0] + "/another?api-version=2026-11-01"
    bearer = {"Authorization": f"Bearer {dps.management_token}"}
    with monkeypatch.context() as patch:
        patch.setattr(listeners, "open_port_sockets", no_descriptors)
        body = {"location": "local", "sku": SKU, "properties": {}}
        assert dps.call("PUT", path, body, bearer).status == 201
        assert dps.call("GET", path, None, bearer).json["properties"]["state"] == "Activating"
        assert dps.manage("PUT", "/certificates/ca", upload_body(root().pem)).status == 200

    def state() -> bool | None:
        return dps.call("GET", path, None, bearer).json["properties"]["state"] == "Active" or None

    assert wait_for(state)


def test_a_page_of_large_documents_ends_early_and_nothing_is_left_out(dps: LocalService) -> None:
    twin = {"tags": {"large": "x" * 90_000}}
    for number in range(30):
        body = {"registrationId": f"device-{number}", "attestation": {"type": "symmetricKey"}, "initialTwin": twin}
        assert dps.serve("PUT", f"/enrollments/device-{number}", body).status == 200
    names: list[str] = []
    headers: dict[str, str | bytes] = {}
    while True:
        page = dps.serve("POST", "/enrollments/query", {"query": "*"}, headers=headers)
        assert len(page.content) < 2_000_000
        names += [each["registrationId"] for each in page.json]
        if "x-ms-continuation" not in page.headers:
            break
        headers["x-ms-continuation"] = page.headers["x-ms-continuation"]
    assert sorted(names) == sorted(f"device-{number}" for number in range(30))


def test_a_client_that_reads_no_answer_is_disconnected(dps: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "_MAX_STALLED_WRITE_SECONDS", 0.2)
    plain = socket.create_connection((dps.address.hostname, dps.address.port), timeout=10)
    with dps.context.wrap_socket(plain, server_hostname=dps.address.hostname) as secured:
        request = b"GET /metadata/endpoints HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200
        with pytest.raises(OSError):
            secured.sendall(request * 2_000)
    assert dps.call("GET", "/metadata/endpoints").status == 200


def test_an_unknown_clients_text_fills_neither_log_nor_header(tmp_path: Path) -> None:
    seen: list[RequestRecord] = []
    with running(tmp_path / "state", observe=seen.append) as connection:
        dps = LocalService(connection, tmp_path / "state")
        head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "crit": ["log injection " * 10_000]}).encode())
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        reply = dps.ask_for_token(client_assertion_type=kind, client_assertion=head.decode().rstrip("=") + ".e30.AA")
        assert reply.status == 401
        assert len(reply.headers["x-local-dps-explanation"]) < 500
        assert len(seen[-1].line()) < 1_000
        dps.call("GET", "/enrollments/" + "x%20" * 3_000)
        assert len(seen[-1].line()) < 3_000


def test_a_secret_that_a_client_chose_is_not_in_the_log(tmp_path: Path) -> None:
    seen: list[RequestRecord] = []
    with running(tmp_path / "state", observe=seen.append) as connection:
        dps = LocalService(connection, tmp_path / "state")
        dps.serve("GET", "/enrollments/axj9204g3AttqjjIAWRBxwLQ")
        dps.serve("GET", "/enrollments/walkthrough-devices-of-the-plant")
    assert "axj9204g3" not in seen[-2].line()
    assert "walkthrough-devices-of-the-plant" in seen[-1].line()


def test_a_key_in_a_url_is_neither_in_the_log_nor_in_the_explanation(tmp_path: Path) -> None:
    seen: list[RequestRecord] = []
    with running(tmp_path / "state", observe=seen.append) as connection:
        dps = LocalService(connection, tmp_path / "state")
        dps.serve("GET", "/enrollments/a?code=swordfish")
        reply = dps.serve("GET", "/enrollments/a%3Fcode%3Dswordfish")
    assert reply.headers["x-local-dps-explanation"].startswith("There is no Enrollment 'a?code=... Run a query")
    for exchange in seen[-2:]:
        assert "swordfish" not in exchange.line()


@pytest.mark.parametrize("path", ["/enrollmentGroups/a%20b", "/enrollments/it's", "/enrollments/-pump-"])
def test_the_log_keeps_its_own_words(tmp_path: Path, path: str) -> None:
    seen: list[RequestRecord] = []
    with running(tmp_path / "state", observe=seen.append) as connection:
        LocalService(connection, tmp_path / "state").serve("GET", path)
    line = seen[-1].line()
    assert "…" not in line, line
    assert seen[-1].refusal
    assert seen[-1].refusal.explanation in line


QUOTED = {
    "a short word and an apostrophe": "The name 'pump 1' is taken, so that this one can't be used here at all.",
    "two words": "Neither 'pump 1' nor what is written behind it, which is long enough, is 'pump 2'.",
    "a word that ends in a full stop": "It is 'pump.' and nothing else that you could mean, and it isn't '/pump'.",
}


@pytest.mark.parametrize("kind", QUOTED)
def test_text_between_two_quotations_is_not_a_secret(kind: str) -> None:
    refusal = Refusal(ApiPlane.SERVICE, 400, 1, "No.", QUOTED[kind])
    assert QUOTED[kind] in RequestRecord("GET", "/x", "", {}, b"", 400, 0.0, refusal).line()


def test_a_long_text_in_quotes_is_masked() -> None:
    secret = "correct horse battery staple " * 3
    text = f"There is no group '{secret}' here."
    line = RequestRecord("GET", "/x", "", {}, b"", 404, 0.0, Refusal(ApiPlane.SERVICE, 404, 1, "No.", text)).line()
    assert "correct" not in line
    assert "There is no group '…' here." in line


def test_a_service_does_not_move_to_a_group_of_almost_the_same_name(dps: LocalService) -> None:
    bearer = {"Authorization": f"Bearer {dps.management_token}"}
    above = dps.root.partition("/resourceGroups")[0] + "/resourceGroups"
    statuses = []
    for group in ("%C3%84gypten", "%C3%A4gypten"):
        assert dps.call("PUT", f"{above}/{group}?api-version=2022-12-01", {"location": "local"}, bearer).status == 201
        path = f"{above}/{group}/providers/Microsoft.Devices/provisioningServices/uni-svc?api-version=2026-11-01"
        body = {"location": "local", "sku": SKU, "properties": {}}
        statuses.append(dps.call("PUT", path, body, bearer).status)
    assert statuses == [201, 409]


@pytest.mark.parametrize("host", ["xn--", "a..b", "[::1", "localhost:99999"])
def test_a_first_line_with_a_strange_host_is_answered(dps: LocalService, host: str) -> None:
    reply = dps.send_bytes(f"GET http://{host}/metadata/endpoints HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert reply.status in (200, 400)


@pytest.mark.parametrize("given", [None, 5, True, ["none"]])
def test_an_id_that_is_not_text_is_not_the_id_of_the_path(dps: LocalService, given: Any) -> None:
    body = {**group_body("x", signing=root().pem), "enrollmentGroupId": given}
    for path in ("None", "none", "5", "true"):
        assert dps.serve("PUT", f"/enrollmentGroups/{path}", body).status == 400


@pytest.mark.parametrize("empty", ['""', " "])
def test_an_empty_etag_matches_nothing(dps: LocalService, empty: str) -> None:
    dps.put_group(group_body("g1", signing=root().pem))
    assert dps.serve("DELETE", "/enrollmentGroups/g1", if_match=empty).status == 412
    assert dps.manage("DELETE", if_match=empty).status == 412
    assert dps.group("g1")


def test_an_item_of_a_bulk_may_have_its_etag_in_quotes(dps: LocalService) -> None:
    present = dps.put_group(group_body("g1", signing=root().pem))
    item = {**group_body("g1", signing=root().pem), "etag": f'"{present["etag"]}"'}
    reply = dps.serve("POST", "/enrollmentGroups", {"mode": "updateIfMatchETag", "enrollmentGroups": [item]})
    assert reply.json == {"isSuccessful": True, "errors": []}


@pytest.mark.unix
def test_a_folder_that_is_not_ours_keeps_its_permissions(server: Server) -> None:
    server.state.mkdir(mode=0o755)
    server.state.chmod(0o755)
    server.start()
    assert server.state.stat().st_mode & 0o777 == 0o755
    assert (server.state / "dps.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_key_in_a_hubs_policy_name_is_not_stored(dps: LocalService) -> None:
    service = dps.manage("GET").json
    secret = base64.b64encode(b"a hub's own key, 32 bytes long..").decode()
    linked = f"HostName=mine.azure-devices.net;SharedAccessKeyName=SharedAccessKey={secret}"
    service["properties"]["iotHubs"] = [{"connectionString": linked, "location": "local"}]
    assert dps.manage("PUT", "", service).status == 201
    assert secret.encode() not in dps.stored_bytes()


@pytest.mark.unix
def test_when_no_more_files_can_be_opened_the_log_stays_short_and_clients_connect_later(server: Server) -> None:
    few = ["bash", "-c", 'ulimit -n 128; exec "$@"', "bash", *server.command()]
    with server.log.open("ab") as log:
        server.processes.append(subprocess.Popen(few, stdout=log, stderr=subprocess.STDOUT))
    dps = server.connected()
    with ExitStack() as stack:
        for _ in range(220):
            stack.enter_context(socket.create_connection((dps.address.hostname, dps.address.port), timeout=10))
        time.sleep(2)
        assert server.log.stat().st_size < 5_000
        assert server.log.read_text().count("Too many open files") == 1
    wait_for(lambda: dps.call("GET", "/metadata/endpoints").status == 200 or None)
    assert "Traceback" not in server.log.read_text()

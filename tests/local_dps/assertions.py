"""The shape of the answers that a local DPS gives: certificates, and the errors of both planes."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from cryptography.hazmat.primitives import hashes

from tests.crafting import Crafted
from tests.local_dps.wire import LocalService, Reply

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SEVEN_DIGITS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z"
RFC_1123 = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT"
CERTIFICATE_FIELDS = {"subject", "expiry", "thumbprint", "isVerified", "created", "updated", "certificate"}


def assert_service_refuses(reply: Reply, status: int, code: int, message: str | None = None) -> None:
    """Check the error body of the service plane."""
    assert reply.status == status, reply.content
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    body = reply.json
    assert set(body) == {"errorCode", "trackingId", "message", "timestampUtc"}
    assert body["errorCode"] == code
    assert re.fullmatch(GUID, body["trackingId"])
    assert reply.headers["x-ms-request-id"] == body["trackingId"]
    assert re.fullmatch(SEVEN_DIGITS, body["timestampUtc"])
    assert message is None or body["message"] == message


def assert_is_certificate(answer: Mapping[str, Any], dps: LocalService, name: str, uploaded: Crafted) -> None:
    """Check the envelope that the answers of upload, get, list, generate and verify share."""
    assert set(answer) == {"properties", "id", "name", "type", "etag"}
    assert answer["id"] == f"{dps.root}/certificates/{name}"
    assert answer["name"] == name
    assert answer["type"] == "Microsoft.Devices/provisioningServices/Certificates"
    assert re.fullmatch(f'"{GUID}"', base64.b64decode(answer["etag"], validate=True).decode())
    properties = answer["properties"]
    for field in ("expiry", "created", "updated"):
        assert re.fullmatch(RFC_1123, properties[field])
    assert parsedate_to_datetime(properties["expiry"]) == uploaded.certificate.not_valid_after_utc
    for field in ("created", "updated"):
        assert abs((parsedate_to_datetime(properties[field]) - datetime.now(UTC)).total_seconds()) < 60
    assert re.fullmatch(r"[0-9A-F]{40}", properties["thumbprint"])
    assert properties["thumbprint"] == uploaded.certificate.fingerprint(hashes.SHA1()).hex().upper()
    assert uploaded.certificate.subject.rfc4514_string().endswith(properties["subject"].removeprefix("CN="))


def assert_provider_refuses(reply: Reply, status: int, code: int, phrase: str, message: str = "") -> None:
    """Check the flat error body of the resource provider."""
    assert reply.status == status, reply.content
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    body = reply.json
    assert set(body) == {"code", "httpStatusCode", "message"}
    assert (body["code"], body["httpStatusCode"]) == (code, phrase)
    assert body["message"].startswith(message)
    support = (
        r".* If you contact a support representative please include this correlation identifier: (" + GUID + r"), "
        rf"timestamp: \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ, errorcode: IH{code}\."
    )
    assert re.fullmatch(support, body["message"], re.DOTALL)

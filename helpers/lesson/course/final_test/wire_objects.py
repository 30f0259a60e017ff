"""Requests to DPS and its answers, in the form in which the notebooks record them."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.certificates import certificate_pem, describe
from helpers.dps import Exchange
from helpers.lesson.course.final_test.chain_objects import name_at_dps
from helpers.lesson.course.final_test.objects import Shown, maker, new_cast
from helpers.lesson.course.final_test.proof_objects import new_code
from helpers.lesson.figures import Listing, RecordedExchanges

__all__: list[str] = []

_ARM = "https://management.azure.com/subscriptions/…/providers/Microsoft.Devices/provisioningServices/my-dps"
_SERVICE = "https://my-dps.azure-devices-provisioning.net"


def _etag() -> str:
    """Return an ETag in the form that DPS uses, shortened."""
    return base64.b64encode(secrets.token_bytes(6)).decode()


@dataclass(frozen=True)
class _Record:
    """A CA's record at DPS, and the requests about it."""

    name: str
    thumbprint: str
    certificate: str

    def upload(self, etag: str, *, self_attested: bool = False) -> Exchange:
        body = {"certificate": self.certificate, **({"isVerified": True} if self_attested else {})}
        return self._exchange("PUT", "", {}, {"properties": body}, 200, self._answer(etag, self_attested))

    def ask(self, sent: str, code: str, etag: str) -> Exchange:
        answer = self._answer(etag, False)
        answer["properties"]["verificationCode"] = code
        return self._exchange("POST", "/generateVerificationCode", {"If-Match": sent}, None, 200, answer)

    def verify(self, sent: str, status: int, answer: Any) -> Exchange:
        return self._exchange("POST", "/verify", {"If-Match": sent}, {"certificate": "MIIB…"}, status, answer)

    def _answer(self, etag: str, verified: bool) -> dict[str, Any]:
        return {"properties": {"thumbprint": self.thumbprint, "isVerified": verified}, "etag": etag}

    def _exchange(
        self, method: str, action: str, headers: Mapping[str, str], body: Any, status: int, answer: Any
    ) -> Exchange:
        url = f"{_ARM}/certificates/{self.name}{action}?api-version=2026-11-01"
        return Exchange("management", method, url, headers, body, status, {}, answer)


def _new_record() -> tuple[_Record, str]:
    """Return a new CA's record, and the CA's common name."""
    factory = new_cast().factory
    facts = describe(factory.certificate)
    text = base64.b64encode(certificate_pem(factory.certificate)).decode()
    return _Record(name_at_dps(factory), facts.sha1, f"{text[:40]}…"), facts.common_name


@maker
def upload_answered() -> Shown:
    """The answer to an upload: not verified."""
    record, ca = _new_record()
    return Shown(RecordedExchanges("A request to DPS", [record.upload(_etag())]), {"ca": ca})


@maker
def two_etags() -> Shown:
    """An upload and a request for a code, each of which brought an ETag."""
    record, ca = _new_record()
    uploaded, asked = _etag(), _etag()
    exchanges = [record.upload(uploaded), record.ask(uploaded, new_code(), asked)]
    return Shown(RecordedExchanges("Two requests so far", exchanges), {"ca": ca, "uploaded": uploaded, "asked": asked})


@maker
def two_codes() -> Shown:
    """Two requests for a code, one after the other."""
    record, ca = _new_record()
    etags, first, second = [_etag() for _ in range(3)], new_code(), new_code()
    exchanges = [record.ask(etags[0], first, etags[1]), record.ask(etags[1], second, etags[2])]
    return Shown(
        RecordedExchanges("A script ran twice", exchanges),
        {"ca": ca, "first": f"{first[:8]}…", "second": f"{second[:8]}…"},
    )


@maker
def stale_verify() -> Shown:
    """A verification that DPS answers with 412."""
    record, ca = _new_record()
    uploaded = _etag()
    message = "Invalid ETag supplied. … errorcode: IH412001."
    refused = {"code": 412001, "httpStatusCode": "PreconditionFailed", "message": message}
    exchanges = [
        record.upload(uploaded),
        record.ask(uploaded, new_code(), _etag()),
        record.verify(uploaded, 412, refused),
    ]
    return Shown(RecordedExchanges("Three requests", exchanges), {"ca": ca})


@maker
def uploaded_as_verified() -> Shown:
    """A self-attestation."""
    record, ca = _new_record()
    return Shown(RecordedExchanges("A request to DPS", [record.upload(_etag(), self_attested=True)]), {"ca": ca})


@maker
def group_created() -> Shown:
    """The request that creates a group, which goes to the service plane."""
    cast = new_cast()
    reference = {"caReferences": {"primary": name_at_dps(cast.factory)}}
    body = {"enrollmentGroupId": "devices", "attestation": {"type": "x509", "x509": reference}}
    url = f"{_SERVICE}/enrollmentGroups/devices?api-version=2021-10-01"
    sent = {"If-None-Match": "*", "Authorization": "Bearer (left out)"}
    exchange = Exchange("service", "PUT", url, sent, body, 200, {}, {**body, "etag": _etag()})
    return Shown(RecordedExchanges("A request to DPS", [exchange]))


@maker
def answer_401002() -> Shown:
    """The answer to a device whose chain leads to no verified CA that DPS can find."""
    cast = new_cast()
    issuer = describe(cast.factory.certificate).common_name
    says = [
        f"PUT /…/registrations/{cast.device_id}/register",
        f"In its handshake, the device sent one certificate: {cast.device_id}, issued by {issuer}",
        "401",
        '{"errorCode": 401002, "message": "CA certificate not found."}',
    ]
    names = {
        "device": cast.device_id,
        "ca": issuer,
        "root": describe(cast.root.certificate).common_name,
    }
    return Shown(Listing("A device registers", says), names)

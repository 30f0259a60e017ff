"""The management plane: CA certificates and the service resource, as Azure Resource Manager serves them."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from helpers.local_dps import errors
from helpers.local_dps.certificates import (
    NotACertificate,
    PrivateKeyInside,
    certificate_summary,
    judge_proof,
    read,
)
from helpers.local_dps.routing import Answer, Call, Handler, Route
from helpers.local_dps.store import AccessPolicy, ServiceRow, Store, StoredCertificate, new_etag
from helpers.local_dps.tokens import MANAGEMENT, check_token

__all__ = ["ManagementPlane"]

_API_VERSIONS = (
    "2017-08-21-preview",
    "2017-11-15",
    "2018-01-22",
    "2020-01-01",
    "2020-03-01",
    "2020-09-01-preview",
    "2021-10-15",
    "2022-02-05",
    "2022-12-12",
    "2023-03-01-preview",
    "2025-02-01-preview",
    "2026-11-01",
)
_NESTED_SINCE = "2022-02-05"  # since then an upload's fields stand under "properties"
_CERTIFICATE_LIMIT = 25
_CERTIFICATE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ROOT = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Devices/provisioningServices/{service}"
)


class ManagementPlane:
    """Every call needs a bearer token for Azure Resource Manager and a known api-version."""

    def __init__(self, store: Store, service_host: str, device_host: str) -> None:
        self._store = store
        self._service_host = service_host
        self._device_host = device_host
        certificate = _ROOT + "/certificates/{name}"
        self.routes = (
            Route("GET", _ROOT, self._guarded(self._get_service)),
            Route("POST", _ROOT + "/listkeys", self._guarded(self._list_keys)),
            Route("GET", _ROOT + "/certificates", self._guarded(self._list_certificates)),
            Route("GET", certificate, self._guarded(self._get_certificate)),
            Route("PUT", certificate, self._guarded(self._put_certificate)),
            Route("DELETE", certificate, self._guarded(self._delete_certificate)),
            Route("POST", certificate + "/generateVerificationCode", self._guarded(self._generate_code)),
            Route("POST", certificate + "/verify", self._guarded(self._verify)),
        )

    def _guarded(self, handler: Handler) -> Handler:
        """The handler behind the front door: token first, so that a stranger learns nothing, then api-version."""

        def guarded(call: Call) -> Answer:
            if not check_token(call.headers.get("authorization", ""), self._store.identity(), MANAGEMENT):
                raise errors.management_unauthorized()
            version = call.query.get("api-version", "")
            if not version:
                raise errors.api_version_required()
            if version not in _API_VERSIONS:
                raise errors.api_version_unknown(version, ", ".join(_API_VERSIONS))
            return handler(call)

        return guarded

    # --- the service resource ---

    def _get_service(self, call: Call) -> Answer:
        service = self._service(call)
        properties = {
            "state": "Active",
            "provisioningState": "Succeeded",
            "iotHubs": [{"name": hub, "location": "local", "connectionString": None} for hub in service.iot_hubs],
            "allocationPolicy": "Hashed",
            "serviceOperationsHostName": self._service_host,
            "deviceProvisioningHostName": self._device_host,
            "idScope": service.id_scope,
        }
        return Answer(
            200,
            {
                "etag": service.etag,
                "name": service.name,
                "location": "local",
                "properties": properties,
                "resourcegroup": service.resource_group,
                "type": "Microsoft.Devices/provisioningServices",
                "id": _service_id(service),
                "subscriptionid": service.subscription_id,
                "tags": {},
                "sku": {"name": "S1", "tier": "Standard", "capacity": 1},
            },
        )

    def _list_keys(self, call: Call) -> Answer:
        return Answer(200, {"value": [_rule(policy) for policy in self._service(call).policies]})

    # --- certificates ---

    def _list_certificates(self, call: Call) -> Answer:
        service = self._service(call)
        rows = self._store.certificates(service.id)
        return Answer(200, {"value": [_certificate(service, row) for row in rows]})

    def _get_certificate(self, call: Call) -> Answer:
        service = self._service(call)
        return Answer(200, _certificate(service, self._certificate(service, call)))

    def _put_certificate(self, call: Call) -> Answer:
        service = self._service(call)
        name = call.parameters["name"]
        if not _CERTIFICATE_NAME.fullmatch(name):
            raise errors.bad_certificate_name(name)
        present = self._store.certificate(service.id, name)
        self._check_put_conditions(call, service, present)
        fields = _fields(call)
        body, der = _read_certificate(fields)
        claimed = fields.get("isVerified")
        if not isinstance(claimed, bool | None):
            raise errors.body_not_understood("isVerified is neither true nor false.")
        same = present is not None and present.der == der
        stamp = call.now.isoformat()
        row = StoredCertificate(
            service=service.id,
            name=present.name if present else name,
            body=body,
            der=der,
            verified=claimed if claimed is not None else bool(same and present and present.verified),
            code=present.code if same and present else None,
            etag=new_etag(),
            created=present.created if present else stamp,
            updated=stamp,
        )
        self._store.put_certificate(row)
        return Answer(200, _certificate(service, row))

    def _check_put_conditions(self, call: Call, service: ServiceRow, present: StoredCertificate | None) -> None:
        """If-Match is "required to update an existing certificate, and ignored while creating a brand new" one."""
        if present is None:
            if len(self._store.certificates(service.id)) >= _CERTIFICATE_LIMIT:
                raise errors.too_many_certificates(_CERTIFICATE_LIMIT)
        elif "if-none-match" in call.headers or call.if_match() not in ("*", present.etag):
            raise errors.stale_etag()

    def _delete_certificate(self, call: Call) -> Answer:
        service = self._service(call)
        row = self._matched_certificate(service, call)
        self._store.delete_certificate(service.id, row.name)
        return Answer(200)

    def _generate_code(self, call: Call) -> Answer:
        service = self._service(call)
        code = secrets.token_hex(24).upper()
        row = self._change(self._matched_certificate(service, call), call.now, code=code, verified=False)
        answer = _certificate(service, row)
        answer["properties"] |= {"verificationCode": code, "certificate": row.body}
        return Answer(200, answer)

    def _verify(self, call: Call) -> Answer:
        service = self._service(call)
        row = self._matched_certificate(service, call)
        _, proof = _read_certificate(_object(call))
        judge_proof(proof, row.der, row.code, call.now)
        return Answer(200, _certificate(service, self._change(row, call.now, code=None, verified=True)))

    # --- inside ---

    def _service(self, call: Call) -> ServiceRow:
        wanted = tuple(call.parameters[name].lower() for name in ("subscription", "group", "service"))
        for service in self._store.services():
            if wanted == tuple(
                part.lower() for part in (service.subscription_id, service.resource_group, service.name)
            ):
                return service
        raise errors.resource_not_found(f"Microsoft.Devices/provisioningServices/{call.parameters['service']}")

    def _certificate(self, service: ServiceRow, call: Call) -> StoredCertificate:
        row = self._store.certificate(service.id, call.parameters["name"])
        if row is None:
            raise errors.certificate_not_found(call.parameters["name"])
        return row

    def _matched_certificate(self, service: ServiceRow, call: Call) -> StoredCertificate:
        """The certificate that a call may change: it must name the present ETag, or any."""
        row = self._certificate(service, call)
        match call.if_match():
            case None:
                raise errors.etag_required()
            case "*" | row.etag:
                return row
            case _:
                raise errors.stale_etag()

    def _change(self, row: StoredCertificate, now: datetime, *, code: str | None, verified: bool) -> StoredCertificate:
        changed = replace(row, code=code, verified=verified, etag=new_etag(), updated=now.isoformat())
        self._store.put_certificate(changed)
        return changed


def _object(call: Call) -> Mapping[str, Any]:
    try:
        return call.json_object()
    except ValueError as error:
        raise errors.body_not_understood("The body is not a JSON object.") from error


def _fields(call: Call) -> Mapping[str, Any]:
    """An upload's fields, from where this api-version has them."""
    body = _object(call)
    fields = body.get("properties") if call.query["api-version"] >= _NESTED_SINCE else body
    if not isinstance(fields, dict):
        raise errors.body_not_understood("It has no properties.")
    return fields


def _read_certificate(fields: Mapping[str, Any]) -> tuple[str, bytes]:
    """The certificate as sent, and its DER."""
    text = fields.get("certificate")
    if not isinstance(text, str) or not text:
        raise errors.body_not_understood("It has no certificate.")
    try:
        return text, read(text)
    except PrivateKeyInside as error:
        raise errors.private_key_refused() from error
    except NotACertificate as error:
        raise errors.certificate_not_understood() from error


def _certificate(service: ServiceRow, row: StoredCertificate) -> dict[str, Any]:
    """The answer of every certificate call. `certificate` is null but in the answer that carries a new code."""
    times = {"created": _rfc1123(row.created), "updated": _rfc1123(row.updated)}
    properties = {**certificate_summary(row.der), "isVerified": row.verified, **times, "certificate": None}
    return {
        "properties": properties,
        "id": f"{_service_id(service)}/certificates/{row.name}",
        "name": row.name,
        "type": "Microsoft.Devices/provisioningServices/Certificates",
        "etag": row.etag,
    }


def _service_id(service: ServiceRow) -> str:
    return _ROOT.format(subscription=service.subscription_id, group=service.resource_group, service=service.name)


def _rule(policy: AccessPolicy) -> Mapping[str, str]:
    return {
        "keyName": policy.name,
        "primaryKey": policy.primary_key,
        "secondaryKey": policy.secondary_key,
        "rights": policy.rights,
    }


def _rfc1123(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp):%a, %d %b %Y %H:%M:%S} GMT"

"""The service plane: enrollment groups."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from helpers.local_dps import errors
from helpers.local_dps.certificates import NotACertificate, PrivateKeyInside, certificate_info, read
from helpers.local_dps.routing import Answer, Call, Handler, Route
from helpers.local_dps.store import GroupRow, ServiceRow, Store, new_etag
from helpers.local_dps.tokens import check_service_credential

__all__ = ["ServicePlane"]

_API_VERSIONS = ("2017-11-15", "2018-04-01", "2018-09-01-preview", "2019-03-31", "2021-10-01")
_GROUP_LIMIT = 100
_PAGE_LIMIT = 1000
_GROUP_ID = re.compile(r"[A-Za-z0-9._:-]{0,127}[A-Za-z0-9-]")
_QUERY = re.compile(r"\s*SELECT\s+\*(\s+FROM\s+enrollmentGroups)?\s*", re.IGNORECASE)
_ALLOCATION_POLICIES = ("hashed", "geoLatency", "static", "custom")
_STATUSES = ("enabled", "disabled")


class ServicePlane:
    """Every call needs a shared access signature with the right that it takes, or a bearer token for this plane."""

    def __init__(self, store: Store, host: str) -> None:
        self._store = store
        self._host = host
        group = "/enrollmentGroups/{id}"
        self.routes = (
            Route("POST", "/enrollmentGroups/query", self._guarded("EnrollmentRead", self._query)),
            Route("GET", group, self._guarded("EnrollmentRead", self._get)),
            Route("PUT", group, self._guarded("EnrollmentWrite", self._put)),
            Route("DELETE", group, self._guarded("EnrollmentWrite", self._delete)),
        )

    def _guarded(self, right: str, handler: Handler) -> Handler:
        def guarded(call: Call) -> Answer:
            authorization = call.headers.get("authorization", "")
            check_service_credential(
                authorization, self._store.identity(), self._service(), self._host, call.path, right, call.now
            )
            if call.query.get("api-version") not in _API_VERSIONS:
                raise errors.service_request_invalid(
                    "The api-version is missing or not supported.",
                    f"Add ?api-version= with one of {', '.join(_API_VERSIONS)}.",
                )
            return handler(call)

        return guarded

    def _get(self, call: Call) -> Answer:
        return Answer(200, _group(self._require_group(call)))

    def _put(self, call: Call) -> Answer:
        """Without If-Match: create, and only create. With it: change the group that has that ETag."""
        service, group_id = self._service(), call.parameters["id"]
        present = self._store.group(service.id, group_id)
        if present is None and call.if_match() not in (None, "*"):
            raise errors.group_not_found(group_id)
        if present is not None:
            self._require_match(call, present)
        elif self._store.group_count(service.id) >= _GROUP_LIMIT:
            raise errors.too_many_groups(_GROUP_LIMIT)
        document = self._document(call, service)
        stamp = _timestamp(call.now)
        created = present.created if present else stamp
        row = GroupRow(service.id, present.id if present else group_id, document, new_etag(), created, stamp)
        self._store.put_group(row)
        return Answer(200, _group(row))

    def _delete(self, call: Call) -> Answer:
        row = self._require_group(call)
        if call.if_match() not in (None, "*", row.etag):
            raise errors.service_stale_etag()
        self._store.delete_group(row.service, row.id)
        return Answer(204)

    def _query(self, call: Call) -> Answer:
        query = _object(call).get("query")
        if not isinstance(query, str) or not _QUERY.fullmatch(query):
            raise errors.service_request_invalid(
                "The query is not supported.", "The local DPS answers SELECT * and SELECT * FROM enrollmentGroups."
            )
        size = _page_size(call.headers.get("x-ms-max-item-count"))
        after = _read_continuation(call.headers.get("x-ms-continuation", ""))
        rows = self._store.groups(self._service().id, after=after, limit=size + 1)
        headers = {"x-ms-item-type": "EnrollmentGroup", "x-ms-max-item-count": str(size)}
        if len(rows) > size:
            headers["x-ms-continuation"] = _continuation(rows[size - 1].id)
        return Answer(200, [_group(row) for row in rows[:size]], headers)

    # --- inside ---

    def _service(self) -> ServiceRow:
        return self._store.services()[0]

    def _require_group(self, call: Call) -> GroupRow:
        row = self._store.group(self._service().id, call.parameters["id"])
        if row is None:
            raise errors.group_not_found(call.parameters["id"])
        return row

    def _require_match(self, call: Call, present: GroupRow) -> None:
        match call.if_match():
            case None:
                raise errors.group_exists()
            case "*" | present.etag:
                return
            case _:
                raise errors.service_stale_etag()

    def _document(self, call: Call, service: ServiceRow) -> Mapping[str, Any]:
        """Kept of a group: the fields that the service knows, checked; null ones left out, except the status."""
        sent, group_id = _object(call), call.parameters["id"]
        if not _GROUP_ID.fullmatch(group_id):
            raise errors.service_request_invalid(
                "The enrollment group id is invalid.",
                "An id has up to 128 letters, digits and - . _ : and ends in a letter, a digit or a hyphen.",
            )
        if str(sent.get("enrollmentGroupId", "")).lower() != group_id.lower():
            raise errors.service_request_invalid(
                "The enrollmentGroupId does not match the id in the path.", "Send the same id in the path and the body."
            )
        _require_choice(sent, "provisioningStatus", _STATUSES)
        _require_choice(sent, "allocationPolicy", _ALLOCATION_POLICIES)
        _require_flags(sent, "reprovisionPolicy", ("updateHubAssignment", "migrateDeviceData"))
        _require_flags(sent, "capabilities", ("iotEdge",))
        _require_twin(sent)
        _require_hubs(sent, service)
        kept = {name: sent[name] for name in _ECHOED if sent.get(name) is not None}
        return {
            "attestation": self._attestation(sent.get("attestation"), service),
            "provisioningStatus": sent.get("provisioningStatus", "enabled"),
            **kept,
        }

    def _attestation(self, sent: Any, service: ServiceRow) -> Mapping[str, Any]:
        x509 = sent.get("x509") if isinstance(sent, dict) else None
        if not isinstance(x509, dict):
            raise errors.attestation_required()
        if sent.get("type") != "x509":
            raise errors.service_request_invalid(
                "The attestation type is not supported.", "The local DPS keeps groups with X.509 attestation only."
            )
        references, certificates = x509.get("caReferences"), x509.get("signingCertificates")
        if references and certificates:
            raise errors.service_request_invalid(
                "Both signingCertificates and caReferences were given.",
                "A group is bound to its CA in one way.",
            )
        if isinstance(references, dict) and references.get("primary"):
            return {"type": "x509", "x509": {"caReferences": self._ca_references(references, service)}}
        if isinstance(certificates, dict) and certificates.get("primary"):
            signing = {
                slot: _signing_certificate(certificates[slot])
                for slot in ("primary", "secondary")
                if certificates.get(slot)
            }
            return {"type": "x509", "x509": {"signingCertificates": signing}}
        raise errors.attestation_required()

    def _ca_references(self, sent: Mapping[str, Any], service: ServiceRow) -> Mapping[str, str | None]:
        """The names of uploaded certificates. Whether they are verified is asked when a device registers."""
        references = {slot: sent.get(slot) or None for slot in ("primary", "secondary")}
        for name in references.values():
            if name is not None and (not isinstance(name, str) or self._store.certificate(service.id, name) is None):
                raise errors.ca_reference_not_found(str(name))
        return references


_ECHOED = (
    "capabilities",
    "reprovisionPolicy",
    "allocationPolicy",
    "iotHubs",
    "iotHubHostName",
    "customAllocationDefinition",
    "initialTwin",
)


def _group(row: GroupRow) -> Mapping[str, Any]:
    return {
        "enrollmentGroupId": row.id,
        **row.document,
        "attestation": _without_certificates(row.document["attestation"]),
        "etag": row.etag,
        "createdDateTimeUtc": row.created,
        "lastUpdatedDateTimeUtc": row.updated,
    }


def _object(call: Call) -> Mapping[str, Any]:
    try:
        return call.json_object()
    except ValueError as error:
        raise errors.service_request_invalid("The request body is invalid.", "It is not a JSON object.") from error


def _without_certificates(attestation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The service describes a signing certificate in its answers, and never returns it."""
    signing = attestation["x509"].get("signingCertificates")
    if signing is None:
        return attestation
    described = {slot: {"info": kept["info"]} for slot, kept in signing.items()}
    return {"type": "x509", "x509": {"signingCertificates": described}}


def _signing_certificate(sent: Any) -> Mapping[str, Any]:
    """What is kept of a signing certificate: its DER in base64 and its description."""
    text = sent.get("certificate") if isinstance(sent, dict) else None
    if not isinstance(text, str) or not text:
        raise errors.attestation_required()
    try:
        der = read(text)
    except PrivateKeyInside as error:
        raise errors.service_request_invalid(
            "The certificate contains a private key.", "A private key was sent; nothing of it was kept."
        ) from error
    except NotACertificate as error:
        raise errors.service_request_invalid(
            "The certificate is invalid.", "It is neither PEM nor base64 of DER."
        ) from error
    return {"certificate": base64.b64encode(der).decode(), "info": certificate_info(der)}


def _require_choice(sent: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> None:
    value = sent.get(name)
    if value is not None and value not in choices:
        raise errors.service_request_invalid(f"{name} is invalid.", f"It is one of {', '.join(choices)}.")


def _require_flags(sent: Mapping[str, Any], name: str, flags: tuple[str, ...]) -> None:
    value = sent.get(name)
    if value is None:
        return
    if not isinstance(value, dict) or not all(isinstance(value.get(flag), bool) for flag in flags):
        raise errors.service_request_invalid(f"{name} is invalid.", f"It has {' and '.join(flags)}: true or false.")


def _require_twin(sent: Mapping[str, Any]) -> None:
    twin = sent.get("initialTwin")
    if twin is not None and not isinstance(twin, dict):
        raise errors.service_request_invalid("initialTwin is invalid.", "It is an object with tags and properties.")


def _require_hubs(sent: Mapping[str, Any], service: ServiceRow) -> None:
    """ "Must be a subset of tenant level list of IoT hubs", says the service's own description of iotHubs."""
    hubs = sent.get("iotHubs")
    if hubs is None:
        hubs = []
    if not isinstance(hubs, list) or not all(isinstance(hub, str) for hub in hubs):
        raise errors.service_request_invalid("iotHubs is invalid.", "It is a list of host names.")
    unknown = sorted(set(hubs) - set(service.iot_hubs))
    if unknown:
        raise errors.service_request_invalid(
            f"IoT hub '{unknown[0]}' is not linked.", f"Linked to this service: {', '.join(service.iot_hubs)}."
        )
    if sent.get("allocationPolicy") == "static" and len(hubs) != 1 and not sent.get("iotHubHostName"):
        raise errors.service_request_invalid(
            "A static allocation policy takes exactly one IoT hub.", "Name one linked hub in iotHubs."
        )
    if sent.get("allocationPolicy") == "custom" and not isinstance(sent.get("customAllocationDefinition"), dict):
        raise errors.service_request_invalid(
            "A custom allocation policy needs customAllocationDefinition.", "Give webhookUrl and apiVersion."
        )


def _page_size(header: str | None) -> int:
    if header is None:
        return _PAGE_LIMIT
    if not re.fullmatch(r"[0-9]{1,9}", header) or not 1 <= int(header) <= _PAGE_LIMIT:
        raise errors.service_request_invalid(
            "x-ms-max-item-count is invalid.", f"It is a whole number from 1 to {_PAGE_LIMIT}."
        )
    return int(header)


def _continuation(last_id: str) -> str:
    return base64.urlsafe_b64encode(f"after {last_id}".encode()).decode()


def _read_continuation(token: str) -> str:
    if not token:
        return ""
    try:
        word, _, last_id = base64.urlsafe_b64decode(token).decode().partition(" ")
        if word == "after" and _GROUP_ID.fullmatch(last_id):
            return last_id
        raise ValueError
    except (binascii.Error, ValueError) as error:
        raise errors.service_request_invalid(
            "x-ms-continuation is invalid.", "Send back what the page before gave, and nothing else."
        ) from error


def _timestamp(now: datetime) -> str:
    """Seven fractional digits, as .NET writes them."""
    return f"{now:%Y-%m-%dT%H:%M:%S.%f}0Z"

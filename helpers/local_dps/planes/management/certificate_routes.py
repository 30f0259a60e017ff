"""CA certificates: upload, read, delete, generate a verification code, and verify."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ...errors import resource_provider as errors
from ...request.routing import Request, Response, Route
from ...store import ServiceRow, Store, StoredCertificate, new_etag
from ...x509.description import certificate_summary, short_subject
from ...x509.proof import judge_proof
from ...x509.reading import NotACertificate, PrivateKeyInside, read_certificate, text_to_store
from .management_door import SERVICE_PATH, SERVICE_RESOURCE_TYPE, ManagementDoor, provider_body, resource_id

__all__ = ["CertificateRoutes"]

_NESTED_SINCE = "2022-02-05"  # since then, the fields of an upload are in "properties"
_SELF_ATTESTED_SINCE = "2020-01-01"  # earlier versions have no isVerified in an upload
_ECHOED_SINCE = "2018-01-22"  # earlier versions have no "certificate" in answers
_BARE_SUBJECT_SINCE = "2020-01-01"  # recordings from 2018 show CN=…, those from 2022 the common name alone
_MAX_CERTIFICATES = 25
_CERTIFICATE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class CertificateRoutes:
    """The routes of CA certificates. Every change requires the certificate's current ETag, and gives it a new one."""

    def __init__(self, store: Store, door: ManagementDoor) -> None:
        self._store = store
        self._door = door
        one = SERVICE_PATH + "/certificates/{name}"
        self.routes = (
            Route("GET", SERVICE_PATH + "/certificates", door.of_dps(self._list)),
            Route("GET", one, door.of_dps(self._get)),
            Route("HEAD", one, door.of_dps(self._exists)),
            Route("PUT", one, door.of_dps(self._put)),
            Route("DELETE", one, door.of_dps(self._delete)),
            Route("POST", one + "/generateVerificationCode", door.of_dps(self._generate_code)),
            Route("POST", one + "/verify", door.of_dps(self._verify)),
        )

    def _list(self, request: Request) -> Response:
        service = self._door.service(request)
        return Response(
            200, {"value": [self._answer(request, service, row) for row in self._store.certificates.all(service.id)]}
        )

    def _get(self, request: Request) -> Response:
        service = self._door.service(request)
        return Response(200, self._answer(request, service, self._require(service, request)))

    def _exists(self, request: Request) -> Response:
        self._require(self._door.service(request), request)
        return Response(204)

    def _put(self, request: Request) -> Response:
        service = self._door.service(request)
        name = request.parameters["name"]
        if not _CERTIFICATE_NAME.fullmatch(name):
            raise errors.bad_certificate_name(name)
        present = self._store.certificates.get(service.id, name)
        self._check_put_conditions(request, service, present)
        fields = _upload_fields(request)
        body, der = _read_certificate(fields)
        claimed = fields.get("isVerified") if request.query["api-version"] >= _SELF_ATTESTED_SINCE else None
        if not isinstance(claimed, bool | None):
            raise errors.body_not_understood("isVerified must be true or false.")
        same = present is not None and present.der == der
        stamp = _rfc1123(request.now)
        row = StoredCertificate(
            service_id=service.id,
            name=present.name if present else name,
            body=body,
            der=der,
            summary=certificate_summary(der),
            verified=claimed if claimed is not None else bool(same and present and present.verified),
            code=present.code if same and present else None,
            etag=new_etag(),
            created=present.created if present else stamp,
            updated=stamp,
        )
        self._store.certificates.put(row)
        return Response(200, self._answer(request, service, row))

    def _check_put_conditions(self, request: Request, service: ServiceRow, present: StoredCertificate | None) -> None:
        """Check If-Match, which is "required to update an existing certificate, and ignored while creating a brand new" one."""
        if present is None:
            if self._store.certificates.count(service.id) >= _MAX_CERTIFICATES:
                raise errors.too_many_certificates(_MAX_CERTIFICATES)
        elif "if-none-match" in request.headers or request.if_match() not in ("*", present.etag):
            raise errors.stale_etag()

    def _delete(self, request: Request) -> Response:
        self._store.certificates.delete(self._require_matched(self._door.service(request), request))
        return Response(200)

    def _generate_code(self, request: Request) -> Response:
        service = self._door.service(request)
        code = secrets.token_hex(24).upper()
        row = self._change(self._require_matched(service, request), request.now, code=code, verified=False)
        response = self._answer(request, service, row, certificate=row.body)
        response["properties"]["verificationCode"] = code
        return Response(200, response)

    def _verify(self, request: Request) -> Response:
        service = self._door.service(request)
        row = self._require_matched(service, request)
        _, proof = _read_certificate(provider_body(request))
        judge_proof(proof, row.der, row.code, request.now)
        return Response(200, self._answer(request, service, self._change(row, request.now, code=None, verified=True)))

    # --- inside ---

    def _require(self, service: ServiceRow, request: Request) -> StoredCertificate:
        row = self._store.certificates.get(service.id, request.parameters["name"])
        if row is None:
            raise errors.certificate_not_found(request.parameters["name"])
        return row

    def _require_matched(self, service: ServiceRow, request: Request) -> StoredCertificate:
        """Return the certificate of a change, after checking that If-Match is its current ETag or `*`."""
        row = self._require(service, request)
        match request.if_match():
            case None:
                raise errors.etag_required()
            case "*" | row.etag:
                return row
            case _:
                raise errors.stale_etag()

    def _change(self, row: StoredCertificate, now: datetime, *, code: str | None, verified: bool) -> StoredCertificate:
        changed = replace(row, code=code, verified=verified, etag=new_etag(), updated=_rfc1123(now))
        self._store.certificates.put(changed)
        return changed

    def _answer(
        self, request: Request, service: ServiceRow, row: StoredCertificate, certificate: str | None = None
    ) -> dict[str, Any]:
        """Return a certificate as in every answer. `certificate` is null, except in the answer with a new code."""
        properties = {**row.summary, "isVerified": row.verified, "created": row.created, "updated": row.updated}
        if request.query["api-version"] >= _ECHOED_SINCE:
            properties["certificate"] = certificate
        if request.query["api-version"] >= _BARE_SUBJECT_SINCE:
            properties["subject"] = short_subject(row.der)
        return {
            "properties": properties,
            "id": f"{resource_id(self._store.identity.subscription_id, service)}/certificates/{row.name}",
            "name": row.name,
            "type": f"{SERVICE_RESOURCE_TYPE}/Certificates",
            "etag": row.etag,
        }


def _upload_fields(request: Request) -> Mapping[str, Any]:
    """Return the fields of an upload, which some api-versions have in "properties"."""
    body = provider_body(request)
    fields = body.get("properties") if request.query["api-version"] >= _NESTED_SINCE else body
    if not isinstance(fields, dict):
        raise errors.body_not_understood("The body has no properties.")
    return fields


def _read_certificate(fields: Mapping[str, Any]) -> tuple[str, bytes]:
    """Return the text of the certificate to store, and its DER."""
    text = fields.get("certificate")
    if not isinstance(text, str) or not text:
        raise errors.body_not_understood("The body has no certificate.")
    try:
        der = read_certificate(text)
        return text_to_store(text, der), der
    except PrivateKeyInside as error:
        raise errors.private_key_refused() from error
    except NotACertificate as error:
        raise errors.certificate_not_understood() from error


def _rfc1123(now: datetime) -> str:
    return f"{now:%a, %d %b %Y %H:%M:%S} GMT"

"""Every refusal of the local DPS, in one catalogue.

Each has the real service's status, code and message where they are known (README.md in this folder lists
what is assumed where they are not), and a plain explanation. The explanation never changes a body: it travels in
the header `x-local-dps-explanation` and in the request log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from http import HTTPStatus
from typing import Any
from uuid import uuid4

__all__ = ["Plane", "Refusal"]


class Plane(Enum):
    """Whose error body an answer has: the four look nothing like each other."""

    RESOURCE_PROVIDER = "Microsoft.Devices behind Azure Resource Manager"
    RESOURCE_MANAGER = "Azure Resource Manager's front door"
    SERVICE = "the service plane"
    IDENTITY = "Entra ID"


@dataclass(eq=False)  # not frozen: Python writes tracebacks onto exceptions
class Refusal(Exception):
    """A request that is answered with an error.

    Attributes:
        code: the number of the resource provider and the service plane, or the name of the others.
        explanation: one line for a learner; never a secret.
        request_id: a GUID that the answer's header `x-ms-request-id` and its body share.
    """

    plane: Plane
    status: int
    code: int | str
    message: str
    explanation: str
    request_id: str = field(default_factory=lambda: str(uuid4()))

    def body(self) -> Mapping[str, Any]:
        """The error body as this plane of the real service writes it."""
        now = datetime.now(UTC)
        match self.plane:
            case Plane.RESOURCE_PROVIDER:
                support = (
                    f" If you contact a support representative please include this correlation identifier: "
                    f"{self.request_id}, "
                    f"timestamp: {now:%Y-%m-%d %H:%M:%S}Z, errorcode: IH{self.code}."
                )
                phrase = HTTPStatus(self.status).phrase.replace(" ", "")
                return {"code": self.code, "httpStatusCode": phrase, "message": self.message + support}
            case Plane.RESOURCE_MANAGER:
                return {"error": {"code": self.code, "message": self.message}}
            case Plane.SERVICE:
                stamp = f"{now:%Y-%m-%dT%H:%M:%S.%f}0Z"
                return {
                    "errorCode": self.code,
                    "trackingId": self.request_id,
                    "message": self.message,
                    "timestampUtc": stamp,
                }
            case Plane.IDENTITY:
                trace = f" Trace ID: {self.request_id} Timestamp: {now:%Y-%m-%d %H:%M:%S}Z"
                return {"error": self.code, "error_description": self.message + trace}


def state_not_writable(plane: Plane, reason: str) -> Refusal:
    code = "InternalServerError" if plane is Plane.RESOURCE_MANAGER else 500000
    return Refusal(
        plane,
        500,
        code,
        "Internal Error.",
        f"The local DPS could not keep its state ({reason}). Nothing was changed; look at its disk, then try again.",
    )


def body_too_large(plane: Plane, limit: int) -> Refusal:
    code: int | str = "RequestEntityTooLarge" if plane in (Plane.RESOURCE_MANAGER, Plane.IDENTITY) else 413000
    message = "The request body is too large."
    return Refusal(plane, 413, code, message, f"At most {limit} bytes are taken; a certificate is a few thousand.")


# --- the resource provider: certificates ------------------------------------------------------------------------------


def stale_etag() -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        412,
        412001,
        "Invalid ETag supplied.",
        "The certificate has changed since you got this ETag: every upload, code and verification gives a new one. "
        "Read the certificate again and use its present ETag.",
    )


def etag_required() -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        400,
        400001,
        "The If-Match header is required.",
        "A code, a verification and a deletion need the certificate's present ETag in If-Match (or *).",
    )


def certificate_not_found(name: str) -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        404,
        404001,
        f"Certificate '{name}' was not found.",
        "No certificate of that name is uploaded to this provisioning service. List them to see what there is.",
    )


def bad_certificate_name(name: str) -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        400,
        400002,
        f"Certificate name '{name}' is invalid.",
        "A name has 1 to 64 letters, digits, hyphens, full stops and underscores.",
    )


def too_many_certificates(limit: int) -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        403,
        403001,
        f"The maximum number of {limit} certificates has been reached.",
        "Delete a CA certificate that no enrollment group needs any more.",
    )


def body_not_understood(reason: str) -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        400,
        400003,
        "The request body is invalid.",
        f"{reason} An upload is {{'properties': {{'certificate': base64}}}} since api-version 2022-02-05, and "
        "{'certificate': base64} before; a proof is {'certificate': base64} in all versions.",
    )


def certificate_not_understood() -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        500,
        500019,
        "Internal Error.",
        "The body's certificate is not base64 of a PEM or DER X.509 certificate. The real service answers 500, too.",
    )


def private_key_refused() -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        400,
        400004,
        "The certificate contains a private key.",
        "A private key was sent. Nothing of it was kept, but think about replacing that key.",
    )


def proof_not_issued_by_certificate(issuer: str) -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        400,
        400053,
        f"Proof-Of-Possession failed. Issuer certificate '{issuer}' cannot be found in the certificate chain.",
        "The verification certificate was not signed with the private key of the uploaded certificate. A root can't "
        "prove an intermediate, nor the reverse, and another CA of the same name is another CA.",
    )


def proof_of_other_code() -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        400,
        400053,
        "Proof-Of-Possession failed. The subject of the certificate does not match the verification code.",
        "The verification certificate's common name is not the newest code. Only the newest code counts.",
    )


def proof_outside_its_dates() -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        400,
        400053,
        "Proof-Of-Possession failed. The certificate is not within its validity period.",
        "The verification certificate has expired or is not valid yet.",
    )


def no_code_outstanding() -> Refusal:
    return Refusal(
        Plane.RESOURCE_PROVIDER,
        400,
        400053,
        "Proof-Of-Possession failed. No verification code is outstanding.",
        "Ask for a verification code first; a code is used up by the verification that succeeds with it.",
    )


# --- Azure Resource Manager's front door ------------------------------------------------------------------------------


def management_unauthorized() -> Refusal:
    return Refusal(
        Plane.RESOURCE_MANAGER,
        401,
        "InvalidAuthenticationToken",
        "The access token is invalid.",
        "A management call needs a bearer token that this DPS issued for https://management.azure.com, not expired.",
    )


def api_version_required() -> Refusal:
    return Refusal(
        Plane.RESOURCE_MANAGER,
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
        "Add ?api-version=2026-11-01.",
    )


def api_version_unknown(version: str, known: str) -> Refusal:
    return Refusal(
        Plane.RESOURCE_MANAGER,
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. The supported versions are '{known}'.",
        "Use one of the versions that the message names.",
    )


def resource_not_found(what: str) -> Refusal:
    return Refusal(
        Plane.RESOURCE_MANAGER,
        404,
        "ResourceNotFound",
        f"The Resource '{what}' was not found.",
        "There is nothing at this path. The connection file names the subscription, group and service that are here.",
    )


def management_method_not_allowed(method: str) -> Refusal:
    return Refusal(
        Plane.RESOURCE_MANAGER,
        405,
        "MethodNotAllowed",
        f"The method '{method}' is not allowed on this resource.",
        "The local DPS knows this path, but not this method on it.",
    )


# --- the service plane ------------------------------------------------------------------------------------------------


def service_unauthorized(reason: str) -> Refusal:
    return Refusal(Plane.SERVICE, 401, 401000, "Unauthorized", reason)


def service_request_invalid(message: str, explanation: str) -> Refusal:
    return Refusal(Plane.SERVICE, 400, 400000, message, explanation)


def attestation_required() -> Refusal:
    return service_request_invalid(
        "TPM or X509 attestation is required.",
        "An enrollment group says how its devices prove who they are: caReferences (the name of an uploaded CA) or "
        "signingCertificates (the CA itself).",
    )


def ca_reference_not_found(name: str) -> Refusal:
    return service_request_invalid(
        f"CA certificate '{name}' was not found.",
        "The group refers to a CA by the name under which it was uploaded; no certificate has that name.",
    )


def group_not_found(group_id: str) -> Refusal:
    return Refusal(
        Plane.SERVICE,
        404,
        404204,
        "EnrollmentGroup not found.",
        f"There is no enrollment group '{group_id}'. Query the groups to see what there is.",
    )


def group_exists() -> Refusal:
    return Refusal(
        Plane.SERVICE,
        409,
        409202,
        "EnrollmentGroup already exists.",
        "A PUT without If-Match creates; to change a group, send its ETag (or *) in If-Match.",
    )


def service_stale_etag() -> Refusal:
    return Refusal(
        Plane.SERVICE,
        412,
        412202,
        "ETag is invalid",
        "The group has changed since you got this ETag. Read it again and use its present ETag.",
    )


def too_many_groups(limit: int) -> Refusal:
    return Refusal(
        Plane.SERVICE,
        403,
        403202,
        f"The maximum number of {limit} X.509 enrollment groups has been reached.",
        "Delete a group that is not needed any more.",
    )


def service_route_not_found() -> Refusal:
    return Refusal(Plane.SERVICE, 404, 404000, "Not found.", "The service plane has nothing at this path.")


def service_method_not_allowed(method: str) -> Refusal:
    return Refusal(Plane.SERVICE, 405, 405000, f"{method} is not allowed here.", "This path takes other methods.")


# --- Entra ID ---------------------------------------------------------------------------------------------------------


def unknown_tenant() -> Refusal:
    return Refusal(
        Plane.IDENTITY,
        400,
        "invalid_tenant",
        "AADSTS90002: Tenant not found.",
        "The connection file names the one tenant that exists here.",
    )


def invalid_client() -> Refusal:
    return Refusal(
        Plane.IDENTITY,
        401,
        "invalid_client",
        "AADSTS7000215: Invalid client secret provided.",
        "client_id and client_secret are in the connection file.",
    )


def unsupported_grant() -> Refusal:
    return Refusal(
        Plane.IDENTITY,
        400,
        "unsupported_grant_type",
        "AADSTS70003: The app requested an unsupported grant type.",
        "Only client_credentials is issued here.",
    )


def invalid_scope(scope: str) -> Refusal:
    return Refusal(
        Plane.IDENTITY,
        400,
        "invalid_scope",
        f"AADSTS70011: The provided request must include a 'scope' input parameter. The scope {scope} is not valid.",
        "Ask for https://management.azure.com/.default or https://azure-devices-provisioning.net/.default.",
    )


def identity_route_not_found() -> Refusal:
    return Refusal(
        Plane.IDENTITY,
        404,
        "not_found",
        "AADSTS900144: There is nothing at this path.",
        "The token endpoint is /{tenant}/oauth2/v2.0/token.",
    )


def identity_method_not_allowed(method: str) -> Refusal:
    return Refusal(
        Plane.IDENTITY,
        405,
        "invalid_request",
        f"AADSTS900561: The endpoint does not accept {method} requests.",
        "Tokens are asked for with POST.",
    )

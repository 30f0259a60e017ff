"""Attestation: how a device, or a group of devices, proves its identity."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import service as errors
from ...store import new_key
from ...x509.description import certificate_info
from ...x509.reading import NotACertificate, PrivateKeyInside, read_certificate
from .enrollment_kinds import EnrollmentKind

__all__ = ["describe_attestation", "read_attestation"]

_SLOTS = ("primary", "secondary")


def read_attestation(
    sent: Any, kind: EnrollmentKind, present: Mapping[str, Any], is_uploaded: Callable[[str], bool]
) -> Mapping[str, Any]:
    """Return the form of an attestation to store: certificates in base64 of DER with descriptions, keys, or references.

    Args:
        present: the stored attestation, {} for a new enrollment. The service returns only the description of a certificate,
            so a client that changes something else sends that back. The stored certificate then stays.
        is_uploaded: returns whether a CA certificate with a name is uploaded. Whether it is verified is checked when a
            device registers.

    Raises:
        Refusal: the attestation is empty, has two forms, or has a type that this kind of enrollment does not support.
    """
    if not isinstance(sent, dict):
        raise errors.attestation_required()
    name = sent.get("type")
    if name not in kind.attestations:
        raise errors.request_invalid(
            "The attestation type is not supported.",
            f"For {kind.noun}, it must be one of {', '.join(kind.attestations)}.",
        )
    said = sent.get(name)
    if name == "symmetricKey":
        return {"type": name, name: _symmetric_keys(said)}
    if not isinstance(said, dict):
        raise errors.attestation_required()
    if name == "tpm":
        return {"type": name, name: _tpm(said)}
    stored = present.get(name, {}).get(kind.certificates, {})
    return {"type": name, name: _x509(said, kind, stored, is_uploaded)}


def describe_attestation(stored: Mapping[str, Any], *, with_keys: bool) -> Mapping[str, Any]:
    """Return an attestation as the service answers it: with descriptions instead of certificates.

    Args:
        with_keys: whether to include symmetric keys, as in the answers to a PUT and to a request for the keys.
    """
    name = stored["type"]
    if name == "symmetricKey":
        return stored if with_keys else {"type": name}
    if name == "tpm":
        return stored
    described = {
        member: value if member == "caReferences" else _descriptions(value) for member, value in stored["x509"].items()
    }
    return {"type": name, name: described}


def _x509(
    sent: Mapping[str, Any], kind: EnrollmentKind, present: Mapping[str, Any], is_uploaded: Callable[[str], bool]
) -> Mapping[str, Any]:
    references, certificates = sent.get("caReferences"), sent.get(kind.certificates)
    if references and certificates:
        raise errors.request_invalid(
            f"Both {kind.certificates} and caReferences were given.",
            "An enrollment can have only one of them. Leave the other out.",
        )
    if isinstance(references, dict) and references.get("primary"):
        return {"caReferences": {slot: _reference(references.get(slot), is_uploaded) for slot in _SLOTS}}
    if isinstance(certificates, dict) and any(certificates.get(slot) for slot in _SLOTS):
        stored = tuple(present.values())
        return {
            kind.certificates: {
                slot: _certificate(certificates[slot], stored) for slot in _SLOTS if certificates.get(slot)
            }
        }
    raise errors.attestation_required()


def _descriptions(certificates: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the descriptions of certificates. Without a primary one, its value is null. A missing secondary one is left out."""
    described = {slot: {"info": each["info"]} for slot, each in certificates.items()}
    return {"primary": None, **described}


def _reference(name: Any, is_uploaded: Callable[[str], bool]) -> str | None:
    if not name:
        return None
    if not isinstance(name, str) or not is_uploaded(name):
        raise errors.ca_reference_not_found(str(name))
    return name


def _certificate(sent: Any, stored: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    text = sent.get("certificate") if isinstance(sent, dict) else None
    if text is None and isinstance(sent, dict) and (described := _described(sent.get("info"), stored)):
        return described
    if not isinstance(text, str) or not text:
        raise errors.attestation_required()
    try:
        der = read_certificate(text)
    except PrivateKeyInside as error:
        raise errors.request_invalid(
            "The certificate contains a private key.",
            "The local DPS stored nothing of it, but consider replacing that key. Send the certificate alone.",
        ) from error
    except NotACertificate as error:
        raise errors.request_invalid("The certificate is invalid.", "It must be PEM or base64 of DER.") from error
    return {"certificate": base64.b64encode(der).decode(), "info": certificate_info(der)}


def _described(info: Any, stored: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the stored certificate with the SHA-256 thumbprint in a description. Clients may reformat the dates in it."""
    named = info.get("sha256Thumbprint") if isinstance(info, dict) else None
    return next((each for each in stored if each["info"]["sha256Thumbprint"] == named), None)


def _symmetric_keys(sent: Any) -> Mapping[str, str]:
    """Return both keys. A key that was not sent is generated."""
    keys = {} if sent is None else sent
    if not isinstance(keys, dict):
        raise errors.request_invalid(
            "symmetricKey is invalid.", "It must be an object with primaryKey and secondaryKey."
        )
    return {name: _base64(keys.get(name), name) or new_key() for name in ("primaryKey", "secondaryKey")}


def _tpm(sent: Mapping[str, Any]) -> Mapping[str, str]:
    endorsement = _base64(sent.get("endorsementKey"), "endorsementKey")
    storage = _base64(sent.get("storageRootKey"), "storageRootKey")
    if endorsement is None:
        raise errors.attestation_required()
    return {"endorsementKey": endorsement} | ({"storageRootKey": storage} if storage else {})


def _base64(sent: Any, name: str) -> str | None:
    if sent is None or sent == "":
        return None
    try:
        if isinstance(sent, str) and base64.b64decode(sent, validate=True):
            return sent
    except (binascii.Error, ValueError):
        pass
    raise errors.request_invalid(f"{name} is invalid.", "A key must be base64.")

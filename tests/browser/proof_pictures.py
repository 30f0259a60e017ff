"""Pictures of certificates and proofs for the page of components, made of real objects."""

from collections.abc import Iterator
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from helpers.certificates import CertificateAuthority, DeviceCredential, describe, examine_proof
from helpers.dps import (
    Chapter,
    DpsError,
    Exchange,
    RegisteredCertificate,
)
from helpers.lesson import figures
from helpers.lesson.experiments.self_attestation import TwoWays
from helpers.lesson.figures.happened import WhatJustHappened
from helpers.lesson.recipes import Recipe

__all__ = ["of_certificates", "of_proofs"]

_CODE = "7D07A6A51F8AF1469499A1D92074D629894BE9FA8A013E49"


def _registered(certificate: x509.Certificate, verified: bool) -> RegisteredCertificate:
    facts = describe(certificate)
    return RegisteredCertificate(
        "walkthrough-ca", facts.subject, facts.sha1, facts.not_after, verified, "IjA1MDA2YmVhIg=="
    )


def of_certificates(
    root: CertificateAuthority, intermediate: CertificateAuthority, pump: DeviceCredential
) -> Iterator[tuple[str, figures.Picture]]:
    """Yield pictures of a chain, with the CA unverified and verified."""
    chain = root.certificate, intermediate.certificate, pump.certificate
    yield "CertificateAnatomy", figures.CertificateAnatomy(intermediate.certificate)
    for verified in (False, True):
        registered = _registered(intermediate.certificate, verified)
        yield "CertificateCard", figures.show_certificate(intermediate.certificate, registered)
        yield (
            "ChainTree",
            figures.show_tree("Who signed whom", chain, known=[registered], notes={pump.certificate: "your device"}),
        )
    lines = [
        figures.PageLine(f"{name}.pem", describe(each), status)
        for name, each, status in (
            ("root", chain[0], figures.status_at_dps(None)),
            ("intermediate", chain[1], figures.status_at_dps(registered)),
        )
    ]
    devices = [figures.PageLine("devices/pump-1.pem", describe(pump.certificate), "")]
    yield "CertificatesPage", figures.CertificatesPage({"CAs": lines, "Devices": devices})


def of_proofs(intermediate: CertificateAuthority) -> Iterator[tuple[str, figures.Picture]]:
    """Yield pictures of the way from a code to its proof."""
    yield "CodeCard", figures.CodeCard(_CODE)
    yield "ProofAnatomy", figures.ProofAnatomy(_CODE, "Walkthrough Intermediate CA")
    for done in (0, 3, 6):
        yield f"ProofSequence: {done}", figures.ProofSequence(done, "walkthrough-ca", _CODE)
    yield (
        "EtagTrail",
        figures.EtagTrail(
            (("upload", "IjA1MDA2YmVhLTAwMDA="), ("code", "IjA1MDA3YzFmLTAwMDA="), ("verify", "IjA1MDA4YTlkLTAwMDA="))
        ),
    )
    proof_pem = intermediate.sign_verification_code(_CODE).certificate.public_bytes(Encoding.PEM)
    yield "Verdicts: accepted", figures.Verdicts(examine_proof(proof_pem, intermediate.certificate, _CODE))
    yield "Verdicts: rejected", figures.Verdicts(examine_proof(proof_pem, intermediate.certificate, _CODE[::-1]))
    refused = DpsError(
        "Could not verify the CA certificate “walkthrough-ca”: the service rejected the request (400, code 400053).",
        "Its CN is not the code that DPS sent last.",
        "Sign the new code, and send that proof.",
        status=400,
        code="400053",
    )
    yield "AnswerCard", figures.AnswerCard(refused)
    proved = _registered(intermediate.certificate, True)
    yield "TwoWays", TwoWays(proved, replace(proved, subject="CN=A CA whose key was deleted"), refused)
    yield "Listing", figures.Listing("Removed", ("the enrollment group walkthrough-devices", "the CA walkthrough-ca"))
    yield (
        "Checklist",
        figures.Checklist(
            "Upload the certificate",
            ("Open **Certificates**.", "Choose **Add**."),
            "run the next cell.",
            {"intermediate.cer": intermediate.certificate},
        ),
    )
    yield "WhatJustHappened", _happened()


def _happened() -> WhatJustHappened:
    wire, url = (
        Chapter(),
        "https://management.azure.com/subscriptions/0000/resourceGroups/rg/providers/Microsoft.Devices/provisioningServices/dps-1",
    )
    wire.note(
        Exchange("sign-in", "POST", "https://login.microsoftonline.com/0000/oauth2/v2.0/token", {}, None, 200, {}, None)
    )
    uploaded = {"name": "walkthrough-ca", "etag": "IjA1", "properties": {"isVerified": False, "thumbprint": "7D07"}}
    refused = {"code": 412001, "httpStatusCode": "PreconditionFailed", "message": "Invalid ETag supplied."}
    for method, path, body, status, answer in (
        ("PUT", "walkthrough-ca", {"properties": {"certificate": "MIIB" * 100}}, 200, uploaded),
        ("POST", "walkthrough-ca/verify", {"certificate": "MIIB"}, 412, refused),
    ):
        address = f"{url}/certificates/{path}?api-version=2026-11-01"
        wire.note(
            Exchange(
                "management",
                method,
                address,
                {"Authorization": "Bearer (left out)"},
                body,
                status,
                {"Content-Type": "application/json"},
                answer,
            )
        )
    commands = (
        "# Upload the CA's certificate.\naz iot dps certificate create --dps-name dps-1 \\\n"
        "    --certificate-name walkthrough-ca --path 'intermediate.pem'\n"
    )
    python = (
        "from azure.identity import DefaultAzureCredential\n\n# The credential of the person who runs this.\n"
        'credential = DefaultAzureCredential()\nprint("signed in", 1)\n'
    )
    return WhatJustHappened(wire, (), Recipe(("Open **Certificates**.", "Choose **Add**."), commands, python))

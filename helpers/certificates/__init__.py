"""X.509: certificate authorities, the certificates that they issue, and an examiner that explains each mistake."""

from helpers.certificates.authority import (
    CertificateAuthority,
    DeviceCertificate,
    VerificationCertificate,
)
from helpers.certificates.chain_examiner import examine_chain
from helpers.certificates.checks import check_common_name, check_verification_code, require_authority
from helpers.certificates.completion import check_learner_name, issue_completion
from helpers.certificates.describe import (
    CertificateDescription,
    bare_name,
    cas_allowed,
    describe,
    extensions_in_words,
    is_issued_by,
)
from helpers.certificates.devices import DeviceCredential, check_registration_id
from helpers.certificates.examination import Check, Examination
from helpers.certificates.fleet import issue_fleet
from helpers.certificates.key_files import is_encrypted, read_private_key, save_private_key
from helpers.certificates.keys import KeyAlgorithm, PrivateKey, signature_hash
from helpers.certificates.proof_examiner import examine_proof
from helpers.certificates.purposes import COURSE_COMPLETION
from helpers.certificates.signing_request import (
    accept_verification_certificate,
    request_verification_certificate,
)
from helpers.certificates.storage import (
    certificate_pem,
    export_certificate,
    load_authority,
    public_certificate,
    read_certificates,
    save_authority,
)

__all__ = [
    "COURSE_COMPLETION",
    "CertificateAuthority",
    "CertificateDescription",
    "Check",
    "DeviceCertificate",
    "DeviceCredential",
    "Examination",
    "KeyAlgorithm",
    "PrivateKey",
    "VerificationCertificate",
    "accept_verification_certificate",
    "bare_name",
    "cas_allowed",
    "certificate_pem",
    "check_common_name",
    "check_learner_name",
    "check_registration_id",
    "check_verification_code",
    "describe",
    "examine_chain",
    "examine_proof",
    "export_certificate",
    "extensions_in_words",
    "is_encrypted",
    "is_issued_by",
    "issue_completion",
    "issue_fleet",
    "load_authority",
    "public_certificate",
    "read_certificates",
    "read_private_key",
    "request_verification_certificate",
    "require_authority",
    "save_authority",
    "save_private_key",
    "signature_hash",
]

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


def verification_certificate(code, ca_certificate, ca_key):
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, code)])
    builder = builder.subject_name(subject).issuer_name(ca_certificate.subject)
    ephemeral_key = ec.generate_private_key(ec.SECP256R1())
    return builder.public_key(ephemeral_key.public_key()).sign(ca_key, hashes.SHA256())


walkthrough.try_exercise("03_sign_verification_code", verification_certificate)

"""The extended key usage that this project defines."""

from cryptography import x509

__all__ = ["COURSE_COMPLETION"]

# ITU-T X.667: anyone may derive an OID below 2.25 from a UUID, without a registration. The UUID of this one is
# 10888855-b599-484b-9a53-756d00ef8d43.
COURSE_COMPLETION = x509.ObjectIdentifier("2.25.21976565503621394696664841604192767299")
"""The extended key usage of a certificate of completion. It is not TLS client authentication, so the local DPS rejects
a device that sends such a certificate, even if its common name is a registration id. That Azure does so, too, is an
assumption."""

"""The certificate of completion: an X.509 certificate about a person, which must be no device's credential."""

from datetime import timedelta

from cryptography import x509

from helpers.certificates.authority import CertificateAuthority
from helpers.certificates.keys import KeyAlgorithm
from helpers.certificates.purposes import COURSE_COMPLETION

__all__ = ["issue_completion"]

_LIFETIME = timedelta(days=3650)  # at most: it never outlives its CA


def issue_completion(authority: CertificateAuthority, learner_name: str) -> x509.Certificate:
    """Issue a certificate of completion with the learner's name as its CN.

    Its private key is discarded at once: the certificate says something about its subject, and authenticates nobody.

    Raises:
        Problem: the name can't be a common name, or the CA is not valid today.
    """
    ephemeral = KeyAlgorithm.P256.generate()
    return authority.issue_for_purpose(learner_name, ephemeral.public_key(), COURSE_COMPLETION, lifetime=_LIFETIME)

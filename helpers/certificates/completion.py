"""The certificate of completion: an X.509 certificate about a person, which must be no device's credential."""

import re
from datetime import timedelta

from cryptography import x509

from helpers.certificates.authority import CertificateAuthority
from helpers.certificates.checks import check_common_name
from helpers.certificates.keys import KeyAlgorithm
from helpers.certificates.purposes import COURSE_COMPLETION
from helpers.problem import Problem

__all__ = ["check_learner_name", "issue_completion"]

_LIFETIME = timedelta(days=3650)  # at most: it never outlives its CA
_LOOKS_LIKE_A_CODE = re.compile(r"[0-9A-Fa-f]{32,}")


def check_learner_name(name: str) -> str:
    """Return the name if it can be the common name of a certificate of completion.

    Raises:
        Problem: it can't be a common name, or it looks like a verification code. Your CA's signature on a code is a proof of
            possession, so a person who made you enter their code as your name could prove your CA to their own service.
    """
    check_common_name(name)
    if _LOOKS_LIKE_A_CODE.fullmatch(name):
        raise Problem(
            f"{name!r} can't be the name on a certificate of completion.",
            "It looks like a verification code. Signed by your CA, it would prove your CA to the service that made the code.",
            "Enter your own name.",
        )
    return name


def issue_completion(authority: CertificateAuthority, learner_name: str) -> x509.Certificate:
    """Issue a certificate of completion with the learner's name as its CN.

    Its private key is discarded at once: the certificate says something about its subject, and authenticates nobody.

    Raises:
        Problem: the name is not possible, or the CA is not valid today.
    """
    ephemeral = KeyAlgorithm.P256.generate()
    name = check_learner_name(learner_name)
    return authority.issue_for_purpose(name, ephemeral.public_key(), COURSE_COMPLETION, lifetime=_LIFETIME)

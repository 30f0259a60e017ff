"""The user's own CA, as the forms see it: its certificate, and whether the walkthrough creates a CA below it."""

from collections.abc import Mapping
from typing import Any

from cryptography import x509

from helpers.certificates import describe, read_certificates
from helpers.files import read_bytes
from helpers.lesson.forms.checks import expanded
from helpers.problem import Problem

__all__ = ["creates_ca", "gets_intermediate", "own_certificate"]


def own_certificate(path: str) -> x509.Certificate | None:
    """Return the certificate in the file of the user's own CA; None if the path is empty, or the file has no certificate."""
    file = expanded(path)
    if not path or not file.is_file():
        return None
    try:
        return read_certificates(read_bytes(file), file.name)[0]
    except Problem:  # the cell that reads the file raises it
        return None


def gets_intermediate(root: x509.Certificate) -> bool:
    """Return whether the walkthrough creates an intermediate below this CA."""
    facts = describe(root)
    return facts.is_self_signed and facts.path_length != 0


def creates_ca(values: Mapping[str, Any]) -> bool:
    """Return whether the walkthrough creates at least one CA with these values of the form in 01."""
    own = own_certificate(values["own_ca_certificate"])
    return own is None or gets_intermediate(own)

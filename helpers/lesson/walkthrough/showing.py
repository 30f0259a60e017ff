"""Show a cell's values as pictures: a CA or a group in the cell's last line is enough."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cryptography import x509
from IPython.core.getipython import get_ipython

from helpers.certificates import (
    CertificateAuthority,
    DeviceCredential,
    Examination,
    VerificationCertificate,
    describe,
)
from helpers.dps import DpsError, EnrollmentGroup, RegisteredCertificate, ServiceDescription
from helpers.lesson.figures import (
    AnswerCard,
    GroupPicture,
    Listing,
    Picture,
    ServiceCard,
    Verdicts,
    show_certificate,
    status_at_dps,
)

if TYPE_CHECKING:
    from helpers.lesson.walkthrough import Walkthrough

__all__ = ["picture_of", "show_values"]

_SHOWN = (
    CertificateAuthority,
    DeviceCredential,
    DpsError,
    EnrollmentGroup,
    Examination,
    RegisteredCertificate,
    ServiceDescription,
    VerificationCertificate,
)


def picture_of(walkthrough: "Walkthrough", value: Any) -> Picture:
    """Return the picture of a value that a call in a cell has returned."""
    match value:
        case CertificateAuthority():
            return show_certificate(value.certificate)
        case VerificationCertificate():
            return show_certificate(value.certificate, is_brief=True)
        case DeviceCredential():
            return walkthrough.chain(value)
        case DpsError():
            return AnswerCard(value)
        case EnrollmentGroup():
            return GroupPicture(value, value.iot_hubs or walkthrough.dps.describe().iot_hubs)
        case Examination():
            return Verdicts(value)
        case RegisteredCertificate():
            certificate = _certificate_of(walkthrough, value)
            return show_certificate(certificate, value, is_brief=True) if certificate else _told_of(value)
        case ServiceDescription():
            return ServiceCard(str(walkthrough.workspace.facts.target), value)
    raise TypeError(f"There is no picture of a {type(value).__name__}.")


def _certificate_of(walkthrough: "Walkthrough", registered: RegisteredCertificate) -> x509.Certificate | None:
    """Return the certificate with the thumbprint that DPS has; None if it is not here, because another program uploaded it."""
    here = [walkthrough.public_part(role) for role in walkthrough.workspace.authority_roles()]
    known = {describe(each).sha1: each for each in (*here, *walkthrough.uploaded)}
    return known.get(registered.thumbprint.upper())


def _told_of(registered: RegisteredCertificate) -> Picture:
    said = [registered.subject, f"SHA-1 {registered.thumbprint}", status_at_dps(registered)]
    return Listing(f"The CA certificate “{registered.name}”", said)


def show_values(walkthrough: "Walkthrough") -> None:
    """Make this kernel show such values as pictures, and as text where there is no browser."""
    shell: Any = get_ipython()
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    for kind in _SHOWN:
        formatters["text/html"].for_type(kind, lambda value: picture_of(walkthrough, value)._repr_html_())
        formatters["text/plain"].for_type(kind, _as_text(walkthrough))


def _as_text(walkthrough: "Walkthrough") -> Callable[[Any, Any, bool], None]:
    def write(value: Any, printer: Any, _cycle: bool) -> None:
        printer.text(picture_of(walkthrough, value).text())

    return write

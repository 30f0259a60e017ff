"""The objects that the final test asks about: each is made by a function of its own, with new names and new keys each time."""

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from markupsafe import Markup

from helpers.certificates import CertificateAuthority, DeviceCertificate
from helpers.lesson.course.exercises.chains import Bound
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import Row, Table

__all__ = ["MAKERS", "Cast", "Rows", "SentProof", "Shown", "Together", "Trial", "maker", "new_cast"]


@dataclass(frozen=True)
class SentProof:
    """A proof that was sent to DPS. A test compares the right answer with the verdict of the local DPS on it."""

    uploaded: x509.Certificate
    code: str
    proof: x509.Certificate


@dataclass(frozen=True)
class Trial:
    """A registration. A test compares the right answer with the answer of a local DPS to it.

    Attributes:
        sent: the certificates of the device's handshake, its own first. at_dps: the CAs that DPS has.
        deleted: CAs that DPS had when their groups were created.
        individual: whether the device's individual enrollment is enabled; None if there is none.
    """

    device: DeviceCertificate
    sent: Sequence[x509.Certificate]
    registration_id: str
    at_dps: Sequence[Bound] = ()
    deleted: Sequence[Bound] = ()
    individual: bool | None = None


@dataclass(frozen=True)
class Shown:
    """The object of a question.

    Attributes:
        names: its parts that the texts of the question name in braces.
        evidence: the object itself, if DPS can judge it. Then the keys of the choices begin with accepted or rejected.
    """

    picture: Picture
    names: Mapping[str, str] = field(default_factory=dict)
    evidence: SentProof | Trial | None = None


@dataclass(frozen=True, repr=False)
class Together(Picture):
    """Several pictures, one below the other."""

    pictures: Sequence[Picture]

    def html(self) -> Markup:
        return Markup().join(each.html() for each in self.pictures)

    def text(self) -> str:
        return "\n".join(each.text() for each in self.pictures)


@dataclass(frozen=True, repr=False)
class Rows(Table):
    """Names with their texts."""

    heading: str
    lines: Sequence[Row]

    def title(self) -> str:
        return self.heading

    def rows(self) -> Sequence[Row]:
        return self.lines


@dataclass(frozen=True)
class Cast:
    """A company's CAs and one of its devices.

    Attributes:
        factory, sibling: two CAs below the root. The factory has issued the device's certificate.
    """

    company: str
    root: CertificateAuthority
    factory: CertificateAuthority
    sibling: CertificateAuthority
    device_id: str
    device: DeviceCertificate


_COMPANIES = ("Contoso", "Fabrikam", "Northwind", "Tailwind", "Adatum")
_DEVICES = ("pump", "valve", "meter", "fan", "sensor")
_PLACES = ("Oslo", "Lyon", "Turin", "Cork", "Porto", "Brno")


def new_cast() -> Cast:
    """Return CAs and a device with random names, and with new keys."""
    company, (here, there) = secrets.choice(_COMPANIES), random.sample(_PLACES, 2)
    root = CertificateAuthority.create_root(f"{company} Root CA")
    factory, sibling = (root.create_intermediate(f"{company} {place} CA") for place in (here, there))
    device_id = f"{secrets.choice(_DEVICES)}-{secrets.choice(range(10, 100))}"
    return Cast(company, root, factory, sibling, device_id, factory.issue_device(device_id))


MAKERS: dict[str, Callable[[], Shown]] = {}
"""The functions that make the objects, by name."""


def maker(make: Callable[[], Shown]) -> Callable[[], Shown]:
    """Let questions name this function in `about`."""
    MAKERS[make.__name__] = make
    return make

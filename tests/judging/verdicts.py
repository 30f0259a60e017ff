"""The independent verdicts of the local DPS and OpenSSL on a proof."""

import re
import subprocess
import traceback
from dataclasses import dataclass

from helpers.local_dps.errors import Refusal
from helpers.local_dps.x509.description import certificate_summary
from helpers.local_dps.x509.proof import judge_proof
from helpers.local_dps.x509.reading import NotACertificate, PrivateKeyInside, read_certificate
from tests.encodings import as_pem
from tests.judging.making import Submission
from tests.openssl import verify_pem

__all__ = ["OpenSslVerdict", "Verdict", "local_dps", "openssl"]

_TEXT_TYPES = ("BMPSTRING", "PRINTABLESTRING", "T61STRING", "UTF8STRING", "UNIVERSALSTRING")  # RFC 5280 section 4.1.2.4
_READ = (
    "-noout",
    "-subject",
    "-dates",
    "-dateopt",
    "iso_8601",
    "-nameopt",
    "sep_multiline,sname,esc_2253,esc_ctrl,show_type",
)


@dataclass(frozen=True)
class Verdict:
    """Whether something is accepted, and the message.

    Attributes:
        is_unreadable: refused, because a certificate can't be read.
        has_crashed: neither accepted nor refused.
    """

    accepted: bool
    why: str = ""
    is_unreadable: bool = False
    has_crashed: bool = False

    def __str__(self) -> str:
        return "accepted" if self.accepted else f"refused: {self.why}"


@dataclass(frozen=True)
class OpenSslVerdict(Verdict):
    """OpenSSL's verdict on a proof.

    Attributes:
        errors: the numbers of what `openssl verify` found; it continues after some errors. Empty if it read no certificate.
        is_code: whether the common name and the dates are right, as OpenSSL reads them.
    """

    errors: frozenset[int] = frozenset()
    is_code: bool = False


def local_dps(submission: Submission) -> Verdict:
    """The judge of the local DPS, called as the handlers of the two calls do."""
    try:
        ca = read_certificate(as_pem(submission.ca))
        certificate_summary(ca)
        judge_proof(read_certificate(submission.sent), ca, submission.code, submission.now)
    except (NotACertificate, PrivateKeyInside) as error:
        return Verdict(False, f"can't be read: {error.__cause__}", is_unreadable=True)
    except Refusal as refusal:
        return Verdict(False, refusal.explanation)
    except Exception:  # no input may make it raise anything else
        return Verdict(False, traceback.format_exc(), has_crashed=True)
    return Verdict(True)


def openssl(submission: Submission) -> OpenSslVerdict:
    """Return the verdict of the `openssl` program: it judges the signature; common name and dates are read from its output."""
    pem = as_pem(submission.proof).encode()
    said = verify_pem(pem, as_pem(submission.ca).encode(), options=("-partial_chain", "-no_check_time"))
    is_code = (said.accepted or bool(said.errors)) and _is_code(pem, submission)
    return OpenSslVerdict(said.accepted and is_code, said.why, errors=said.errors, is_code=is_code)


def _is_code(pem: bytes, submission: Submission) -> bool:
    result = subprocess.run(["openssl", "x509", *_READ], input=pem, capture_output=True, check=False)
    printed = result.stdout.decode("utf-8", "replace")
    attributes = [each for line in re.findall(r"^    (.*)$", printed, re.MULTILINE) for each in line.split(" + ")]
    names = [each[3:] for each in attributes if each.startswith("CN=")]
    begin, end = (re.search(rf"^{which}=([\d -:]+)Z$", printed, re.MULTILINE) for which in ("notBefore", "notAfter"))
    return (
        names in [[f"{kind}:{submission.code}"] for kind in _TEXT_TYPES]
        and begin is not None
        and end is not None
        and _moment(begin[1]) <= _moment(f"{submission.now:%Y-%m-%d %H:%M:%S}") <= _moment(end[1])
    )


def _moment(text: str) -> list[int]:
    """Year, month, day, hour, minute, second: Python's calendar lacks the year 0."""
    return [int(each) for each in re.findall(r"\d+", text)]

"""A case: one way to make a proof, good or wrong, with the answer of DPS. A case is a function, and is described only there.

The first line of the function's docstring is the title, the drawing below it says who signed what, and the rest is the reason.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias

from cryptography import x509

from helpers.certificates import CertificateAuthority, KeyAlgorithm

__all__ = ["Answer", "Attempt", "ProofCase", "Stage", "add_case"]


class Answer(Enum):
    """An answer of DPS: the HTTP status, the code of DPS, and the answer in words."""

    ACCEPTED = (200, "", "accepts it")
    SIGNER = (400, "400053", "rejects it, because another key signed it")
    NAME = (400, "400053", "rejects it, because its name is not the newest code")
    DATES = (400, "400053", "rejects it, because it is not valid today")
    NO_CODE = (400, "400053", "rejects it, because no code is waiting")
    UNREADABLE = (500, "500019", "can't read it, and answers with an internal error")
    KEY = (400, "400004", "rejects it, because it contains a private key")
    ETAG = (412, "412001", "rejects the request, because the CA's record at DPS has changed in the meantime")

    def __init__(self, status: int, code: str, words: str) -> None:
        self.status = status
        self.code = code
        self.words = words

    def __str__(self) -> str:
        return f"DPS {self.words}"

    @property
    def is_about_the_proof(self) -> bool:
        """Whether DPS has looked at the proof. It compares the ETag first, and that belongs to the request."""
        return self is not Answer.ETAG


@dataclass(frozen=True)
class Stage:
    """The CAs and the codes from which a proof is made.

    Attributes:
        root, intermediate, sibling: a root, and two CAs below it.
        uploaded: the CA that DPS has. code: the newest code for it; old_code: the code before. "" if there is none.
        elsewhere: asks another provisioning service for a code for the same CA.
    """

    root: CertificateAuthority
    intermediate: CertificateAuthority
    sibling: CertificateAuthority
    uploaded: CertificateAuthority
    code: str
    old_code: str
    elsewhere: Callable[[], str]


@dataclass(frozen=True)
class Attempt:
    """The content of a request that sends a proof.

    Attributes:
        sent: the value of the request's field. what: the same in words.
        proof: the certificate in it, if there is one. around: further certificates for the drawing, which always has
            the root and the intermediate.
        cn_is: an explanation of its CN; "" if the CN explains itself.
    """

    sent: str
    what: str
    proof: x509.Certificate | None = None
    around: tuple[x509.Certificate, ...] = ()
    cn_is: str = ""


Make: TypeAlias = Callable[[Stage], Attempt]


@dataclass(frozen=True)
class ProofCase:
    """One way to make a proof.

    Attributes:
        name: of its function. title, drawing, reason: from its docstring. fix: the way to do it right, or what to remember.
        seen: a thread or a recording in a public repository where Azure gave this answer; "" if none is known, so that this
            answer is an assumption.
        uploaded: the CA that DPS has. key_algorithm: of that CA's key.
        codes: how many codes DPS has generated. stale: whether the request has the first ETag.
        is_local: DPS in Azure may decide otherwise, and nobody has published it. So the case is judged by a local DPS only.
    """

    name: str
    title: str
    drawing: str
    reason: str
    fix: str
    answer: Answer
    make: Make
    seen: str = ""
    uploaded: Literal["root", "intermediate"] = "intermediate"
    key_algorithm: KeyAlgorithm = KeyAlgorithm.P256
    codes: int = 1
    stale: bool = False
    is_local: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the proof is good. If the request's ETag is stale, DPS answers without looking at the proof."""
        return self.answer is Answer.ACCEPTED or not self.answer.is_about_the_proof


def add_case(cases: dict[str, ProofCase], answer: Answer, fix: str, **options: Any) -> Callable[[Make], Make]:
    """Add the decorated function to some cases. The options are those fields of `ProofCase` that have a default."""

    def add(make: Make) -> Make:
        title, drawing, reason = inspect.cleandoc(str(make.__doc__)).split("\n\n", 2)
        reason = " ".join(reason.split())
        cases[make.__name__] = ProofCase(make.__name__, title, drawing, reason, fix, answer, make, **options)
        return make

    return add

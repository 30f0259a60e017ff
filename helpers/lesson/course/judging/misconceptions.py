"""What a verifier gets wrong, found from the pattern of its wrong decisions over the exhibits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from helpers.lesson.course.judging.decisions import Decision

__all__ = ["Diagnosis", "diagnose"]

_Names: TypeAlias = frozenset[str]


@dataclass(frozen=True)
class _Misconception:
    """One misconception.

    Attributes:
        heading: what the verifier does. why: why that is wrong, and what to do.
        applies: whether it explains some decisions, given the names of the cases that the verifier accepts, and of the good
            ones that it rejects. explains: the names of the cases whose wrong decisions it explains.
    """

    heading: str
    why: str
    applies: Callable[[_Names, _Names], bool]
    explains: _Names


@dataclass(frozen=True)
class Diagnosis:
    """The explanation of some wrong decisions.

    Attributes:
        decisions: the wrong decisions that it explains.
    """

    heading: str
    why: str
    decisions: tuple[Decision, ...]


def diagnose(decisions: Sequence[Decision]) -> list[Diagnosis]:
    """Return an explanation for each wrong decision; decisions with the same cause have one explanation together."""
    wrong = {each.name: each for each in decisions if not each.is_right}
    if wrong and len({each.accepts for each in decisions}) == 1:
        heading, why = _SAME_FOR_ALL[decisions[0].accepts]
        return [Diagnosis(heading, why, tuple(wrong.values()))]
    accepted = frozenset(name for name, each in wrong.items() if each.accepts)
    rejected = frozenset(wrong) - accepted
    found = []
    for each in _MISCONCEPTIONS:
        if each.applies(accepted, rejected):
            explained = tuple(wrong.pop(name) for name in sorted(each.explains & wrong.keys()))
            found.append(Diagnosis(each.heading, each.why, explained))
    return [*found, *map(_unexplained, wrong.values())]


def _unexplained(decision: Decision) -> Diagnosis:
    case = decision.exhibit.answer.case
    verb = "accepts" if decision.accepts else "rejects"
    return Diagnosis(f"It {verb} “{case.title}”", f"{case.reason} {case.fix}", (decision,))


_SAME_FOR_ALL = {
    True: ("It accepts everything", "Then anyone can claim any CA. Begin with the signature."),
    False: (
        "It rejects everything",
        "Your function accepts no proof at all. Does it return True at its end? Any other value, such as None, rejects.",
    ),
}

_READ = frozenset({"garbage", "signing_request", "private_key", "double_base64"})
_SIGNER = frozenset(
    {
        "namesake",
        "sibling_intermediate",
        "root_instead_of_intermediate",
        "intermediate_instead_of_root",
        "signed_by_a_device",
        "self_signed",
    }
)
_RELATIVES = _SIGNER - {"namesake", "self_signed"}
_CODES = frozenset({"old_code", "another_services_code", "no_code_asked_for"})
_NAMES = frozenset({"another_common_name", "lower_case_code", *_CODES})
_DATES = frozenset({"expired", "not_yet_valid"})
_LIVES = frozenset({"minutes_left", "valid_for_years"})


def _rejects(*names: str) -> Callable[[_Names, _Names], bool]:
    """The verifier rejects these good proofs, but not the one by the book."""
    return lambda _accepted, rejected: not rejected.isdisjoint(names) and "by_the_book" not in rejected


_MISCONCEPTIONS = (
    _Misconception(
        "It accepts any certificate, whoever signed it",
        "Neither the signature nor the common name stops anyone here. Check the signature with the public key in ca first.",
        lambda accepted, _: {"self_signed", "another_common_name"} <= accepted,
        _SIGNER | _NAMES | {"the_ca_itself"},
    ),
    _Misconception(
        "It trusts the common name",
        "Anyone can write the code into a certificate: the code is no secret. The signature shows who did it. "
        "Check it with the public key in ca.",
        lambda accepted, _: "self_signed" in accepted and "another_common_name" not in accepted,
        _SIGNER,
    ),
    _Misconception(
        "It compares names",
        "Anyone can give a CA this name. The issuer's name says who claims to have signed. Only the signature shows it: "
        "check it with the public key in ca, for example with proof.verify_directly_issued_by(ca).",
        lambda accepted, _: "namesake" in accepted and "self_signed" not in accepted,
        frozenset({"namesake"}),
    ),
    _Misconception(
        "It accepts a relative of the CA",
        "A CA above, below or beside this one has another key. Each CA proves possession of its own key.",
        lambda accepted, _: bool(accepted & _RELATIVES) and "self_signed" not in accepted,
        _RELATIVES,
    ),
    _Misconception(
        "It accepts the CA itself",
        "A CA's certificate is public: everyone whom a device has shown its chain has it. It shows nothing about the key.",
        lambda accepted, _: "the_ca_itself" in accepted and not {"self_signed", "another_common_name"} <= accepted,
        frozenset({"the_ca_itself"}),
    ),
    _Misconception(
        "It ignores the code",
        "A certificate that the CA signed at any time, for any purpose, proves the CA to you. Only the code shows that the "
        "signature is new and meant for you: compare the common name with the argument code.",
        lambda accepted, _: "another_common_name" in accepted and "self_signed" not in accepted,
        _NAMES,
    ),
    _Misconception(
        "It ignores case",
        "The common name must equal the code in every character. Compare the two as they are.",
        lambda accepted, _: "lower_case_code" in accepted and "another_common_name" not in accepted,
        frozenset({"lower_case_code"}),
    ),
    _Misconception(
        "It accepts a code that is not the newest",
        "A code counts only if you generated it last, and for this CA. If the argument code is empty, no common name can match.",
        lambda accepted, _: bool(accepted & _CODES) and "another_common_name" not in accepted,
        _CODES,
    ),
    _Misconception(
        "It forgets the dates",
        "A certificate says when it is valid. Compare both ends with the argument now.",
        lambda accepted, _: accepted >= _DATES,
        _DATES,
    ),
    _Misconception(
        "It looks at one end of the validity period only",
        "A certificate can be expired, and it can be not valid yet. Compare the argument now with both ends.",
        lambda accepted, _: len(accepted & _DATES) == 1,
        _DATES,
    ),
    _Misconception(
        "It accepts what is not a certificate",
        "A text, a request or a key has no CA's signature. Read the bytes as a certificate first, and reject what can't be read.",
        lambda accepted, _: bool(accepted & _READ),
        _READ,
    ),
    _Misconception(
        "It reads PEM only",
        "DPS also reads DER, the same certificate without base64. Unless the bytes contain BEGIN CERTIFICATE, use "
        "x509.load_der_x509_certificate.",
        _rejects("der_encoding"),
        frozenset({"der_encoding"}),
    ),
    _Misconception(
        "It knows only EC keys",
        "Many CAs have an RSA key, whose signatures need other arguments. proof.verify_directly_issued_by(ca) knows both.",
        _rejects("rsa_key"),
        frozenset({"rsa_key"}),
    ),
    _Misconception(
        "It compares the whole subject",
        "A subject may hold a country and an organization, too. Look for the code in its common name only: "
        "proof.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME).",
        _rejects("further_attributes"),
        frozenset({"further_attributes"}),
    ),
    _Misconception(
        "It demands an extension",
        "A proof without extensions is good: DPS does not ask for them.",
        _rejects("no_extensions"),
        frozenset({"no_extensions"}),
    ),
    _Misconception(
        "It limits the validity period",
        "Only the present moment counts. How long a proof was or will be valid does not matter.",
        _rejects(*_LIVES),
        _LIVES,
    ),
)

"""Three chains to judge: what a device sends, what DPS has, and whether DPS accepts the device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from cryptography import x509
from markupsafe import Markup

from helpers.certificates import CertificateAuthority, DeviceCertificate, describe
from helpers.dps import RegisteredCertificate
from helpers.lesson.figures import Picture, show_tree
from helpers.lesson.figures.picture import card, listed

__all__ = ["VERDICTS", "Bound", "ChainsToJudge", "JudgedChain", "judged_chains"]

Verdict: TypeAlias = Literal["accepted", "certificate missing", "CA unverified", "another key", "group disabled"]
VERDICTS: tuple[Verdict, ...] = ("accepted", "certificate missing", "CA unverified", "another key", "group disabled")
"""The answers that a learner may give."""


@dataclass(frozen=True)
class Bound:
    """A CA at DPS, with the group that is bound to it; `enabled` is None if there is no group."""

    authority: CertificateAuthority
    verified: bool
    enabled: bool | None


@dataclass(frozen=True)
class JudgedChain:
    """One chain.

    Attributes:
        device: the device, with its private key. sent: the certificates that it sends, its own first.
        unsent: further certificates, for the picture only. at_dps: the CAs that DPS has.
        look: where to look if the learner's answer is wrong.
    """

    device: DeviceCertificate
    sent: Sequence[x509.Certificate]
    unsent: Sequence[x509.Certificate]
    at_dps: Sequence[Bound]
    verdict: Verdict
    look: str


@cache
def judged_chains() -> Mapping[str, JudgedChain]:
    """Return the chains by their letters. Their keys are new in each process."""
    root = CertificateAuthority.create_root("Contoso Root CA")
    factory = root.create_intermediate("Contoso Factory CA")
    namesake = CertificateAuthority.create_root("Contoso Factory CA")
    pump, forged = factory.issue_device("pump-7"), namesake.issue_device("pump-7")
    return {
        "A": JudgedChain(
            pump,
            [pump.certificate, factory.certificate],
            [root.certificate],
            [Bound(root, True, True), Bound(factory, True, False)],
            "group disabled",
            "Two groups match this chain. Which CA is nearer to the device, and is its group enabled?",
        ),
        "B": JudgedChain(
            pump,
            [pump.certificate, factory.certificate],
            [root.certificate],
            [Bound(root, True, True)],
            "accepted",
            "The device sent what DPS lacks. Can DPS now climb from the device to the CA that it has?",
        ),
        "C": JudgedChain(
            forged,
            [forged.certificate],
            [namesake.certificate],
            [Bound(factory, True, True)],
            "another key",
            "Two CAs have the same name here. Which of them signed the device's certificate, and which one is at DPS?",
        ),
    }


class ChainsToJudge(Picture):
    """The chains as trees, with what DPS has, and without the verdicts."""

    def html(self) -> Markup:
        return Markup().join(
            card(f"Chain {name}", _tree(chain).html(), listed(_groups(chain)))
            for name, chain in judged_chains().items()
        )

    def text(self) -> str:
        lines: list[str] = []
        for name, chain in judged_chains().items():
            lines += [f"Chain {name}", _tree(chain).text(), *(f"  {group}" for group in _groups(chain))]
        return "\n".join(lines)


def _tree(chain: JudgedChain) -> Picture:
    certificates = [*(bound.authority.certificate for bound in chain.at_dps), *chain.unsent, *chain.sent]
    return show_tree(
        "Who signed what",
        certificates,
        known=[_registered(bound) for bound in chain.at_dps],
        notes=dict.fromkeys(chain.sent, "sent by the device"),
    )


def _registered(bound: Bound) -> RegisteredCertificate:
    facts = describe(bound.authority.certificate)
    name = facts.common_name.removeprefix("Contoso ").removesuffix(" CA").lower()
    return RegisteredCertificate(name, f"CN={facts.common_name}", facts.sha1, facts.not_after, bound.verified, etag="*")


def _groups(chain: JudgedChain) -> list[str]:
    return [
        f"Enrollment group bound to “{_registered(bound).name}”: {'enabled' if bound.enabled else 'disabled'}"
        for bound in chain.at_dps
        if bound.enabled is not None
    ]

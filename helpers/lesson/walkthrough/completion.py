"""The certificate of completion, for a learner who has passed the final test."""

from typing import TYPE_CHECKING

from cryptography import x509

from helpers.certificates import CertificateAuthority, certificate_pem, describe, issue_completion, read_certificates
from helpers.files import PUBLIC, make_private_folder, read_bytes, write_atomically
from helpers.lesson.course.final_test import PASS_MARK, QUESTIONS_ASKED
from helpers.lesson.figures import CompletionCard, Listing, Picture, draw_completion
from helpers.lesson.forms.values import Completion
from helpers.notebook import Notebook
from helpers.workspace import Workspace

if TYPE_CHECKING:
    from helpers.lesson.walkthrough import Walkthrough

__all__ = ["certificate_of_completion"]

_COURSE_CA = "Proof of Possession Course CA"


def certificate_of_completion(walkthrough: "Walkthrough", wanted: Completion) -> Picture:
    """See `Walkthrough.certificate_of_completion`. A certificate that was issued for this name already is shown again."""
    workspace = walkthrough.workspace
    if Notebook.FINAL_TEST not in workspace.facts.solved:
        says = f"It is for learners who have passed the final test: {PASS_MARK} of {QUESTIONS_ASKED} right answers."
        return Listing("No certificate yet", [says, "Finish the test above, and run this cell again."])
    chain = _issued_before(workspace, wanted.learner_name)
    if not chain:
        authority = _issuer(walkthrough)
        certificate = issue_completion(authority, wanted.learner_name)
        chain = [certificate, authority.certificate, *authority.issuers]
    score = f"{workspace.facts.final_test[0]} of {QUESTIONS_ASKED}"
    drawn = draw_completion(chain, score)
    folder = make_private_folder(workspace.completion_folder)
    write_atomically(folder / "certificate.pem", certificate_pem(*chain), mode=PUBLIC)
    write_atomically(folder / "certificate.svg", drawn.encode(), mode=PUBLIC)
    return CompletionCard(chain[0], drawn, folder)


def _issued_before(workspace: Workspace, name: str) -> list[x509.Certificate]:
    file = workspace.completion_folder / "certificate.pem"
    if not file.exists():
        return []
    chain = list(read_certificates(read_bytes(file), file.name))
    return chain if describe(chain[0]).common_name == name else []


def _issuer(walkthrough: "Walkthrough") -> CertificateAuthority:
    """Return the learner's CA that issues devices' certificates, with its key.

    A CA that the learner brought along serves other purposes, and a key that is not here can't sign. Instead of them, a new
    CA of the course signs, whose key is not stored.
    """
    workspace = walkthrough.workspace
    role = workspace.signing_role()
    if role is None or workspace.facts.has_own_ca:
        return CertificateAuthority.create_root(_COURSE_CA, path_length=0)
    return walkthrough.authority(role)

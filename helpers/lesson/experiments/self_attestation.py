"""Self-attestation beside proof: two ways to the word “verified”, of which one proves something."""

import base64
from dataclasses import dataclass

from markupsafe import Markup

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import DpsError, RegisteredCertificate
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import joined
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import answer_to, registered_for_a_moment, with_code
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["TwoWays", "compare_with_self_attestation"]

_ORPHAN = "A CA whose key nobody holds"


@dataclass(frozen=True, repr=False)
class TwoWays(Picture):
    """A CA that was proved, and one that was merely said to be somebody's own.

    Attributes:
        proved, attested: the two as their service has them.
        without_key: the answer to a proof for the second, signed with another key.
    """

    proved: RegisteredCertificate
    attested: RegisteredCertificate
    without_key: DpsError

    def rows(self) -> list[tuple[str, str, str]]:
        """What is asked, and what either way answers."""
        cas = (self.proved, self.attested)
        names = [each.subject.removeprefix("CN=") for each in cas]
        says = ["Verified" if each.verified else "Unverified" for each in cas]
        return [
            ("The CA", names[0], names[1]),
            ("DPS says of it", says[0], says[1]),
            ("It takes", "the CA's private key", "the CA's certificate, which is public"),
            ("Who can do it", "who holds the key and may write to the service", "whoever may write to the service"),
            ("It proves", "that somebody here could sign with the CA's key", "nothing: it is a person's word"),
            ("Good for", "a CA whose ownership others rely on", "a CA that is yours beyond doubt, in your own service"),
            ("Told apart later", "no: the record says “verified”", "no: the record says “verified”"),
        ]

    def html(self) -> Markup:
        return Markup(
            "<div class='card'><table><thead><tr><td></td><th scope='col'>Proof of possession</th><th scope='col'>"
            "Self-attestation (<code>isVerified</code>)</th></tr></thead><tbody>{}</tbody></table><p>{}</p></div>"
        ).format(joined("<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>", self.rows()), self._told())

    def text(self) -> str:
        rows = [("", "Proof of possession", "Self-attestation (isVerified)"), *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines = [f"  {one:{widths[0]}}  {two:{widths[1]}}  {three}" for one, two, three in rows]
        return "\n".join([*lines, f"  {self._told()}"])

    def _told(self) -> str:
        return (
            "The CA on the right was made by this cell and its key thrown away before the upload. A proof signed with "
            f"another key was refused. {self.without_key.why}"
        )


def compare_with_self_attestation(workspace: Workspace, proved: RegisteredCertificate) -> TwoWays:
    """Register a CA whose key nobody has: with a proof, which fails; then by self-attestation, which does not.

    Args:
        proved: the walkthrough's CA, to stand beside it.

    Raises:
        Problem: the proof was accepted, which must not be.
    """
    dps = rehearse(workspace)
    orphan, somebody = CertificateAuthority.create_root(_ORPHAN).certificate, CertificateAuthority.create_root(_ORPHAN)
    with registered_for_a_moment(dps, orphan) as uploaded:
        code = str(with_code(dps, uploaded).verification_code)
        proof = somebody.sign_verification_code(code).certificate
        refusal = answer_to(dps, uploaded, base64.b64encode(certificate_pem(proof)).decode())
    if refusal is None:
        raise Problem("A wrong proof was accepted.", "Another CA of the same name had signed it.", "Report it.")
    with registered_for_a_moment(dps, orphan, self_attested=True) as attested:
        return TwoWays(proved, attested, refusal)

"""Self-attestation beside proof of possession: both lead to “verified”, but only one of them proves something."""

import base64
from dataclasses import dataclass

from markupsafe import Markup

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import DpsError, RegisteredCertificate
from helpers.lesson.experiments.refused import require_refused
from helpers.lesson.figures import AnswerCard, Picture
from helpers.lesson.figures.certificates import with_pill
from helpers.lesson.figures.picture import card, fold, joined
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import answer_to, registered_for_a_moment, with_code
from helpers.workspace import Workspace

__all__ = ["TwoWays", "compare_with_self_attestation"]

_ORPHAN = "A CA whose key was deleted"
_TITLE = "Two ways to verify a CA"
_TOLD = (
    "This cell created the CA on the right and deleted its key before the upload. DPS rejected a proof that another key had "
    "signed."
)


@dataclass(frozen=True, repr=False)
class TwoWays(Picture):
    """A CA with a proof of possession, beside one that was only attested.

    Attributes:
        proved, attested: the two CAs at their service.
        without_key: the answer to a proof for the second CA that another key signed.
    """

    proved: RegisteredCertificate
    attested: RegisteredCertificate
    without_key: DpsError

    def rows(self) -> list[tuple[str, str, str]]:
        """The rows: a property, then its value for each of the two ways."""
        cas = (self.proved, self.attested)
        names = [each.subject.removeprefix("CN=") for each in cas]
        statuses = ["VERIFIED" if each.verified else "not verified yet" for each in cas]
        return [
            ("The CA", names[0], names[1]),
            ("Status at DPS", statuses[0], statuses[1]),
            ("Requires", "the CA's private key", "the CA's certificate, which is public"),
            ("Proves", "that someone here could sign with the CA's key", "nothing: it is only a statement"),
            (
                "Good for",
                "a CA whose ownership others rely on",
                "a CA in your own service that is yours beyond doubt",
            ),
        ]

    def html(self) -> Markup:
        rows = joined(
            "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>",
            ((name, with_pill(one), with_pill(two)) for name, one, two in self.rows()),
        )
        return card(
            _TITLE,
            Markup(
                "<table><thead><tr><td></td><th scope='col'>Proof of possession</th><th scope='col'>"
                "Self-attestation (<code>isVerified</code>)</th></tr></thead><tbody>{}</tbody></table><p>{}</p>"
            ).format(rows, _TOLD),
            fold("Show the rejected proof", AnswerCard(self.without_key).html()),
        )

    def text(self) -> str:
        rows = [("", "Proof of possession", "Self-attestation (isVerified)"), *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines = [f"  {one:{widths[0]}}  {two:{widths[1]}}  {three}" for one, two, three in rows]
        return "\n".join([_TITLE, *lines, f"  {_TOLD} {self.without_key.why}"])


def compare_with_self_attestation(workspace: Workspace, proved: RegisteredCertificate) -> TwoWays:
    """Register a CA whose key no longer exists: DPS rejects a proof for it, but accepts a self-attestation.

    Args:
        proved: the walkthrough's CA, for comparison.

    Raises:
        Problem: the service accepted the proof.
    """
    dps = rehearse(workspace)
    orphan, namesake = CertificateAuthority.create_root(_ORPHAN).certificate, CertificateAuthority.create_root(_ORPHAN)
    with registered_for_a_moment(dps, orphan) as uploaded:
        code = str(with_code(dps, uploaded).verification_code)
        proof = namesake.sign_verification_code(code).certificate
        refusal = require_refused(
            answer_to(dps, uploaded, base64.b64encode(certificate_pem(proof)).decode()),
            "a wrong proof",
            "Another CA of the same name signed the proof, so a provisioning service must reject it.",
        )
    with registered_for_a_moment(dps, orphan, self_attested=True) as attested:
        return TwoWays(proved, attested, refusal)

"""The most common mistake in scripts, made on purpose: sending the proof with the ETag of the upload."""

import base64
from dataclasses import dataclass

from markupsafe import Markup

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import DpsError, read_and_change
from helpers.lesson.experiments.refused import require_refused
from helpers.lesson.figures import AnswerCard, EtagTrail, Picture
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import answer_to, registered_for_a_moment, with_code
from helpers.workspace import Workspace

__all__ = ["StaleEtag", "send_both_etags"]

_AFTERWARDS = (
    "The first attempt had the ETag of the upload. The second had that of the code, which was the current one, so DPS accepts "
    "the same proof. The ETags afterwards:"
)


@dataclass(frozen=True, repr=False)
class StaleEtag(Picture):
    """The result of a proof with a stale ETag, and of the same proof with the current one.

    Attributes:
        refusal: the answer to the first attempt, which used the first ETag. etags: all of them, after DPS accepted the proof.
    """

    refusal: DpsError
    etags: tuple[tuple[str, str], ...]

    def html(self) -> Markup:
        return Markup("{}<p>{}</p>{}").format(
            AnswerCard(self.refusal).html(), _AFTERWARDS, EtagTrail(self.etags).html()
        )

    def text(self) -> str:
        return "\n".join([AnswerCard(self.refusal).text(), _AFTERWARDS, EtagTrail(self.etags).text()])


def send_both_etags(workspace: Workspace) -> StaleEtag:
    """Prove a CA that exists only for this cell, first with the ETag of its upload, then with the current one.

    Raises:
        Problem: the service accepted the stale ETag.
    """
    dps = rehearse(workspace)
    ca = CertificateAuthority.create_root("Only for this cell")
    with registered_for_a_moment(dps, ca.certificate) as uploaded:
        coded = with_code(dps, uploaded)
        proof = certificate_pem(ca.sign_verification_code(str(coded.verification_code)).certificate)
        refusal = require_refused(
            answer_to(dps, uploaded, base64.b64encode(proof).decode(), etag=uploaded.etag),
            "a stale ETag",
            "A provisioning service must compare ETags, and this one does not.",
        )
        verified = read_and_change(
            lambda: dps.certificates.get(uploaded.name), lambda now: dps.certificates.verify(now, proof)
        )
        etags = (("upload", uploaded.etag), ("verification code", coded.etag), ("verification", verified.etag))
        return StaleEtag(refusal, etags)

"""The most frequent mistake of scripts, made on purpose: the proof is sent with the ETag of the upload."""

from dataclasses import dataclass, replace

from markupsafe import Markup

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import DpsError, read_and_change
from helpers.lesson.figures import EtagTrail, Picture, RefusalCard
from helpers.lesson.scratch import registered_for_a_moment
from helpers.lesson.steps import connect_to_rehearse
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["StaleEtag", "try_stale_etag"]


@dataclass(frozen=True, repr=False)
class StaleEtag(Picture):
    """What came of it.

    Attributes:
        before: the ETags when the proof was sent; the first of them was used. after: those when it was accepted.
    """

    before: tuple[tuple[str, str], ...]
    refusal: DpsError
    after: tuple[tuple[str, str], ...]

    def html(self) -> Markup:
        return Markup("{}{}<p>The same proof with the present ETag is accepted:</p>{}").format(
            EtagTrail(self.before).html(), RefusalCard(self.refusal).html(), EtagTrail(self.after).html()
        )

    def text(self) -> str:
        shown = (EtagTrail(self.before), RefusalCard(self.refusal), EtagTrail(self.after))
        return "\n".join(each.text() for each in shown)


def try_stale_etag(workspace: Workspace) -> StaleEtag:
    """Prove a CA that is made for this alone, first with the ETag of its upload, then with the present one.

    Raises:
        Problem: the service took the stale one, which must not be.
    """
    dps = connect_to_rehearse(workspace)
    passing = CertificateAuthority.create_root("Only for this cell")
    with registered_for_a_moment(dps, passing.certificate) as uploaded:
        with_code = dps.certificates.generate_verification_code(uploaded)
        proof = certificate_pem(passing.sign_verification_code(str(with_code.verification_code)).certificate)
        try:
            dps.certificates.verify(replace(with_code, etag=uploaded.etag), proof)
        except DpsError as refusal:
            verified = read_and_change(
                lambda: dps.certificates.get(uploaded.name), lambda now: dps.certificates.verify(now, proof)
            )
            before = (("upload", uploaded.etag), ("verification code", with_code.etag))
            return StaleEtag(before, refusal, (*before, ("verification", verified.etag)))
    raise Problem(
        "A stale ETag was taken.", "This service does not compare ETags, as DPS does.", "Tell us which service it is."
    )

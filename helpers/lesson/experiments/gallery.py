"""The gallery: it really sends each wrong proof, and the learner predicts the answer of DPS before opening it."""

import base64
from collections.abc import Sequence

from markupsafe import Markup

from helpers.certificates import CertificateAuthority, certificate_pem, describe, examine_proof
from helpers.dps import (
    ProvisioningService,
    RegisteredCertificate,
)
from helpers.lesson.experiments.exhibit import DpsAnswer, Exhibit, Score
from helpers.lesson.experiments.refused import require_refused
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS, Attempt, Stage
from helpers.lesson.figures import Picture, life, show_tree
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.added_services import add_service, remove_service
from helpers.lesson.targets.scratch import answer_to, registered_for_a_moment, with_code
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["Gallery"]

_OWN, _ELSEWHERE = "gallery-dps", "another-dps"
_CODE = Markup("<span class='code'>{}</span>")


class Gallery:
    """The wrong proofs, sent for CAs that exist only for the gallery: it does not touch the walkthrough's own CAs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        workspace.forget_outcomes(Notebook.GALLERY_OF_WRONG_PROOFS)
        # At a local DPS the gallery has a service of its own, so that its CAs never appear among the walkthrough's.
        is_local = workspace.facts.target in ("local", "portal")
        self._dps = self._add(_OWN) if is_local else rehearse(workspace)
        self._root = CertificateAuthority.create_root("Gallery Root CA")
        self._intermediate = self._root.create_intermediate("Gallery Intermediate CA")
        self._sibling = self._root.create_intermediate("Gallery Sibling CA")
        self._shown: dict[str, Exhibit] = {}

    def show(self, name: str) -> Exhibit:
        """Send one of the wrong proofs.

        Raises:
            Problem: no wrong proof has that name, or the service accepts the proof.
        """
        if name not in WRONG_PROOFS:
            raise Problem(
                f"There is no wrong proof {name!r}.",
                "The gallery has no exhibit of that name.",
                f"Choose one of {', '.join(WRONG_PROOFS)}.",
            )
        wrong = WRONG_PROOFS[name]
        authority = self._root if wrong.uploaded == "root" else self._intermediate
        with registered_for_a_moment(self._dps, authority.certificate) as uploaded:
            codes = [uploaded]
            for _ in range(wrong.codes):
                codes.append(with_code(self._dps, uploaded))
            attempt = wrong.make(self._stage(authority, codes))
            refusal = require_refused(
                answer_to(self._dps, uploaded, attempt.sent, etag=uploaded.etag if wrong.stale else None),
                f"the wrong proof “{wrong.title}”",
                "A provisioning service must reject it.",
            )
        self._workspace.note(Notebook.GALLERY_OF_WRONG_PROOFS, **{name: refusal.status})
        newest = codes[-1].verification_code or ""
        content = base64.b64decode(attempt.sent)
        answer = DpsAnswer(wrong, refusal, examine_proof(content, authority.certificate, newest))
        facts = [*_facts(attempt, newest), *(_etags(uploaded, codes[-1]) if wrong.stale else [])]
        self._shown[name] = Exhibit(self._drawn(authority, attempt), facts, answer)
        return self._shown[name]

    def score(self) -> Score:
        """Return how many predictions were right, with the answer to each exhibit."""
        return Score([exhibit.first_prediction() for exhibit in self._shown.values()])

    def _stage(self, authority: CertificateAuthority, codes: Sequence[RegisteredCertificate]) -> Stage:
        given = ["", "", *(each.verification_code or "" for each in codes)]
        return Stage(
            self._root,
            self._intermediate,
            self._sibling,
            authority,
            given[-1],
            given[-2],
            lambda: self._elsewhere(authority),
        )

    def _elsewhere(self, authority: CertificateAuthority) -> str:
        """Get a code for the same CA from another provisioning service, at the workspace's local DPS."""
        other = self._add(_ELSEWHERE)
        try:
            uploaded = other.certificates.upload("the-same-ca", certificate_pem(authority.certificate))
            return str(other.certificates.generate_verification_code(uploaded).verification_code)
        finally:
            other.close()
            remove_service(self._workspace, _ELSEWHERE)

    def _add(self, name: str) -> ProvisioningService:
        return add_service(self._workspace, name, iot_hub="a-hub.azure-devices.net")

    def _drawn(self, authority: CertificateAuthority, attempt: Attempt) -> Picture:
        notes = {authority.certificate: "at DPS"}
        around = [self._root.certificate, self._intermediate.certificate, *attempt.around]
        if attempt.proof is not None:
            before = notes.get(attempt.proof)
            notes[attempt.proof] = f"{before} and sent as the proof" if before else "sent as the proof"
            around.append(attempt.proof)
        return show_tree("Who signed what", around, notes=notes)


def _etags(uploaded: RegisteredCertificate, present: RegisteredCertificate) -> list[tuple[str, str]]:
    return [("ETag in the request", _CODE.format(uploaded.etag)), ("Current ETag", _CODE.format(present.etag))]


def _facts(attempt: Attempt, newest: str) -> list[tuple[str, str]]:
    facts = [("Newest code", _CODE.format(newest) if newest else "none yet"), ("Sent", attempt.what)]
    if attempt.proof is not None:
        proof = describe(attempt.proof)
        named = f"Its CN ({attempt.cn_is})" if attempt.cn_is else "Its CN"
        facts += [(named, _CODE.format(proof.common_name)), ("Its validity", life(proof))]
    return facts

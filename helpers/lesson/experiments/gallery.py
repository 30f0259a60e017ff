"""The exhibits: good and wrong proofs in random order, each of which is really sent to a provisioning service."""

import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from helpers.certificates import CertificateAuthority, KeyAlgorithm, certificate_pem
from helpers.dps import ProvisioningService
from helpers.lesson.experiments.exhibit import DpsAnswer, Exhibit
from helpers.lesson.experiments.good_proofs import GOOD_PROOFS
from helpers.lesson.experiments.proof_case import Answer, Attempt, ProofCase, Stage
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS
from helpers.lesson.targets.added_services import add_service, remove_service, service_for_experiments
from helpers.lesson.targets.scratch import answer_to, registered_for_a_moment, with_code
from helpers.notebook import Notebook
from helpers.workspace import Workspace

__all__ = ["cases_of", "rehearsed_exhibits", "send_exhibits"]

_OWN, _ELSEWHERE = "gallery-dps", "another-dps"
_ACCEPTED = Answer.ACCEPTED.status


def cases_of(workspace: Workspace) -> list[ProofCase]:
    """Return the cases to judge: all, or with the target azure those whose answer there is not in doubt."""
    is_local = workspace.facts.target != "azure"
    return [case for case in (*WRONG_PROOFS.values(), *GOOD_PROOFS.values()) if is_local or not case.is_local]


def send_exhibits(workspace: Workspace) -> list[Exhibit]:
    """Send every case to the service, and return the exhibits with its answers, in an order that each workspace keeps.

    Each case has a CA that is registered only for a moment, so the walkthrough's own CAs are not touched. The workspace
    notes the answers by the case's name.
    """
    workspace.forget_outcomes(Notebook.YOU_ARE_DPS)
    with service_for_experiments(workspace, _OWN) as dps:
        answers = [_sent(workspace, dps, cast, case) for cast, case in _cast(cases_of(workspace))]
    statuses = {each.case.name: each.refusal.status if each.refusal else _ACCEPTED for each in answers}
    workspace.note(Notebook.YOU_ARE_DPS, answers=statuses)
    return _numbered(answers, workspace.exhibit_seed())


def rehearsed_exhibits(workspace: Workspace) -> list[Exhibit]:
    """Return the same cases with new CAs and codes, judged by their descriptions: no service is asked."""
    answers = []
    for cast, case in _cast(cases_of(workspace)):
        stage = cast.stage(case, [_random_code() for _ in range(case.codes)], _random_code)
        answers.append(_judged(cast, stage, case, case.make(stage)))
    return _numbered(answers, _random_code())


class _Cast:
    """The CAs that appear in the exhibits."""

    def __init__(self, key_algorithm: KeyAlgorithm) -> None:
        self.root = CertificateAuthority.create_root("Exhibit Root CA", key_algorithm=key_algorithm)
        self.intermediate, self.sibling = (
            self.root.create_intermediate(name, key_algorithm=key_algorithm)
            for name in ("Exhibit Intermediate CA", "Exhibit Sibling CA")
        )

    def uploaded(self, case: ProofCase) -> CertificateAuthority:
        """Return the CA that DPS has."""
        return self.root if case.uploaded == "root" else self.intermediate

    def stage(self, case: ProofCase, codes: Sequence[str], elsewhere: Callable[[], str]) -> Stage:
        """Return the stage of a case for which DPS has generated these codes, the newest last."""
        old, newest = ["", "", *codes][-2:]
        return Stage(self.root, self.intermediate, self.sibling, self.uploaded(case), newest, old, elsewhere)


def _cast(cases: Sequence[ProofCase]) -> Iterator[tuple[_Cast, ProofCase]]:
    casts = {kind: _Cast(kind) for kind in {case.key_algorithm for case in cases}}
    return ((casts[case.key_algorithm], case) for case in cases)


def _sent(workspace: Workspace, dps: ProvisioningService, cast: _Cast, case: ProofCase) -> DpsAnswer:
    with registered_for_a_moment(dps, cast.uploaded(case).certificate) as uploaded:
        present, codes = uploaded, list[str]()
        for _ in range(case.codes):
            present = with_code(dps, uploaded)
            codes.append(str(present.verification_code))
        stage = cast.stage(case, codes, lambda: _code_elsewhere(workspace, cast.uploaded(case)))
        attempt = case.make(stage)
        refusal = answer_to(dps, uploaded, attempt.sent, etag=uploaded.etag if case.stale else None)
    etags = (uploaded.etag, present.etag) if case.stale else None
    return replace(
        _judged(cast, stage, case, attempt),
        is_good=refusal is None or refusal.status == Answer.ETAG.status,
        refusal=refusal,
        etags=etags,
    )


def _judged(cast: _Cast, stage: Stage, case: ProofCase, attempt: Attempt) -> DpsAnswer:
    """Return the answer that the case's description gives."""
    around = (cast.root.certificate, cast.intermediate.certificate)
    return DpsAnswer(
        case, attempt, stage.uploaded.certificate, stage.code, datetime.now(UTC), around, is_good=case.is_good
    )


def _numbered(answers: Sequence[DpsAnswer], seed: str) -> list[Exhibit]:
    shuffled = list(answers)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    return [Exhibit(number, answer) for number, answer in enumerate(shuffled, start=1)]


def _random_code() -> str:
    return secrets.token_hex(24).upper()


def _code_elsewhere(workspace: Workspace, authority: CertificateAuthority) -> str:
    """Get a code for the same CA from another provisioning service, at the workspace's local DPS."""
    other = add_service(workspace, _ELSEWHERE, iot_hub="a-hub.azure-devices.net")
    try:
        uploaded = other.certificates.upload("the-same-ca", certificate_pem(authority.certificate))
        return str(other.certificates.generate_verification_code(uploaded).verification_code)
    finally:
        other.close()
        remove_service(workspace, _ELSEWHERE)

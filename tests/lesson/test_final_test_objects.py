"""The objects of the final test: where DPS can judge one, the right answer is what DPS says."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from helpers.certificates import DeviceCertificate, DeviceCredential, certificate_pem, examine_proof
from helpers.dps import CaReference, DpsError, EnrollmentGroup, IndividualEnrollment, ProvisioningService
from helpers.lesson.course.exercises.chains import Bound
from helpers.lesson.course.final_test.exam import with_object
from helpers.lesson.course.final_test.objects import MAKERS, SentProof, Trial
from helpers.lesson.course.questions.bank import read_bank
from helpers.lesson.course.questions.question import Question
from helpers.local_dps.errors import Refusal
from helpers.local_dps.x509.proof import judge_proof

BANK = {name: question for name, (_, question) in read_bank("final_test").items()}
ABOUT = {name: question for name, question in BANK.items() if question.about}
EVIDENCE = {name: MAKERS[question.about]().evidence for name, question in ABOUT.items()}
PROOFS = [name for name, evidence in EVIDENCE.items() if isinstance(evidence, SentProof)]
TRIALS = [name for name, evidence in EVIDENCE.items() if isinstance(evidence, Trial)]


def expected(question: Question) -> bool:
    """Whether the right answer says that DPS accepts the object."""
    verdict, _, reason = question.right.partition("_")
    assert verdict in ("accepted", "rejected")
    assert reason
    return verdict == "accepted"


def test_dps_can_judge_most_objects_whose_question_is_what_dps_says() -> None:
    assert len(PROOFS) >= 8
    assert len(TRIALS) >= 15
    for name, question in BANK.items():
        verdicts = {key.partition("_")[0] for key in question.choices}
        assert (verdicts == {"accepted", "rejected"}) == (name in PROOFS or name in TRIALS), name


@pytest.mark.parametrize("name", PROOFS)
def test_the_local_dps_and_the_examiner_judge_a_proof_as_the_right_answer_says(name: str) -> None:
    sent = MAKERS[BANK[name].about]().evidence
    assert isinstance(sent, SentProof)
    judged = True
    try:
        judge_proof(
            sent.proof.public_bytes(Encoding.DER),
            sent.uploaded.public_bytes(Encoding.DER),
            sent.code,
            datetime.now(UTC),
        )
    except Refusal:
        judged = False
    examined = examine_proof(certificate_pem(sent.proof), sent.uploaded, sent.code).passed
    assert (judged, examined) == (expected(BANK[name]), expected(BANK[name]))


@contextmanager
def arranged(dps: ProvisioningService, trial: Trial, name: str) -> Iterator[None]:
    """Give DPS the CAs and enrollments of a trial, and remove them afterwards."""
    names: dict[int, str] = {}

    def bind(at: int, bound: Bound) -> None:
        names[at] = f"{name}-{at}"
        certificate = bound.authority.certificate
        dps.certificates.upload(names[at], certificate, self_attested=bound.verified)
        if bound.enabled is not None:
            dps.enrollment_groups.create(EnrollmentGroup(names[at], CaReference(names[at]), enabled=bound.enabled))

    every = (*trial.at_dps, *trial.deleted)
    for at, bound in enumerate(every):
        bind(at, bound)
    for at in range(len(trial.at_dps), len(every)):
        dps.certificates.delete(dps.certificates.get(names[at]))
    if trial.individual is not None:
        own = IndividualEnrollment(trial.registration_id, trial.device.certificate, enabled=trial.individual)
        dps.individual_enrollments.create(own)
    try:
        yield
    finally:
        if trial.individual is not None:
            dps.individual_enrollments.delete(dps.individual_enrollments.get(trial.registration_id))
        for each in names.values():
            for collection in (dps.enrollment_groups, dps.certificates):
                with suppress(DpsError):
                    collection.delete(collection.get(each))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", TRIALS)
def test_a_real_local_dps_answers_a_device_as_the_right_answer_says(
    dps: ProvisioningService, tmp_path: Path, name: str
) -> None:
    trial = MAKERS[BANK[name].about]().evidence
    assert isinstance(trial, Trial)
    device = DeviceCredential(trial.registration_id, tmp_path / "device.pem", tmp_path / "device.key")
    device.save(DeviceCertificate(trial.device.certificate, trial.device.private_key, tuple(trial.sent)))
    with arranged(dps, trial, name.replace("_", "-")):
        try:
            answer = dps.devices.register(device).status
        except DpsError as refusal:
            answer = f"{refusal.status}"
    assert (answer == "assigned") == expected(BANK[name]), answer


@pytest.mark.parametrize("name", ABOUT)
def test_an_object_is_new_each_time_and_its_texts_are_complete(name: str) -> None:
    """Otherwise somebody could remember pictures instead of reasons."""
    (one, picture), (_, again) = (with_object(ABOUT[name]) for _ in range(2))
    assert picture is not None
    assert again is not None
    texts = [one.asks, *(text for choice in one.choices.values() for text in (choice.says, choice.why))]
    assert not [text for text in texts if "{" in text or "}" in text]
    assert len({choice.says for choice in one.choices.values()}) == len(one.choices)
    assert "<script" not in picture._repr_html_()
    pictures = {with_object(ABOUT[name])[1].text() for _ in range(12)}  # type: ignore[union-attr]
    assert len(pictures) > 1

"""The gallery: it really sends each wrong proof, and the learner predicts the answer of DPS before opening it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup
from pydantic import Field

from helpers.certificates import CertificateAuthority, Examination, certificate_pem, describe, examine_proof
from helpers.dps import (
    DpsError,
    ProvisioningService,
    RegisteredCertificate,
    connect_to_another,
    remove_another,
    start_local_dps,
)
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS, Answer, Attempt, Stage, WrongProof
from helpers.lesson.figures import Picture, Verdicts, life, show_tree
from helpers.lesson.figures.picture import fold, joined, mark, ours, plain, table
from helpers.lesson.forms import Form, Inputs
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import answer_to, registered_for_a_moment, with_code
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["DpsAnswer", "Exhibit", "Gallery", "Prediction", "Reveal", "Score"]


_OWN, _ELSEWHERE = "gallery-dps", "another-dps"
_CODE = Markup("<span class='code'>{}</span>")


class Prediction(Inputs):
    """A learner's prediction of the answer of DPS."""

    prediction: Answer | None = Field(None, title="Your prediction")


@dataclass(frozen=True, repr=False)
class DpsAnswer(Picture):
    """The answer of DPS to a wrong proof.

    Attributes:
        refusal: the answer of the service. verdicts: the examiner's findings, made before the proof is sent.
    """

    wrong: WrongProof
    refusal: DpsError
    verdicts: Examination

    def html(self) -> Markup:
        examiner = fold("The examiner's findings, before the proof is sent", Verdicts(self.verdicts).html())
        return Markup("{}{}").format(table(self._rows()), examiner)

    def text(self) -> str:
        return "\n".join(f"  {name}: {text}" for name, text in self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        source = "assumed: no public thread reports the answer of Azure"
        if self.wrong.seen:
            source = f"seen at Azure: {self.wrong.seen}"
        rows = [
            ("The answer", f"{self.wrong.answer}. {self.refusal.status}, code {self.refusal.code} ({source})"),
            ("In its own words", self.refusal.says),
            ("The reason", self.wrong.reason),
            ("The fix", self.wrong.fix),
        ]
        status, code = self.wrong.answer.status, self.wrong.answer.code
        if (self.refusal.status, self.refusal.code) != (status, code):
            surprise = f"The local DPS answers {status}, code {code}. Your service differs: rely on its answer."
            rows.insert(1, ("A surprise", surprise))
        return rows


@dataclass(frozen=True, repr=False)
class Reveal(Picture):
    """The answer of DPS, and whether the learner predicted it.

    Attributes:
        prediction: None if the learner made none.
        first: the prediction from before the learner saw the answer, if it differs from `prediction`.
    """

    prediction: Answer | None
    answer: DpsAnswer
    first: Answer | None = None

    @property
    def is_right(self) -> bool:
        """Whether the prediction names a fault of the proof: the one that DPS reports, or another one."""
        wrong = self.answer.wrong
        return self.prediction is not None and self.prediction in (wrong.answer, wrong.also)

    @property
    def sign(self) -> Markup:
        """✔ or ✘ for a prediction, or a dot if there is none."""
        return Markup("·") if self.prediction is None else mark(self.is_right)

    def html(self) -> Markup:
        return Markup("<div class='card'><p>{} {}</p>{}</div>").format(self.sign, self._said(), self.answer.html())

    def text(self) -> str:
        return f"  {plain(self.sign)} {self._said()}\n{self.answer.text()}"

    def _said(self) -> str:
        if self.prediction is None:
            return "You made no prediction. Make one next time: a wrong guess helps you remember the answer."
        if self.prediction is self.answer.wrong.answer:
            verdict = "That is right."
        elif self.is_right:
            verdict = "The proof has that fault, too, but DPS reports another one first."
        elif Answer.ACCEPTED in (self.prediction, self.answer.wrong.answer):
            verdict = "In fact, DPS rejects it."
        else:
            verdict = "DPS rejects it, but for another reason."
        counts = f" (Your first prediction counts: {self.first}.)" if self.first else ""
        return f"You predicted: {self.prediction}. {verdict}{counts}"


class Exhibit(Picture):
    """One wrong proof: the request, a form for the prediction, and the answer behind a button."""

    def __init__(self, drawing: Picture, facts: Sequence[tuple[str, str]], answer: DpsAnswer) -> None:
        """
        Args:
            drawing: who signed what. facts: about the request.
        """
        self.wrong = answer.wrong
        self.answer = answer
        self._drawing, self._facts = drawing, facts
        self._first: Reveal | None = None
        self.form = Form(Prediction, {})
        self.button = widgets.Button(description="Open DPS's answer", button_style="primary")
        self.button.on_click(lambda _button: self._show_answer())
        self.shown = widgets.HTML().add_class("dps-done")
        self.box = widgets.VBox([self.form.box, self.button, self.shown]).add_class("dps-form")

    def first_prediction(self) -> Reveal:
        """The prediction from before the learner saw the answer, or the form's present one if there is none."""
        opened = self._open()
        return self._first or opened

    def _show_answer(self) -> None:
        self.shown.value = Markup("<div role='status'>{}</div>").format(ours(self._open()._repr_html_()))

    def _open(self) -> Reveal:
        prediction = self.form.value.prediction
        first = self._first.prediction if self._first else None
        reveal = Reveal(prediction, self.answer, first if first is not prediction else None)
        if prediction is not None and self._first is None:
            self._first = reveal
        return reveal

    def html(self) -> Markup:
        folded = fold("How does DPS answer? Decide first, then open this.", self.answer.html())
        return Markup("{}<div class='card'>{}</div>").format(self._story(), folded)

    def text(self) -> str:
        facts = (f"  {name}: {plain(text)}" for name, text in self._facts)
        return "\n".join([self.wrong.title, self._drawing.text(), *facts, self.answer.text()])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Show the form if the front end supports widgets; otherwise the answer is folded."""
        told = widgets.HTML(Picture.framed(self._story()))
        live: dict[str, Any] = widgets.VBox([told, self.box])._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": self.text(), "text/html": self._repr_html_()}

    def _story(self) -> Markup:
        facts = table(self._facts)
        return Markup("<div class='card'><h4>{}</h4>{}{}</div>").format(self.wrong.title, self._drawing.html(), facts)


@dataclass(frozen=True, repr=False)
class Score(Picture):
    """How many predictions were right.

    Attributes:
        reveals: one for each exhibit that was shown.
    """

    reveals: Sequence[Reveal]

    @property
    def all_refused(self) -> bool:
        """Whether the service has rejected every wrong proof."""
        return all((reveal.answer.refusal.status or 0) >= 400 for reveal in self.reveals)

    def html(self) -> Markup:
        lines = joined(
            "<tr><td>{}</td><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>",
            (
                (each.sign, each.answer.wrong.title, each.prediction or "no prediction", each.answer.wrong.answer)
                for each in self.reveals
            ),
        )
        return Markup(
            "<div class='card'><h4>{}</h4><table><thead><tr><td></td><th scope='col'>Wrong proof</th>"
            "<th scope='col'>You predicted</th><th scope='col'>The answer</th></tr></thead><tbody>{}</tbody></table></div>"
        ).format(self._title(), lines)

    def text(self) -> str:
        lines = [f"  {plain(each.sign)} {each.answer.wrong.title}: {each.answer.wrong.answer}" for each in self.reveals]
        return "\n".join([self._title(), *lines])

    def _title(self) -> str:
        predicted = [each for each in self.reveals if each.prediction]
        right = sum(each.is_right for each in predicted)
        return f"{len(self.reveals)} wrong proofs, {len(predicted)} predictions, {right} of them right"


class Gallery:
    """The wrong proofs, sent for CAs that exist only for the gallery: it does not touch the walkthrough's own CAs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        workspace.forget_outcomes(Notebook.GALLERY_OF_WRONG_PROOFS)
        # At a local DPS the gallery has a service of its own, so that its CAs never appear among the walkthrough's.
        is_local = workspace.facts.target in ("local", "portal")
        self._dps = self._connect_to(_OWN) if is_local else rehearse(workspace)
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
            refusal = answer_to(self._dps, uploaded, attempt.sent, etag=uploaded.etag if wrong.stale else None)
        if refusal is None:
            raise Problem(
                f"The service accepted the wrong proof “{wrong.title}”.",
                "A provisioning service must reject it.",
                "Don't rely on this service, and tell its operator.",
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
        other = self._connect_to(_ELSEWHERE)
        try:
            uploaded = other.certificates.upload("the-same-ca", certificate_pem(authority.certificate))
            return str(other.certificates.generate_verification_code(uploaded).verification_code)
        finally:
            other.close()
            remove_another(start_local_dps(self._workspace.local_dps_folder), _ELSEWHERE)

    def _connect_to(self, name: str) -> ProvisioningService:
        """Create another provisioning service at the workspace's local DPS; it replaces one of the same name."""
        return connect_to_another(
            start_local_dps(self._workspace.local_dps_folder), name, iot_hub="a-hub.azure-devices.net"
        )

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

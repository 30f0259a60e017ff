"""The gallery: each wrong proof is sent for real, and the learner predicts what DPS says before opening the answer."""

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
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["DpsAnswer", "Exhibit", "Gallery", "Prediction", "Reveal", "Score"]

_NOTEBOOK = "08_gallery_of_wrong_proofs"
_OWN, _ELSEWHERE = "gallery-dps", "another-dps"
_WRITTEN = Markup("<span class='code'>{}</span>")


class Prediction(Inputs):
    """What a learner expects of DPS."""

    prediction: Answer | None = Field(None, title="Your prediction")


@dataclass(frozen=True, repr=False)
class DpsAnswer(Picture):
    """DPS's answer to a wrong proof.

    Attributes:
        refusal: what the service said. verdicts: what the examiner finds before anything is sent.
    """

    wrong: WrongProof
    refusal: DpsError
    verdicts: Examination

    def html(self) -> Markup:
        examiner = fold("What the examiner says before anything is sent", Verdicts(self.verdicts).html())
        return Markup("{}{}").format(table(self._rows()), examiner)

    def text(self) -> str:
        return "\n".join(f"  {name}: {text}" for name, text in self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        seen = self.wrong.seen
        known = (
            f"seen at Azure: {seen}"
            if seen
            else "assumed: nobody outside of Microsoft has reported what Azure says here"
        )
        expected = (self.wrong.answer.status, self.wrong.answer.code)
        other = (
            []
            if (self.refusal.status, self.refusal.code) == expected
            else [
                (
                    "A surprise",
                    f"A local DPS says {expected[0]}, code {expected[1]}. Believe your service, and tell us.",
                )
            ]
        )
        return [
            ("The answer", f"{self.wrong.answer}. {self.refusal.status}, code {self.refusal.code} ({known})"),
            *other,
            ("In its own words", self.refusal.says),
            ("The reason", self.wrong.reason),
            ("The fix", self.wrong.fix),
        ]


@dataclass(frozen=True, repr=False)
class Reveal(Picture):
    """The answer, and whether it was predicted.

    Attributes:
        prediction: None if none was made. first: the one before the answer was seen, if this is another.
    """

    prediction: Answer | None
    answer: DpsAnswer
    first: Answer | None = None

    @property
    def is_right(self) -> bool:
        """The prediction names what is wrong: what DPS says, or a second thing that it does not come to."""
        wrong = self.answer.wrong
        return self.prediction is not None and self.prediction in (wrong.answer, wrong.also)

    @property
    def sign(self) -> Markup:
        """A dot where nothing was predicted, or else whether it was right."""
        return Markup("·") if self.prediction is None else mark(self.is_right)

    def html(self) -> Markup:
        return Markup("<div class='card'><p>{} {}</p>{}</div>").format(self.sign, self._said(), self.answer.html())

    def text(self) -> str:
        return f"  {plain(self.sign)} {self._said()}\n{self.answer.text()}"

    def _said(self) -> str:
        if self.prediction is None:
            return "You made no prediction. Choose one next time: what one has guessed wrong, one remembers."
        if self.prediction is self.answer.wrong.answer:
            verdict = "So it does."
        elif self.is_right:
            verdict = "That is wrong with it, too. DPS says something else first."
        elif Answer.ACCEPTED in (self.prediction, self.answer.wrong.answer):
            verdict = "It does not."
        else:
            verdict = "It refuses it, but not for that reason."
        counts = f" (Your first prediction counts: {self.first}.)" if self.first else ""
        return f"You predicted: {self.prediction}. {verdict}{counts}"


class Exhibit(Picture):
    """One wrong proof: what was sent, a prediction to be made, and the answer behind a button."""

    def __init__(self, drawing: Picture, facts: Sequence[tuple[str, str]], answer: DpsAnswer) -> None:
        """
        Args:
            drawing: who signed what. facts: what was sent.
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
        """The one that counts: a prediction that is made after the answer is none. Without one, what the form has now."""
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
        folded = fold("What does DPS say? Decide first, then open.", self.answer.html())
        return Markup("{}<div class='card'>{}</div>").format(self._story(), folded)

    def text(self) -> str:
        facts = (f"  {name}: {plain(text)}" for name, text in self._facts)
        return "\n".join([self.wrong.title, self._drawing.text(), *facts, self.answer.text()])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """With the form where widgets can live; elsewhere the answer is folded."""
        told = widgets.HTML(Picture.framed(self._story()))
        live: dict[str, Any] = widgets.VBox([told, self.box])._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": self.text(), "text/html": self._repr_html_()}

    def _story(self) -> Markup:
        facts = table(self._facts)
        return Markup("<div class='card'><h4>{}</h4>{}{}</div>").format(self.wrong.title, self._drawing.html(), facts)


@dataclass(frozen=True, repr=False)
class Score(Picture):
    """How the predictions came out.

    Attributes:
        reveals: of every exhibit that was shown.
    """

    reveals: Sequence[Reveal]

    @property
    def all_refused(self) -> bool:
        """The service has refused every one of them."""
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
    """Sends wrong proofs for CAs that are made for this alone: nothing of the walkthrough's own is touched."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        workspace.forget_outcomes(_NOTEBOOK)
        # At a local DPS it has a service of its own, so that no list of the walkthrough's CAs shows the gallery's.
        is_local = workspace.facts.target in ("local", "portal")
        self._dps = self._connect_to(_OWN) if is_local else rehearse(workspace)
        self._root = CertificateAuthority.create_root("Gallery Root CA")
        self._intermediate = self._root.create_intermediate("Gallery Intermediate CA")
        self._sibling = self._root.create_intermediate("Gallery Sibling CA")
        self._shown: dict[str, Exhibit] = {}

    def show(self, name: str) -> Exhibit:
        """Send one of the wrong proofs.

        Raises:
            Problem: there is none of that name, or the service accepts it, which must not be.
        """
        if name not in WRONG_PROOFS:
            raise Problem(
                f"There is no wrong proof {name!r}.", "The gallery has others.", f"One of {', '.join(WRONG_PROOFS)}."
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
                f"“{wrong.title}” was accepted.", "DPS refuses such a proof.", "Tell us which service does not."
            )
        self._workspace.note(_NOTEBOOK, **{name: refusal.status})
        newest = codes[-1].verification_code or ""
        content = base64.b64decode(attempt.sent)
        answer = DpsAnswer(wrong, refusal, examine_proof(content, authority.certificate, newest))
        facts = [*_facts(attempt, newest), *(_etags(uploaded, codes[-1]) if wrong.stale else [])]
        self._shown[name] = Exhibit(self._drawn(authority, attempt), facts, answer)
        return self._shown[name]

    def score(self) -> Score:
        """How the predictions came out, and where none was made what the answer is."""
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
        """A code for the same CA from another provisioning service, at the workspace's local DPS."""
        other = self._connect_to(_ELSEWHERE)
        try:
            uploaded = other.certificates.upload("the-same-ca", certificate_pem(authority.certificate))
            return str(other.certificates.generate_verification_code(uploaded).verification_code)
        finally:
            other.close()
            remove_another(start_local_dps(self._workspace.local_dps_folder), _ELSEWHERE)

    def _connect_to(self, name: str) -> ProvisioningService:
        """Create another provisioning service at the workspace's local DPS, in place of one of that name."""
        return connect_to_another(
            start_local_dps(self._workspace.local_dps_folder), name, iot_hub="a-hub.azure-devices.net"
        )

    def _drawn(self, authority: CertificateAuthority, attempt: Attempt) -> Picture:
        notes = {authority.certificate: "at DPS"}
        around = [self._root.certificate, self._intermediate.certificate, *attempt.around]
        if attempt.proof is not None:
            before = notes.get(attempt.proof)
            notes[attempt.proof] = f"{before}, and sent as the proof" if before else "sent as the proof"
            around.append(attempt.proof)
        return show_tree("Who signed what", around, notes=notes)


def _etags(uploaded: RegisteredCertificate, present: RegisteredCertificate) -> list[tuple[str, str]]:
    return [("ETag that is sent", _WRITTEN.format(uploaded.etag)), ("Present ETag", _WRITTEN.format(present.etag))]


def _facts(attempt: Attempt, newest: str) -> list[tuple[str, str]]:
    facts = [("Newest code", _WRITTEN.format(newest) if newest else "none yet"), ("Sent", attempt.what)]
    if attempt.proof is not None:
        proof = describe(attempt.proof)
        named = f"Its CN ({attempt.cn_is})" if attempt.cn_is else "Its CN"
        facts += [(named, _WRITTEN.format(proof.common_name)), ("Its life", life(proof))]
    return facts

"""An exhibit: a numbered proof as DPS sees it, and the answer of DPS, which stays sealed until the learner has decided."""

import base64
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from markupsafe import Markup

from helpers.certificates import describe, examine_proof
from helpers.dps import DpsError
from helpers.lesson.experiments.proof_case import Attempt, ProofCase
from helpers.lesson.figures import Picture, Verdicts, life, show_tree
from helpers.lesson.figures.picture import Row, Table, fold, plain, table, with_digits_grouped

__all__ = ["DpsAnswer", "Exhibit"]

_PEM = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, repr=False)
class DpsAnswer(Picture):
    """The answer of DPS to a proof, with who signed what, the reason and the fix.

    Attributes:
        ca: the CA that DPS has. code: the newest code, "" if none was requested. now: the time of the answer, UTC.
        around: further certificates for the drawing.
        is_good: whether DPS accepted the proof, or answered without looking at it.
        refusal: None if DPS accepted the proof. etags: in the request, and at DPS; None unless they differ.
    """

    case: ProofCase
    attempt: Attempt
    ca: x509.Certificate
    code: str
    now: datetime
    around: tuple[x509.Certificate, ...]
    is_good: bool
    refusal: DpsError | None = None
    etags: tuple[str, str] | None = None

    @property
    def sent(self) -> bytes:
        """The content of the request, decoded once from base64."""
        return base64.b64decode(self.attempt.sent)

    def html(self) -> Markup:
        examination = examine_proof(self.sent, self.ca, self.code, at=self.now)
        examiner = fold("The examiner's findings, before the proof is sent", Verdicts(examination).html())
        return Markup("{}{}{}").format(self._drawing().html(), table(self.rows()), examiner)

    def text(self) -> str:
        return "\n".join([self._drawing().text(), *(f"  {name}: {plain(text)}" for name, text in self.rows())])

    def rows(self) -> list[Row]:
        source = "assumed: no public thread reports the answer of Azure"
        if self.case.seen:
            source = f"seen at Azure: {self.case.seen}"
        status, code = (200, "") if self.refusal is None else (self.refusal.status, self.refusal.code)
        named = f"{status}, code {code}" if code else f"{status}"
        rows: list[Row] = [*self._about_the_request(), ("The answer", f"{self.case.answer}. {named} ({source})")]
        if (status, code) != (self.case.answer.status, self.case.answer.code):
            differs = f"The local DPS answers {self.case.answer.status}. Your service differs: rely on its answer."
            rows.append(("A surprise", differs))
        if self.refusal is not None:
            rows.append(("DPS says", self.refusal.says))
        return [*rows, ("The reason", self.case.reason), ("The fix" if self.refusal else "Remember", self.case.fix)]

    def _about_the_request(self) -> list[Row]:
        rows: list[Row] = [
            ("Newest code", with_digits_grouped(self.code) if self.code else "none yet"),
            ("Sent", self.attempt.what),
        ]
        if self.attempt.proof is not None:
            proof = describe(self.attempt.proof)
            named = f"Its CN ({self.attempt.cn_is})" if self.attempt.cn_is else "Its CN"
            rows += [(named, with_digits_grouped(proof.common_name)), ("Its validity", life(proof))]
        if self.etags:
            sent, current = self.etags
            rows += [("ETag in the request", with_digits_grouped(sent)), ("Current ETag", with_digits_grouped(current))]
        return rows

    def _drawing(self) -> Picture:
        notes = {self.ca: "at DPS"}
        shown = [*self.around, *self.attempt.around]
        if self.attempt.proof is not None:
            before = notes.get(self.attempt.proof)
            notes[self.attempt.proof] = f"{before} and sent as the proof" if before else "sent as the proof"
            shown.append(self.attempt.proof)
        return show_tree("Who signed what", shown, notes=notes)


@dataclass(frozen=True, repr=False)
class Exhibit(Table):
    """A proof under its number, as DPS sees it. The answer of DPS is not shown with it."""

    number: int
    answer: DpsAnswer

    @property
    def ca(self) -> x509.Certificate:
        """The CA's certificate that DPS has."""
        return self.answer.ca

    @property
    def code(self) -> str:
        """The newest code; "" if none was requested."""
        return self.answer.code

    @property
    def sent(self) -> bytes:
        """The content of the request, decoded once from base64."""
        return self.answer.sent

    @property
    def now(self) -> datetime:
        """The time at which DPS decided, UTC."""
        return self.answer.now

    def title(self) -> str:
        return f"Exhibit {self.number}"

    def rows(self) -> list[Row]:
        rows: list[Row] = [
            ("ca", f"the certificate of “{describe(self.ca).common_name}”"),
            ("code", with_digits_grouped(self.code) if self.code else "empty: nobody has asked DPS for a code"),
            ("sent", f"{len(self.sent)} bytes"),
            ("now", f"{self.now:%Y-%m-%d %H:%M} UTC"),
        ]
        proof = self._read()
        if proof is None:
            return [*rows, ("In it", "no certificate can be read from it")]
        facts = describe(proof)
        rows += [
            ("Its CN", with_digits_grouped(facts.common_name)),
            ("Its issuer", facts.issuer),
            ("Its validity", life(facts)),
        ]
        return rows

    def _read(self) -> x509.Certificate | None:
        load = x509.load_pem_x509_certificate if _PEM in self.sent else x509.load_der_x509_certificate
        try:
            return load(self.sent)
        except ValueError:
            return None

"""Pictures of 08: the score, the disagreements with DPS, all exhibits with their answers, and the replay."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.course.judging.decisions import Decision
from helpers.lesson.course.judging.misconceptions import Diagnosis
from helpers.lesson.experiments.exhibit import Exhibit
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import Kind, Row, card, fold, joined, mark, pill, plain, table

__all__ = ["Comparison", "NotJudged", "Replay", "Reveal", "Scores", "count_right"]


def count_right(decisions: Sequence[Decision]) -> str:
    """Return a score in words."""
    return f"{sum(each.is_right for each in decisions)} of {len(decisions)} right"


@dataclass(frozen=True, repr=False)
class NotJudged(Picture):
    """A verifier that has not judged the exhibits.

    Attributes:
        kind, word: the state of the step. says: what the learner has to do.
    """

    kind: Kind
    word: str
    says: str

    def html(self) -> Markup:
        return card(
            "Your verifier", Markup("<p>{} {}</p>").format(pill(self.kind, self.word), self.says), kind=self.kind
        )

    def text(self) -> str:
        return f"{self.word} {self.says}"


@dataclass(frozen=True, repr=False)
class Scores(Picture):
    """How often the learner's verifier decides as DPS does, by the checks that it has. It does not say about which exhibits.

    Attributes:
        decisions: for each try, the decisions by the words that the learner gave to it; the present one comes last.
    """

    decisions: Mapping[str, Sequence[Decision]]

    def html(self) -> Markup:
        bars = table((checks, _bar(tried)) for checks, tried in self.decisions.items())
        return card(self._title(), bars, Markup("<p>{}</p>").format(self._mistakes()))

    def text(self) -> str:
        scores = [f"  {checks}: {count_right(tried)}" for checks, tried in self.decisions.items()]
        return "\n".join([self._title(), *scores, f"  {self._mistakes()}"])

    def _mistakes(self) -> str:
        wrong = [each for each in self._present() if not each.is_right]
        if not any(each.accepts for each in self._present()):
            return f"It rejects everything, so it wrongly rejects {len(wrong)}. Does it return True at its end?"
        too_lenient = sum(each.accepts for each in wrong)
        return f"It wrongly accepts {too_lenient} of them, and wrongly rejects {len(wrong) - too_lenient}."

    def _present(self) -> Sequence[Decision]:
        return list(self.decisions.values())[-1]

    def _title(self) -> str:
        return count_right(self._present())


@dataclass(frozen=True, repr=False)
class Comparison(Picture):
    """The decisions of the learner's verifier beside those of DPS, with an explanation for each disagreement."""

    decisions: Sequence[Decision]
    diagnoses: Sequence[Diagnosis]

    def html(self) -> Markup:
        kind: Kind | None = None if self.diagnoses else "accepted"
        head = card(count_right(self.decisions), _matrix(self.decisions), *self._notes(), kind=kind, word="all right")
        found = (
            card(each.heading, joined("<p>{}</p>", self._said(each)), kind="error", word="not as DPS")
            for each in self.diagnoses
        )
        return head + Markup().join(found)

    def text(self) -> str:
        found = [f"  ✘ {each.heading}. {' '.join(text for (text,) in self._said(each))}" for each in self.diagnoses]
        return "\n".join(
            [count_right(self.decisions), *_matrix_lines(self.decisions), *map(plain, self._notes()), *found]
        )

    def _notes(self) -> list[Markup]:
        unseen = [each for each in self.decisions if each.exhibit.answer.is_good and each.exhibit.answer.refusal]
        raised = [each for each in self.decisions if each.raised]
        notes = [("Exhibit", unseen, _NOT_SEEN), ("Your function raised an exception for", raised, _AS_DPS)]
        return [Markup("<p>{} {}. {}</p>").format(about, _numbers(some), says) for about, some, says in notes if some]

    @staticmethod
    def _said(diagnosis: Diagnosis) -> list[tuple[str]]:
        exhibits = "Exhibit" if len(diagnosis.decisions) == 1 else "Exhibits"
        raised = [each for each in diagnosis.decisions if each.raised][:1]
        errors = [(f"For exhibit {each.exhibit.number}, your function raised {each.raised}.",) for each in raised]
        return [(diagnosis.why,), (f"{exhibits} {_numbers(diagnosis.decisions)}.",), *errors]


_NOT_SEEN = "DPS rejected this request for its ETag, before it looked at the proof. The proof is good, so accepting it is right."
_AS_DPS = "That counts as rejecting."


@dataclass(frozen=True, repr=False)
class Reveal(Picture):
    """Every exhibit with its title, the drawing, the answer of DPS, and the learner's decision.

    Attributes:
        decided: the exhibits with the decisions; None while the learner has not decided, and then all of it is folded.
    """

    decided: Sequence[tuple[Exhibit, Decision | None]]

    def html(self) -> Markup:
        shown = [fold(self._summary(*each), each[0].answer.html()) for each in self.decided]
        if self._is_open:
            return card(_OPEN, fold("Show the answers of DPS anyway", _rows(shown)))
        return card(self._title(), _rows(shown))

    def text(self) -> str:
        if self._is_open:
            return _OPEN
        shown = (f"  {plain(self._summary(*each))}\n{each[0].answer.text()}" for each in self.decided)
        return "\n".join([self._title(), *shown])

    @property
    def _is_open(self) -> bool:
        return any(decision is None for _, decision in self.decided)

    def _title(self) -> str:
        good = sum(exhibit.answer.is_good for exhibit, _ in self.decided)
        return f"{len(self.decided)} exhibits, {good} good proofs among them"

    @staticmethod
    def _summary(exhibit: Exhibit, decision: Decision | None) -> Markup:
        answer = exhibit.answer
        dps = pill("accepted", "DPS accepts") if answer.refusal is None else pill("rejected", "DPS rejects")
        if answer.is_good and answer.refusal is not None:
            dps += Markup(" <small>the request, not the proof</small>")
        you = Markup("not decided")
        if decision is not None:
            you = Markup("{} you {}").format(mark(decision.is_right), "accept" if decision.accepts else "reject")
        return Markup(
            "<span class='number'>{}</span> <b>{}</b> <span class='by-dps'>{}</span> <span class='by-you'>{}</span>"
        ).format(exhibit.number, answer.case.title, dps, you)


_OPEN = "You have not decided yet"


def _rows(folds: Iterable[Markup]) -> Markup:
    return Markup("<div class='exhibits'>{}</div>").format(Markup().join(folds))


@dataclass(frozen=True, repr=False)
class Replay(Picture):
    """What a verifier decides about a proof that was made a year ago.

    Attributes:
        code: the constant code. with_constant, with_random: whether it accepts the proof for that code, and for a random one.
        by_examiner: the examiner decided, because the learner's verifier is not solved.
    """

    code: str
    with_constant: bool
    with_random: bool
    by_examiner: bool

    def html(self) -> Markup:
        return card("A proof that Mallory has found", table(self._rows()))

    def text(self) -> str:
        return "\n".join(["A proof that Mallory has found", *_lines(self._rows())])

    def _rows(self) -> list[Row]:
        decides = (
            "the examiner of 03, because your verify_proof is not solved yet" if self.by_examiner else "verify_proof"
        )
        return [
            ("The proof", f"the CA's owner signed “{self.code}” a year ago; the certificate is valid for ten years"),
            ("Who has the CA's key now", "nobody: this notebook has deleted it"),
            ("Who decides", decides),
            ("The code is always the same", _verdict(self.with_constant)),
            ("The code is random", _verdict(self.with_random)),
        ]


def _verdict(accepts: bool) -> Markup:
    if accepts:
        return Markup("{} Mallory proves a CA whose key he never had").format(pill("accepted", "accepted"))
    return Markup("{} the old proof has another common name").format(pill("rejected", "rejected"))


def _matrix(decisions: Sequence[Decision]) -> Markup:
    """Return the numbers of the exhibits, by the learner's decision and that of DPS."""
    lines = (
        (_YOU[accepts], *(_cell(each, is_right) for each, is_right in _split(decisions, accepts)))
        for accepts in (True, False)
    )
    return Markup(
        "<table><thead><tr><td></td><th scope='col'>DPS accepts</th><th scope='col'>DPS rejects</th></tr></thead>"
        "<tbody>{}</tbody></table>"
    ).format(joined("<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>", lines))


_YOU = {True: "You accept", False: "You reject"}


def _split(decisions: Sequence[Decision], accepts: bool) -> list[tuple[list[Decision], bool]]:
    """Split the decisions of one kind by that of DPS, accepting first, each with whether the two agree."""
    mine = [each for each in decisions if each.accepts == accepts]
    return [([each for each in mine if each.is_right == agree], agree) for agree in (accepts, not accepts)]


def _cell(decisions: Sequence[Decision], is_right: bool) -> Markup | str:
    return Markup("{} {}").format(mark(is_right), _numbers(decisions)) if decisions else "none"


def _matrix_lines(decisions: Sequence[Decision]) -> list[str]:
    return [
        f"  {_YOU[accepts]}, DPS {dps}: {plain(_cell(*each))}"
        for accepts in (True, False)
        for dps, each in zip(("accepts", "rejects"), _split(decisions, accepts), strict=True)
    ]


def _bar(decisions: Sequence[Decision]) -> Markup:
    percent = round(100 * sum(each.is_right for each in decisions) / len(decisions))
    return Markup("<div class='bar-track' aria-hidden='true'><div class='bar' style='width:{}%'></div></div>{}").format(
        percent, count_right(decisions)
    )


def _numbers(decisions: Sequence[Decision]) -> str:
    return ", ".join(str(number) for number in sorted(each.exhibit.number for each in decisions))


def _lines(rows: Sequence[Row]) -> list[str]:
    return [f"  {plain(name)}: {plain(text)}" for name, text in rows]

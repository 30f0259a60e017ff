"""08: the learner writes the check that DPS makes, and it decides about the same proofs as DPS."""

import secrets
from datetime import UTC, datetime

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.lesson.course.answers import Unsolved, WrongAnswer, time_limit
from helpers.lesson.course.judging.decisions import Decision, Verifier, by_examiner, decide, decide_all
from helpers.lesson.course.judging.judging_pictures import Comparison, NotJudged, Replay, Reveal, Scores, count_right
from helpers.lesson.course.judging.misconceptions import diagnose
from helpers.lesson.experiments.exhibit import Exhibit
from helpers.lesson.experiments.gallery import rehearsed_exhibits, send_exhibits
from helpers.lesson.experiments.proof_parts import DAY, crafted, named
from helpers.lesson.figures import Picture
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["Exhibits", "check_verifier"]

_YEAR = 365 * DAY
_YOUR_TURN = (
    "Replace the line that begins with raise with your own code, and run the cell again. DPS has decided already."
)


class Exhibits:
    """Good and wrong proofs under their numbers. DPS has answered each of them; its answers are sealed until the reveal."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._exhibits = send_exhibits(workspace)
        self._tries: dict[str, list[Decision]] = {}

    def __getitem__(self, number: int) -> Exhibit:
        """Return one exhibit, as DPS sees it.

        Raises:
            Problem: no exhibit has that number.
        """
        found = [each for each in self._exhibits if each.number == number]
        if not found:
            raise Problem(
                f"There is no exhibit {number}.",
                f"The exhibits have the numbers from 1 to {len(self._exhibits)}.",
                "Choose one of these numbers.",
            )
        return found[0]

    def try_verifier(self, verifier: Verifier, checks: str) -> Picture:
        """Return the score of a verifier, with those of the earlier ones.

        Args:
            checks: what the verifier checks, in words. Another try with the same words replaces the earlier one.
        """
        decisions = self._decisions(verifier)
        if isinstance(decisions, Picture):
            return decisions
        self._tries.pop(checks, None)
        self._tries[checks] = decisions
        return Scores(dict(self._tries))

    def compare(self, verifier: Verifier) -> Picture:
        """Return the verifier's decisions beside those of DPS, and note the score. Each disagreement is explained."""
        decisions = self._decisions(verifier)
        if isinstance(decisions, Picture):
            return decisions
        right = sum(each.is_right for each in decisions)
        self._workspace.note(Notebook.YOU_ARE_DPS, right_decisions=[right, len(decisions)])
        return Comparison(decisions, diagnose(decisions))

    def reveal(self, verifier: Verifier) -> Reveal:
        """Return every exhibit with its title, the answer of DPS and the verifier's decision."""
        decisions = self._decisions(verifier)
        if isinstance(decisions, Picture):
            return Reveal([(exhibit, None) for exhibit in self._exhibits])
        return Reveal([(each.exhibit, each) for each in decisions])

    def replay(self, verifier: Verifier, code: str) -> Picture:
        """Return what the verifier decides about an old proof if the code is constant, and if it is random.

        While the verifier is not solved, the examiner decides.
        """
        solved = not isinstance(self._decisions(verifier), Picture)
        decides = verifier if solved else by_examiner
        ca = CertificateAuthority.create_root("Replay CA")
        old = crafted(named(code), ca.certificate.subject, ca.private_key, life=(-_YEAR, 9 * _YEAR))
        public, sent, now = ca.certificate, certificate_pem(old), datetime.now(UTC)
        with_constant, with_random = (
            decide(decides, public, asked, sent, now)[0] for asked in (code, secrets.token_hex(24).upper())
        )
        return Replay(code, with_constant, with_random, by_examiner=not solved)

    def _decisions(self, verifier: Verifier) -> list[Decision] | NotJudged:
        """Return the decisions, or what the learner has to do first."""
        try:
            with time_limit():
                return decide_all(verifier, self._exhibits)
        except Unsolved:
            return NotJudged("note", "○ Your turn.", _YOUR_TURN)
        except WrongAnswer as wrong:
            return NotJudged("rejected", "✘ Not yet.", str(wrong))


def check_verifier(verifier: Verifier, workspace: Workspace) -> str:
    """Try a verifier with new exhibits, as an exercise does, and return the praise.

    Raises:
        WrongAnswer: it decides about some of them otherwise than DPS; the message explains the first disagreement.
        Unsolved: it is still the exercise's stub.
    """
    decisions = decide_all(verifier, rehearsed_exhibits(workspace))
    for each in diagnose(decisions):
        raised = next((f" It raised {one.raised}." for one in each.decisions if one.raised), "")
        raise WrongAnswer(f"{count_right(decisions)}. {each.heading}. {each.why}{raised}")
    return "Signature, code, dates: you accept and reject as DPS does."

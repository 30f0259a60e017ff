"""The journey: the notebooks, what each of them is about, how long it takes, and which of them are done."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import joined
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["JOURNEY", "JourneyMap", "Stop", "journey", "next_stop", "run_first"]


@dataclass(frozen=True)
class Stop:
    """One notebook of the journey.

    Attributes:
        minutes: the approximate time for a learner who reads everything and does the exercise.
    """

    notebook: str
    idea: str
    minutes: int


JOURNEY = (
    Stop(Notebook.START_HERE, "check this machine, and choose a provisioning service", 10),
    Stop(Notebook.CREATE_CA, "create a root CA and an intermediate CA, or bring your own", 15),
    Stop(Notebook.UPLOAD_CA, "upload the certificate of one of the CAs to DPS", 10),
    Stop(Notebook.SIGN_VERIFICATION_CODE, "get a verification code from DPS, and sign it", 20),
    Stop(Notebook.VERIFY_CA, "DPS checks the proof; see what the proof is worth", 15),
    Stop(Notebook.CREATE_ENROLLMENT_GROUP, "bind an enrollment group to the verified CA", 10),
    Stop(Notebook.PROVISION_DEVICES, "register a device and a fleet; an unknown device is rejected", 15),
    Stop(Notebook.WHEN_ACCESS_ENDS, "revoke a device, disable a group, roll over and delete a CA", 20),
    Stop(Notebook.GALLERY_OF_WRONG_PROOFS, f"{len(WRONG_PROOFS)} proofs that fail: predict the answer of DPS", 30),
    Stop(Notebook.THE_ATTACK, "upload another organization's CA; see what stops you and what does not", 15),
    Stop(Notebook.CLEAN_UP, "remove everything that the walkthrough has created", 5),
)


@dataclass(frozen=True, repr=False)
class JourneyMap(Picture):
    """The notebooks in their order; `reached` names those whose checkpoints the learner has ever reached in this workspace."""

    reached: Sequence[str]

    def html(self) -> Markup:
        lines = joined(
            "<tr><td>{}</td><th scope='row'><a href='{}.ipynb'>{}</a></th><td>{}</td><td class='short'>{} min</td></tr>",
            ((sign, stop.notebook, stop.notebook, stop.idea, stop.minutes) for sign, stop in self._signed()),
        )
        return Markup("<div class='card'><h4>{}</h4><table><tbody>{}</tbody></table></div>").format(
            self._title(), lines
        )

    def text(self) -> str:
        lines = [f"  {sign} {stop.notebook:27} {stop.minutes:3} min  {stop.idea}" for sign, stop in self._signed()]
        return "\n".join([self._title(), *lines])

    def _signed(self) -> list[tuple[str, Stop]]:
        return [(self._sign(stop), stop) for stop in JOURNEY]

    def _sign(self, stop: Stop) -> str:
        left = self._left()
        if stop not in left:
            return "✔"
        return "▶" if stop == left[0] else "○"

    def _title(self) -> str:
        left = self._left()
        minutes = sum(stop.minutes for stop in left)
        return f"The journey: {len(JOURNEY) - len(left)} of {len(JOURNEY)} done, about {minutes} minutes to go"

    def _left(self) -> list[Stop]:
        return [stop for stop in JOURNEY if stop.notebook not in self.reached]


def journey(workspace: Workspace) -> JourneyMap:
    """Return the map of the journey, with the notebooks that are done in this workspace."""
    return JourneyMap(workspace.facts.reached)


def next_stop(notebook: str) -> str:
    """Return the name of the next notebook; after the last one, that of the first."""
    names = [stop.notebook for stop in JOURNEY]
    return [*names[1:], names[0]][names.index(notebook)]


def run_first(notebook: str, reason: str) -> Problem:
    """Return the error for a cell that runs before an earlier notebook has run."""
    return Problem("Another notebook must run before this one.", reason, f"Run {notebook}, and continue from there.")

"""The journey: which notebooks there are, what each is for, about how long it takes, and how far one has come."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import joined
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["JOURNEY", "JourneyMap", "Stop", "journey", "next_stop", "run_first"]


@dataclass(frozen=True)
class Stop:
    """One notebook.

    Attributes:
        minutes: about how long a learner takes who reads everything and does the exercise.
    """

    notebook: str
    idea: str
    minutes: int


JOURNEY = (
    Stop("00_start_here", "is this machine fit, and which provisioning service is it to be", 10),
    Stop("01_create_ca", "a root CA and an intermediate CA, or your own", 15),
    Stop("02_upload_ca", "DPS gets the public part of one of them", 10),
    Stop("03_sign_verification_code", "DPS gives a code; you sign it", 20),
    Stop("04_verify_ca", "DPS checks the proof; and what the proof is worth", 15),
    Stop("05_create_enrollment_group", "a group is bound to the verified CA", 10),
    Stop("06_provision_devices", "a device and a fleet get in, a stranger does not", 15),
    Stop("07_when_access_ends", "a device revoked, a group stopped, a CA rolled over and deleted", 20),
    Stop("08_gallery_of_wrong_proofs", "nineteen proofs that fail: predict what DPS says", 30),
    Stop("09_the_attack", "somebody else's CA is uploaded: what stops it, and what does not", 15),
    Stop("10_clean_up", "what was made is removed", 5),
)


@dataclass(frozen=True, repr=False)
class JourneyMap(Picture):
    """The notebooks in their order; `reached` are those whose checkpoints have been reached in this workspace, once."""

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
        left = [stop for stop in JOURNEY if stop.notebook not in self.reached]
        return [("✔" if stop not in left else "▶" if stop == left[0] else "○", stop) for stop in JOURNEY]

    def _title(self) -> str:
        left = sum(stop.minutes for stop in JOURNEY if stop.notebook not in self.reached)
        done = len(JOURNEY) - sum(stop.notebook not in self.reached for stop in JOURNEY)
        return f"The journey: {done} of {len(JOURNEY)} done, about {left} minutes to go"


def journey(workspace: Workspace) -> JourneyMap:
    """The map, with what is done in this workspace."""
    return JourneyMap(workspace.facts.reached)


def next_stop(notebook: str) -> str:
    """Which notebook comes after this one; the first again after the last."""
    names = [stop.notebook for stop in JOURNEY]
    return [*names[1:], names[0]][names.index(notebook)]


def run_first(notebook: str, reason: str) -> Problem:
    """The error of a cell that runs too early: the notebooks build on one another."""
    return Problem("This notebook needs another to be run first.", reason, f"Run {notebook}, and go on from there.")

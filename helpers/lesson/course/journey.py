"""The journey: the notebooks, what each of them is about, how long it takes, and what the learner has mastered."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.course.mastery import Marks, marks, next_step
from helpers.lesson.course.minutes import minutes
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import card, column_name, joined, mark, pill
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["COMPLETE", "JOURNEY", "JourneyMap", "Stop", "journey", "next_stop", "run_first"]


@dataclass(frozen=True)
class Stop:
    """One notebook of the journey; `title` is its first heading without the number."""

    notebook: Notebook
    title: str
    idea: str

    @property
    def heading(self) -> str:
        """The number and the title, such as "02 · Upload the CA's certificate"."""
        return f"{self.notebook[:2]} · {self.title}"


JOURNEY = (
    Stop(Notebook.START_HERE, "Start here", "check this machine, and choose a provisioning service"),
    Stop(
        Notebook.CREATE_CA,
        "Create a certificate authority",
        "create a root CA and an intermediate CA, or bring your own",
    ),
    Stop(Notebook.UPLOAD_CA, "Upload the CA's certificate", "upload the certificate of one of the CAs to DPS"),
    Stop(
        Notebook.SIGN_VERIFICATION_CODE, "Sign the verification code", "get a verification code from DPS, and sign it"
    ),
    Stop(Notebook.VERIFY_CA, "Verify the CA", "DPS checks the proof; see what the proof is worth"),
    Stop(Notebook.CREATE_ENROLLMENT_GROUP, "Create an enrollment group", "bind an enrollment group to the verified CA"),
    Stop(
        Notebook.PROVISION_DEVICES,
        "Provision devices",
        "register a device and a fleet; find out which devices DPS rejects",
    ),
    Stop(Notebook.WHEN_ACCESS_ENDS, "When access ends", "revoke a device, disable a group, roll over and delete a CA"),
    Stop(
        Notebook.YOU_ARE_DPS, "You are DPS", "write the check that DPS makes, and judge good and wrong proofs with it"
    ),
    Stop(Notebook.THE_ATTACK, "The attack", "upload another organization's CA; see what stops you and what does not"),
    Stop(
        Notebook.FINAL_TEST,
        "The final test",
        "twelve questions over the whole course, and a certificate for those who pass",
    ),
    Stop(Notebook.CLEAN_UP, "Clean up", "remove everything that the walkthrough has created"),
)


@dataclass(frozen=True, repr=False)
class JourneyMap(Picture):
    """The notebooks in their order, each with its three marks."""

    marks: Sequence[Marks]

    def html(self) -> Markup:
        heads = joined("<th scope='col'>{}</th>", ((name,) for name in ("Notebook", *_MARKS, "Minutes")))
        lines = joined(
            "<tr><th scope='row' class='name'><a href='{}.ipynb'>{}</a><small>{}</small></th><td class='sign'>{}{}</td>"
            "<td class='sign'>{}{}</td><td class='short'>{}{}</td><td class='number'>{}{}</td></tr>",
            (
                (
                    stop.notebook,
                    stop.heading,
                    stop.idea,
                    column_name("Ran"),
                    _sign(each.ran),
                    column_name("Exercise"),
                    _sign(each.solved),
                    column_name("Predictions") if each.predictions else "",
                    each.predictions,
                    minutes(stop.notebook),
                    column_name(" min"),
                )
                for stop, each in zip(JOURNEY, self.marks, strict=True)
            ),
        )
        done = sum(each.is_done for each in self.marks)
        return card(
            self._title(),
            Markup("<div class='bar-track' aria-hidden='true'><div class='bar' style='width:{}%'></div></div>").format(
                100 * done // len(JOURNEY)
            ),
            Markup("<table class='journey'><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(heads, lines),
            Markup("<p>{} {}</p>").format(pill("note", "next"), step)
            if (step := next_step(list(self.marks)))
            else Markup("<p>{}</p>").format(pill("accepted", COMPLETE)),
        )

    def text(self) -> str:
        lines = [
            f"  {_plain(each.ran)} {_plain(each.solved)} {each.predictions or '-':8} {each.notebook:27} {stop.idea}"
            for stop, each in zip(JOURNEY, self.marks, strict=True)
        ]
        step = next_step(list(self.marks))
        return "\n".join([self._title(), _LEGEND, *lines, f"  Next: {step}" if step else f"  {COMPLETE}."])

    def _title(self) -> str:
        left = [each for each in self.marks if not each.is_done]
        to_go = sum(minutes(each.notebook) for each in left)
        done = f"The journey: {len(JOURNEY) - len(left)} of {len(JOURNEY)} done"
        return f"{done}, about {to_go} minutes to go" if left else done


COMPLETE = "The course is complete"
_MARKS = ("Ran", "Exercise", "Predictions")
_LEGEND = "  (ran; exercise solved, or final test passed; predictions that came true, - for none)"


def _sign(reached: bool) -> Markup:
    return mark(True) if reached else Markup("<span aria-label='not yet'>○</span>")


def _plain(reached: bool) -> str:
    return "✔" if reached else "○"


def journey(workspace: Workspace) -> JourneyMap:
    """Return the map of the journey, with what the learner has mastered in this workspace."""
    return JourneyMap(marks(workspace))


def next_stop(notebook: str) -> Stop | None:
    """Return the next notebook; None after the last one."""
    following = dict(zip(Notebook, JOURNEY[1:], strict=False))
    return following.get(Notebook(notebook))


def run_first(notebook: str, reason: str) -> Problem:
    """Return the error for a cell that runs before an earlier notebook has run."""
    return Problem("Another notebook must run before this one.", reason, f"Run {notebook}, and continue from there.")

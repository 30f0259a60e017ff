"""The index of a run: the first page that a person sees after `make tutorial`."""

from collections.abc import Sequence

from markupsafe import Markup

from helpers.lesson.course.journey import JOURNEY, Stop
from helpers.lesson.figures import STYLE
from helpers.lesson.figures.picture import badge, card, joined, pill
from helpers.lesson.figures.shapes import icon
from helpers.walkthrough.notebook_run import NotebookRun

__all__ = ["index"]


def index(outcomes: Sequence[NotebookRun], seconds: float) -> str:
    """Return an HTML page about a run: whether it succeeded, each notebook with its time, and the errors.

    Args:
        seconds: the time that the whole run took; less than the sum of the notebooks' times where two ran at once.
    """
    failed = [each for each in outcomes if each.failure]
    title = "The walkthrough stopped" if failed else "The walkthrough has run"
    first = Markup().join(map(_error, failed)) if failed else _moment(outcomes, seconds)
    lead = f"{len(outcomes) - len(failed)} of {len(JOURNEY)} notebooks ran to the end. The run took {_time(seconds)}."
    return Markup(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width, "
        "initial-scale=1'><title>{0}</title>{1}</head><body class='dps-page'><main><h1>{0}</h1>{2}<div class='dps'>{3}{4}</div>"
        "</main></body></html>"
    ).format(title, STYLE, Markup("<p class='lead'>{}</p>").format(lead) if failed else "", first, _table(outcomes))


def _moment(outcomes: Sequence[NotebookRun], seconds: float) -> Markup:
    """Return what happened, and what to do now."""
    return Markup(
        "<div class='card accepted moment'>{}<div><h2>All {} notebooks ran to the end {}</h2><p>The run took {}.</p><ul>"
        "<li>Read what the notebooks show, from <a href='{}'>the first one</a> on.</li>"
        "<li>Work through them yourself: <code>make lab</code> opens JupyterLab.</li></ul></div></div>"
    ).format(
        icon("done"), len(outcomes), pill("accepted", "done"), _time(seconds), outcomes[0].html.name if outcomes else ""
    )


def _table(outcomes: Sequence[NotebookRun]) -> Markup:
    stops: dict[str, Stop] = {stop.notebook: stop for stop in JOURNEY}
    rows = joined(
        "<tr><th scope='row' class='name'><a href='{}'>{}</a><small>{}</small></th><td class='short'>{}</td>"
        "<td class='number'>{}</td></tr>",
        (
            (
                each.html.name,
                stops[each.name].heading,
                stops[each.name].idea,
                pill("error", "failed") if each.failure else pill("accepted", "ran"),
                _time(each.seconds),
            )
            for each in outcomes
        ),
    )
    left = [stop for stop in JOURNEY if stop.notebook not in {each.name for each in outcomes}]
    if any(each.failure for each in outcomes):
        rows += joined(
            "<tr><th scope='row' class='name'>{}<small>{}</small></th><td class='short'>{}</td><td></td></tr>",
            ((stop.heading, stop.idea, badge("not run")) for stop in left),
        )
    head = joined("<th scope='col' class='{}'>{}</th>", (("", "Notebook"), ("", "Result"), ("number", "Time")))
    return card(
        "The notebooks",
        Markup("<table class='journey'><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, rows),
    )


def _error(outcome: NotebookRun) -> Markup:
    where, _, said = (outcome.failure or "").partition(": ")
    return card(
        f"{where or outcome.name} failed",
        Markup(
            "<p style='white-space: pre-line'>{}</p><p>The <a href='{}'>page of this notebook</a> shows the cell.</p>"
        ).format(said, outcome.html.name),
        kind="error",
        word="error",
    )


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"

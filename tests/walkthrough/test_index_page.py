"""The index of a run tells what ran, how long it took, what failed and what was left out."""

from pathlib import Path

from markupsafe import Markup

from helpers.lesson.course.journey import JOURNEY
from helpers.notebook import Notebook
from helpers.walkthrough.index_page import index
from helpers.walkthrough.notebook_run import NotebookRun


def ended(name: str, seconds: float = 2.04, failure: str | None = None) -> NotebookRun:
    return NotebookRun(name, seconds, Path(f"{name}.ipynb"), Path(f"{name}.html"), failure)


def test_a_run_that_succeeded_says_so_and_leads_to_each_notebook() -> None:
    page = index([ended(name) for name in Notebook], 75.4)
    assert "<h1>The walkthrough has run</h1>" in page
    assert f"All {len(Notebook)} notebooks ran to the end " in page
    assert "The run took 1 min 15 s." in page
    for stop in JOURNEY:
        assert Markup("<a href='{}.html'>{}</a>").format(stop.notebook, stop.heading) in page
    assert page.count("2.0 s") == len(Notebook)
    assert "failed" not in page.partition("</style>")[2]
    assert "not run" not in page


def test_a_failure_comes_first_in_sentences_and_what_did_not_run_is_listed() -> None:
    failure = "02_upload_ca, cell [5]: DPS rejected <it>.\nWhy: no.\nNext: try again."
    page = index([ended("00_start_here"), ended("02_upload_ca", failure=failure)], 5)
    assert "<h1>The walkthrough stopped</h1>" in page
    assert f"1 of {len(Notebook)} notebooks ran to the end. The run took 5.0 s." in page
    assert "02_upload_ca, cell [5] failed" in page
    assert "DPS rejected &lt;it&gt;.\nWhy: no." in page
    assert page.index("DPS rejected") < page.index("The notebooks")
    assert page.count("not run") == len(Notebook) - 2

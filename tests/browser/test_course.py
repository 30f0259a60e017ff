"""The whole course as a learner works it: predicts, fails, sees the diagnosis, solves, passes, and has everything done."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from helpers.lesson.course.exercises.exercise import EXERCISES
from helpers.lesson.course.questions.bank import read_bank
from helpers.notebook import Notebook
from tests.browser.final_test import answer_final_test
from tests.browser.lab import PICTURES, PROJECT, Lab, NotebookPage

WRONGLY_PREDICTED = {"signatures": "AAR", "leaf_below_root": "accepted", "pump_lured": "refuses"}
WRONG = {
    Notebook.CREATE_CA: ("return certificate.issuer == issuer.subject", "another CA of the same name"),
    Notebook.SIGN_VERIFICATION_CODE: ("return ca_certificate", "Anyone may have it"),
    Notebook.PROVISION_DEVICES: ("return [device]", "It stops at"),
    Notebook.YOU_ARE_DPS: ("return code in str(sent)", ""),
}
"""By notebook, a line with which the learner replaces the stub's, and a part of the diagnosis."""


def test_a_learner_works_through_the_whole_course(page: Page, lab: Lab, subtests: pytest.Subtests) -> None:
    """One test, because each notebook needs what the earlier ones have left."""
    for name in Notebook:
        notebook = NotebookPage.open(page, lab, name)
        waiting = 0  # the first code cell that has not run
        for number, source in enumerate(sources(notebook.file)):
            prediction = re.search(r'walkthrough\.predict\("(\w+)"\)', source)
            if not (
                prediction
                or "raise lesson.Unsolved" in source
                or "try_exercise(" in source
                or source == "test.result()"
            ):
                continue
            if "walkthrough.try_exercise(" not in source and "raise lesson.Unsolved" in source:
                continue  # a step on the way to the exercise
            if number > waiting:
                notebook.run(waiting, number - 1)
            if prediction:
                notebook.run(number, number)
                predict(notebook, number, prediction[1], subtests)
            elif source == "test.result()":
                answer_final_test(notebook.output(number - 1), right=True)
                notebook.run(number, number)
            else:
                solve(notebook, number, source, subtests)
            waiting = number + 1
        notebook.run(waiting, len(sources(notebook.file)) - 1)
        with subtests.test("the checkpoint is reached, and the browser complains of nothing", of=name):
            reached = "Course complete" if name == Notebook.CLEAN_UP else "Checkpoint reached"
            expect(notebook.output(-1)).to_contain_text(reached)
            assert notebook.complaints == []
        notebook.show_whole()
        page.screenshot(path=PICTURES / "course" / f"{name}.png")
        page.set_viewport_size({"width": 1400, "height": 1000})
    journey = NotebookPage.open(page, lab, Notebook.START_HERE)
    journey.run(0, 2)
    expect(journey.output(2)).to_contain_text(f"{len(Notebook)} of {len(Notebook)} done")
    expect(journey.output(2)).to_contain_text("The course is complete")


def predict(notebook: NotebookPage, number: int, name: str, subtests: pytest.Subtests) -> None:
    """Answer a prediction, run its experiment, and look at what is said about the prediction."""
    _, question = read_bank("predictions")[name]
    chosen = WRONGLY_PREDICTED.get(name, question.right)
    asked = notebook.output(number).locator(".dps-question")
    asked.get_by_label(question.choices[chosen].says, exact=True).check()
    shown = next(n for n, source in enumerate(sources(notebook.file)) if n > number and "prediction.beside(" in source)
    notebook.run(number + 1, shown)
    with subtests.test("what happened stands beside the prediction", of=name):
        expect(notebook.output(shown)).to_contain_text(question.choices[chosen].why)
        expect(notebook.output(shown)).to_contain_text(
            "as predicted" if chosen == question.right else "not what happened"
        )


def solve(notebook: NotebookPage, number: int, source: str, subtests: pytest.Subtests) -> None:
    """Answer an exercise, wrongly at first if there is a wrong answer to try, and then with its solution."""
    name = Notebook(notebook.name)
    if name in WRONG:
        line, diagnosis = WRONG[name]
        notebook.write(number, source.replace("raise lesson.Unsolved", line))
        notebook.run(number, number)
        with subtests.test("a wrong answer gets its reason and a hint", of=name):
            expect(notebook.output(number)).to_contain_text("Not yet.")
            expect(notebook.output(number)).to_contain_text(diagnosis)
            expect(notebook.output(number).get_by_text("First hint")).to_be_visible()
            expect(notebook.output(number)).not_to_contain_text("Second hint")
    notebook.write(number, (PROJECT / "notebooks" / "solutions" / f"{name}.py").read_text(encoding="utf-8"))
    notebook.run(number, number)
    with subtests.test("the solution is accepted", of=name):
        expect(notebook.output(number)).to_contain_text("Solved.")
        expect(notebook.output(number)).to_contain_text(EXERCISES[name].title)


def test_a_prediction_is_made_with_the_keyboard_alone(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, Notebook.CREATE_CA)
    number = notebook.cell('predict("signatures")')
    notebook.run(0, number)
    choices = notebook.output(number).locator("input[type=radio]")
    choices.first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(choices.nth(2)).to_be_checked()
    notebook.run(number + 1, notebook.cell("prediction.beside("))
    expect(notebook.output(notebook.cell("prediction.beside("))).to_contain_text("not what happened")


def sources(file: Path) -> list[str]:
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]

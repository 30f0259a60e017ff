"""Run All in every notebook, one after the other in one JupyterLab, without touching a form."""

from enum import Enum
from typing import Literal, get_origin
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pydantic.fields import FieldInfo

from helpers import lesson
from helpers.lesson.forms import DroppedFile, Inputs
from tests.browser.barriers import barriers, faint_texts, squeezed_texts
from tests.browser.lab import NOTEBOOKS, PICTURES, Lab, NotebookPage
from tests.lesson.forms_of_notebooks import FORMS_OF

WITH_PASSPHRASE = (lesson.CreateCa, lesson.SignCode, lesson.ProvisionDevices, lesson.EndAccess, lesson.Completion)


def test_every_notebook_runs_from_top_to_bottom_and_is_accessible(
    page: Page, lab: Lab, subtests: pytest.Subtests
) -> None:
    """A single test, because it takes long. It stores pictures of the whole notebooks, in both themes, in build/browser."""
    size = page.viewport_size
    assert size is not None
    for name in NOTEBOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light")
        notebook = NotebookPage.open(page, lab, name)
        notebook.run_all()
        with subtests.test("it has reached its checkpoint", of=name):
            expect(notebook.output(-1)).to_contain_text("Checkpoint reached")
        with subtests.test("every control of every form has a name", of=name):
            for form, model in zip(notebook.forms.all(), FORMS_OF[name], strict=True):
                expect_names(form, model)
        notebook.show_whole()
        for theme in ("light", "dark"):
            notebook.turn(theme)
            page.screenshot(path=PICTURES / theme / f"{name}.png")
        # In the dark theme: in the light one, tests/browser/test_exported.py lets axe look at the same pictures.
        with subtests.test("axe finds no barrier", of=name):
            assert barriers(page) == []
            assert faint_texts(page) == []
            assert squeezed_texts(page) == []
        with subtests.test("the browser has nothing to complain of", of=name):
            assert notebook.complaints == []
        with subtests.test("no request leaves the machine", of=name):
            assert {urlsplit(each).scheme for each in notebook.requests} >= {"http", "ws"}, "they were seen"
            assert [each for each in notebook.requests if not is_on_this_machine(each)] == []


def test_a_column_that_breaks_words_is_noticed(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content(
        "<div class='dps' style='overflow-wrap: anywhere; width: 1em'><table><td>enabled</td></table></div>"
    )
    assert squeezed_texts(page) == ["enabled"]
    page.set_content("<div class='dps' style='overflow-wrap: anywhere'><table><td>enabled</td></table></div>")
    assert squeezed_texts(page) == []
    page.close()


def is_on_this_machine(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("data", "blob") or parts.hostname in ("127.0.0.1", "localhost")


# --- for everybody ---


def expect_names(form: Locator, model: type[Inputs]) -> None:
    """Expect that a screen reader can name each control, even those that are hidden now, and that there are no others."""
    wanted = [control for info in model.model_fields.values() for control in controls_of(info)]
    if issubclass(model, WITH_PASSPHRASE):
        wanted += [("textbox", "Passphrase"), ("button", "Forget it")]
    if model is lesson.CreateEnrollmentGroup:
        wanted += [("textbox", "Webhook's key"), ("button", "Forget it")]
    for role, name in wanted:
        found = form.get_by_role(role, name=name, exact=True, include_hidden=True)  # type: ignore[arg-type]
        expect(found, name).to_have_count(1)
    expect(form.locator("input, select, textarea, button")).to_have_count(len(wanted))


def controls_of(info: FieldInfo) -> list[tuple[str, str]]:
    """The controls of a field: role and name of each."""
    title, kind = str(info.title), info.annotation
    drop = [("button", f"{title}: choose the file, or drop it here")] if is_dropped(info) else []
    if get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return [("combobox", title)]
    if kind is bool:
        return [("checkbox", title)]
    return [("listbox" if title == "Hubs to choose from" else "textbox", title), *drop]


def is_dropped(info: FieldInfo) -> bool:
    return any(isinstance(each, DroppedFile) for each in info.metadata)

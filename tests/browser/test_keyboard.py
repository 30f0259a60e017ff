"""The forms and the pictures without a mouse."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.colours import BEHIND, contrast
from tests.browser.lab import Lab, NotebookPage
from tests.browser.prepared import ready_for

_FOCUSED = f"""() => {{
    const control = document.activeElement, style = getComputedStyle(control);
    return {{
        name: control.labels?.[0]?.firstChild.textContent ?? control.innerText,
        isOurs: control.closest('.dps-form, .dps') !== null,
        top: control.getBoundingClientRect().top - (control.closest('.dps-form') ?? control).getBoundingClientRect().top,
        outline: style.outlineStyle,
        width: parseFloat(style.outlineWidth),
        colour: style.outlineColor,
        behind: ({BEHIND})(control),
    }};
}}"""


def focused(page: Page) -> dict[str, Any]:
    """Return the element that has the focus, which must be visible."""
    found: dict[str, Any] = page.evaluate(_FOCUSED)
    if found["isOurs"]:
        assert found["outline"] not in ("none", "hidden"), found
        assert found["width"] >= 2, found
        assert contrast(found["colour"], found["behind"]) >= 3, found
    return found


def tab_to(page: Page, control: Locator) -> None:
    """Move the focus with only the Tab key."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if control.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {control}")


def test_a_form_is_filled_in_and_the_next_cell_run_with_only_the_keyboard(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 6)
    form, keys = notebook.form(), page.keyboard
    cells = notebook.cells.count()
    tab_to(page, form.field("Root's name"))
    keys.press("ControlOrMeta+a")
    keys.type("add xx Contoso")  # in JupyterLab's command mode some of these letters are commands
    keys.press("Tab")
    keys.press("Tab")
    expect(form.field("Key type")).to_be_focused()
    focused(page)
    keys.press("ArrowDown")
    expect(form.field("Key type")).to_have_value("RSA")
    expect(form.field("RSA size in bits")).to_be_visible()
    keys.press("ArrowUp")
    expect(form.field("Curve")).to_be_visible()
    keys.press("Tab")
    expect(form.field("Curve")).to_be_focused()
    keys.press("ArrowDown")
    expect(form.field("Curve")).to_have_value("P-384")
    keys.press("Tab")
    expect(form.field("Lifetime in days")).to_be_focused()
    keys.press("ControlOrMeta+a")
    keys.type("30")
    tab_to(page, form.field("Passphrase"))
    keys.press("Shift+Tab")
    expect(form.field("Lifetime in days")).to_be_focused()
    keys.press("Shift+Enter")  # the text below the form
    keys.press("Shift+Enter")
    for text in ("add xx Contoso", "P-384"):
        expect(notebook.output(7)).to_contain_text(text)
    expect(notebook.cells).to_have_count(cells)


def test_the_tab_order_is_the_visual_order_and_the_focus_is_visible_in_both_themes(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 6)
    form = notebook.form()
    for theme in ("light", "dark"):
        notebook.turn(theme)
        form.field("Your own CA").focus()
        seen = [focused(page)]
        while (after := tab(page))["isOurs"]:
            seen.append(after)
        assert [each["name"] for each in seen] == [
            "Your own CA",
            "Your own CA: choose the file, or drop it here",
            "Root's name",
            "Intermediate's name",
            "Key type",
            "Curve",
            "Lifetime in days",
            "Passphrase",
        ]
        tops = [each["top"] for each in seen]
        assert tops == sorted(tops)


def tab(page: Page) -> dict[str, Any]:
    page.keyboard.press("Tab")
    return focused(page)


def test_a_letter_chooses_in_a_dropdown_and_is_not_a_jupyterlab_command(page: Page, lab: Lab) -> None:
    """In command mode, R turns a cell into a raw one, A inserts one and DD deletes one, so the form and its text would be
    lost."""
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 6)
    form = notebook.form()
    cells, code_cells = notebook.cells.count(), notebook.code_cells.count()
    form.field("Key type").focus()
    page.keyboard.press("r")
    expect(form.field("RSA size in bits")).to_be_visible()
    page.keyboard.type("addx")
    page.keyboard.press("Tab")
    expect(form.field("RSA size in bits")).to_be_focused()
    expect(form.field("Key type")).to_have_value("RSA")
    assert (notebook.cells.count(), notebook.code_cells.count()) == (cells, code_cells)


@contextmanager
def not_run_again(notebook: NotebookPage, cell: int) -> Iterator[None]:
    """Check that nothing inside the block runs this cell again, which would make a new form."""
    prompt = notebook.code_cells.nth(cell).locator(".jp-InputPrompt")
    counted = prompt.inner_text()
    yield
    expect(prompt).to_have_text(counted)


def test_shift_enter_in_a_text_field_takes_what_was_typed_and_goes_on(page: Page, lab: Lab) -> None:
    ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 4)
    name = notebook.form().field("Name at DPS")
    name.fill("typed-ca")
    with not_run_again(notebook, 2):
        name.press("Shift+Enter")  # the text below the form
        page.keyboard.press("Shift+Enter")
        expect(notebook.output(5)).to_contain_text("typed-ca")


def test_shift_enter_takes_a_passphrase_too(page: Page, lab: Lab) -> None:
    ready_for("07_when_access_ends", lab.workspace, passphrase="open sesame")
    notebook = NotebookPage.open(page, lab, "07_when_access_ends")
    notebook.run(0, 3)
    passphrase = notebook.form().field("Passphrase")
    passphrase.fill("open sesame")
    with not_run_again(notebook, 1):
        passphrase.press("Shift+Enter")
        expect(notebook.output(4)).to_contain_text("assigned to")


def test_shift_enter_in_a_dropdown_a_list_and_a_box_goes_on(page: Page, lab: Lab) -> None:
    ready_for("05_create_enrollment_group", lab.workspace)
    notebook = NotebookPage.open(page, lab, "05_create_enrollment_group")
    notebook.run(0, 4)
    form = notebook.form()
    hubs = form.field("Hubs to choose from")
    with not_run_again(notebook, 1):
        form.field("Hub chosen by").focus()
        page.keyboard.type("geo")
        page.keyboard.press("Tab")
        expect(hubs).to_be_focused()
        focused(page)
        page.keyboard.press("ArrowDown")
        chosen = hubs.evaluate("each => each.selectedOptions[0].text")
        page.keyboard.press("Shift+Enter")  # the text below the form
        page.keyboard.press("Shift+Enter")
        for text in ("geoLatency", chosen):
            expect(notebook.output(5)).to_contain_text(text)
    notebook = NotebookPage.open(page, lab, "11_clean_up")
    notebook.run(0, 2)
    with not_run_again(notebook, 1):
        notebook.form().field("Delete keys and certificates here, too").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Shift+Enter")
        expect(notebook.output(3)).to_contain_text("root.key.pem is deleted here.")


def test_what_just_happened_opens_with_the_keyboard(page: Page, lab: Lab) -> None:
    ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 7)
    happened = notebook.output(7)
    outer = happened.locator("summary", has_text="What just happened")
    notebook.code_cells.nth(6).locator(".jp-InputPrompt").click()
    tab_to(page, outer)
    focused(page)
    page.keyboard.press("Enter")
    expect(happened.get_by_text("On the wire")).to_be_visible()
    put = happened.locator("summary", has_text="PUT")
    expect(put).to_be_visible()
    tab_to(page, happened.get_by_text("As commands"))
    page.keyboard.press("Enter")
    expect(happened.get_by_text("az iot dps certificate create")).to_be_visible()
    expect(put).to_be_hidden()

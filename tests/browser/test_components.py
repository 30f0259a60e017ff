"""Every picture on one page: for every reader's system and width, whole words, no barrier, and no script."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.barriers import barriers, broken_words, faint_texts
from tests.browser.clipboard import pasted
from tests.browser.colours import BEHIND, contrast
from tests.browser.components import components_page
from tests.browser.looks import LOOKS, NARROW, WIDTHS, looking

JUPYTERLAB_LIGHT, JUPYTERLAB_DARK = "data-jp-theme-light='true'", "data-jp-theme-light='false'"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("components") / "index.html"
    file.write_text(components_page(), encoding="utf-8")
    return file


@pytest.mark.parametrize("look", LOOKS)
def test_no_reader_meets_a_barrier(chromium: Browser, page_file: Path, look: str) -> None:
    with looking(chromium, LOOKS[look], 1100) as page:
        page.goto(page_file.as_uri())
        assert barriers(page) == []
        assert faint_texts(page) == []


@pytest.mark.parametrize("width", [*WIDTHS, NARROW])
def test_no_word_is_broken_and_nothing_is_wider_than_the_page(chromium: Browser, page_file: Path, width: int) -> None:
    with looking(chromium, LOOKS["light"], width) as page:
        page.goto(page_file.as_uri())
        for fold in page.locator("details:not([name])").all():
            fold.evaluate("each => { each.open = true; }")
        assert broken_words(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_titles_of_the_journey_have_half_of_a_narrow_page(chromium: Browser, page_file: Path) -> None:
    with looking(chromium, LOOKS["light"], 700) as page:
        page.goto(page_file.as_uri())
        journey = page.locator("table.journey")
        assert journey.evaluate("each => each.rows[1].cells[0].offsetWidth > each.offsetWidth / 2")


def test_a_narrow_page_names_each_mark_of_the_journey_in_its_row(chromium: Browser, page_file: Path) -> None:
    with looking(chromium, LOOKS["light"], NARROW) as page:
        page.goto(page_file.as_uri())
        row = page.locator("table.journey tbody tr").nth(1)
        expect(row.get_by_text("8 min")).to_be_visible()
        for name in ("Ran", "Exercise", "Predictions"):
            expect(row.get_by_text(name)).to_be_visible()
            expect(page.locator("table.journey thead").get_by_text(name)).to_be_hidden()
        title, marks = row.locator("th"), row.locator("td").first
        assert title.evaluate("each => each.offsetWidth === each.parentElement.offsetWidth")
        assert marks.evaluate("each => each.offsetTop >= each.previousElementSibling.offsetTop + 20")


def test_a_broken_word_is_found(chromium: Browser) -> None:
    with looking(chromium, LOOKS["light"], 700) as page:
        # In a font whose characters are all as wide, the lines are "one prov", "isioning" and "-service".
        look = "font-family: monospace; width: 8ch; word-break: break-all"
        page.set_content(f"<div class='dps' style='{look}'>one provisioning-service</div>")
        assert broken_words(page) == ["provisioning"]


def test_a_click_on_a_thumbprint_selects_it_without_its_gaps(chromium: Browser, page_file: Path) -> None:
    with looking(chromium, LOOKS["light"], 1100) as page:
        page.goto(page_file.as_uri())
        digits = page.locator(".hex").first
        digits.locator("span").nth(1).click()
        selected = page.evaluate("getSelection().toString()")
        assert selected == digits.text_content()
        assert len(selected) > 8
        assert " " not in selected


@pytest.mark.parametrize("what", [".hex", "pre.whole"])
def test_a_button_copies_what_stands_before_it_and_says_so(chromium: Browser, page_file: Path, what: str) -> None:
    with looking(chromium, LOOKS["light"], 1100) as page:
        page.goto(page_file.as_uri())
        for fold in page.locator("details:not([name])").all():
            fold.evaluate("each => { each.open = true; }")
        copied = page.locator(f"{what}:visible").filter(has=page.locator("xpath=following-sibling::button")).first
        button = copied.locator("xpath=following-sibling::button[1]")
        expect(button).to_have_accessible_name("Copy")
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_accessible_name("Copied")
        text = copied.text_content()
        assert text
        assert pasted(page) == text.rstrip()
        expect(button).to_have_accessible_name("Copy")


def test_without_scripts_there_is_no_button(chromium: Browser, page_file: Path) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        assert page.locator(".copy").count() > 5
        expect(page.locator(".copy:visible")).to_have_count(0)


def test_tabs_work_with_the_keyboard_and_without_a_script(chromium: Browser, page_file: Path) -> None:
    with chromium.new_context(java_script_enabled=False, viewport={"width": 1100, "height": 900}) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        tabs = page.locator(".tabs").last
        first, second = tabs.locator("details > div").all()
        expect(first).to_be_visible()
        expect(second).to_be_hidden()
        tabs.locator("summary").first.focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        expect(second).to_be_visible()
        expect(first).to_be_hidden()


@pytest.mark.parametrize(
    ("body", "is_dark"),
    [
        (JUPYTERLAB_LIGHT, False),
        (JUPYTERLAB_DARK, True),
        ("class='vscode-light'", False),
        ("class='vscode-dark'", True),
        ("class='vscode-high-contrast'", True),
        ("class='vscode-high-contrast vscode-high-contrast-light'", False),
    ],
)
@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_frontend_decides_on_light_or_dark_and_not_the_system(
    chromium: Browser, page_file: Path, body: str, is_dark: bool, system: str
) -> None:
    assert _is_dark(chromium, page_file, body, system) is is_dark


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_page_that_says_nothing_follows_the_system(chromium: Browser, page_file: Path, system: str) -> None:
    assert _is_dark(chromium, page_file, "", system) is (system == "dark")


def _is_dark(chromium: Browser, page_file: Path, body: str, system: str) -> bool:
    with looking(chromium, LOOKS[system], 1100) as page:
        page.set_content(page_file.read_text().replace("<body class='dps-page'>", f"<body {body}>"))
        title = page.locator(".dps .card h2").first
        colour, behind = title.evaluate("each => getComputedStyle(each).color"), title.evaluate(BEHIND)
        assert contrast(colour, behind) > 10
        return contrast(behind[-1], ["rgb(0, 0, 0)"]) < 3


def test_nothing_moves_for_a_reader_who_wants_less_motion(chromium: Browser, page_file: Path) -> None:
    with looking(chromium, LOOKS["light"], 1100) as page:
        page.goto(page_file.as_uri())
        assert _moving(page) == 0
        page.emulate_media(reduced_motion="no-preference")
        assert _moving(page) > 20


def _moving(page: Page) -> int:
    return int(
        page.evaluate(
            "[...document.querySelectorAll('.dps *')].filter(e => getComputedStyle(e).animationName !== 'none').length"
        )
    )

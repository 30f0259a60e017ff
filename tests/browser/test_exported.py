"""The executed notebooks as HTML, with the network off and scripts forbidden: every picture is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from helpers import walkthrough
from helpers.workspace import Workspace
from tests.browser.barriers import barriers, broken_words, faint_texts, squeezed_texts
from tests.browser.colours import contrast
from tests.browser.looks import LOOKS, looking

PICTURE = ".jp-Cell-outputArea .dps"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The HTML of a whole walkthrough, and its index last."""
    workspace = Workspace(tmp_path_factory.mktemp("exported") / "workspace")
    outcomes = walkthrough.run(workspace, {})
    assert [outcome.failure for outcome in outcomes] == [None] * len(walkthrough.NOTEBOOKS)
    return [*(outcome.html for outcome in outcomes), workspace.folder / "executed" / "index.html"]


@pytest.fixture
def cut_off(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context(
        offline=True, java_script_enabled=False, viewport={"width": 1200, "height": 900}
    ) as context:
        yield context.new_page()


def test_every_picture_is_shown_with_the_network_off_and_without_a_script(
    exported: list[Path], cut_off: Page, subtests: pytest.Subtests
) -> None:
    asked: list[str] = []
    cut_off.on("request", lambda request: asked.append(request.url))
    shown = 0
    for file in exported[:-1]:
        cut_off.goto(file.as_uri())
        pictures = cut_off.locator(PICTURE).all()
        with subtests.test(of=file.stem):
            assert len(pictures) == file.read_text().count("class='dps'") + file.read_text().count('class="dps"')
            for picture in pictures:
                box = picture.bounding_box()
                assert box is not None
                assert box["width"] > 200
                assert box["height"] > 20
            for drawing in cut_off.locator(f"{PICTURE} svg:visible").all():
                size = drawing.bounding_box()
                assert size is not None
                assert size["width"] > 10
                # An icon is silent, because a word stands beside it; any other drawing speaks for itself.
                assert drawing.get_attribute("aria-label") or drawing.get_attribute("aria-hidden") == "true"
        shown += len(pictures)
    assert shown > 80
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_what_is_folded_opens_without_a_script(exported: list[Path], cut_off: Page) -> None:
    (upload,) = (file for file in exported if file.stem == "02_upload_ca")
    cut_off.goto(upload.as_uri())
    summary = cut_off.locator("summary", has_text="What just happened")
    happened = cut_off.locator(".dps", has=summary)
    commands = happened.get_by_text("az iot dps certificate create")
    expect(commands).to_be_hidden()
    summary.click()
    expect(happened.locator("summary", has_text="PUT")).to_be_visible()
    happened.get_by_text("As commands", exact=True).click()
    expect(commands).to_be_visible()
    expect(happened.locator("summary", has_text="PUT")).to_be_hidden()


def test_the_index_leads_to_each(exported: list[Path], cut_off: Page) -> None:
    *pages, index = exported
    cut_off.goto(index.as_uri())
    for page in pages:
        cut_off.get_by_role("link", name=f"{page.stem[:2]} · ").click()
        expect(cut_off).to_have_url(re.compile(re.escape(page.name)))
        cut_off.go_back()


def test_the_map_of_the_journey_leads_to_the_others(exported: list[Path], cut_off: Page) -> None:
    cut_off.goto(exported[0].as_uri())
    cut_off.get_by_role("link", name="01 · ").first.click()
    expect(cut_off).to_have_url(re.compile(r"/01_create_ca\.html$"))
    expect(cut_off.get_by_role("heading", level=1)).to_contain_text("Create a certificate authority")


def test_each_page_leads_to_the_next_and_the_last_to_none(exported: list[Path], cut_off: Page) -> None:
    *pages, index = exported
    cut_off.goto(index.as_uri())
    cut_off.get_by_role("link", name="00 · ").click()
    for page in pages[1:]:
        cut_off.get_by_role("navigation").first.get_by_role("link", name="→").click()
        expect(cut_off).to_have_url(re.compile(re.escape(page.name)))
        expect(cut_off).to_have_title(re.compile(rf"^{page.stem[:2]} · "))
    expect(cut_off.get_by_role("navigation").get_by_role("link", name="→")).to_have_count(0)


@pytest.mark.parametrize("system", ["light", "dark"])
def test_pages_and_index_follow_the_system(exported: list[Path], chromium: Browser, system: str) -> None:
    with looking(chromium, LOOKS[system], 1100) as page:
        for file in (exported[1], exported[-1]):
            page.goto(file.as_uri())
            for name in ("body", ".dps .card"):
                ground = page.locator(name).first.evaluate("each => getComputedStyle(each).backgroundColor")
                assert (contrast(ground, ["rgb(0, 0, 0)"]) < 3) is (system == "dark"), name


def test_no_page_has_a_barrier_or_a_broken_word(
    exported: list[Path], chromium: Browser, subtests: pytest.Subtests
) -> None:
    with looking(chromium, LOOKS["light"], 1100) as page:
        for file in exported:
            page.goto(file.as_uri())
            with subtests.test(of=file.stem):
                assert barriers(page) == []
                assert faint_texts(page) == []
                assert broken_words(page) == []
                assert squeezed_texts(page) == []

"""One Chromium and one JupyterLab for each worker; for each test a learner's folder and a page of their own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.chromium import started_chromium
from tests.browser.lab import SECONDS, Lab, running_lab

expect.set_options(timeout=30_000)
_SIZE: ViewportSize = {"width": 1400, "height": 1000}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def lab(server: Lab) -> Iterator[Lab]:
    with server.learner() as theirs:
        yield theirs


@pytest.fixture(scope="session")
def _page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context(viewport=_SIZE) as context:
        context.set_default_timeout(SECONDS * 1000)
        yield context.new_page()


@pytest.fixture
def page(_page: Page) -> Page:
    """One page for all tests of a worker, whose cache saves each test the loading of JupyterLab's scripts."""
    _page.set_viewport_size(_SIZE)
    _page.emulate_media(color_scheme="light")
    return _page

"""The system's own Chromium: none is ever downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

__all__ = ["started_chromium"]


@contextmanager
def started_chromium() -> Iterator[Browser]:
    """Start Chromium. The test fails if Chromium is missing, because no other test checks the same things."""
    program = shutil.which("chromium")
    assert program, "Chromium is missing; on Debian and Ubuntu: apt install chromium"
    with sync_playwright() as playwright:
        as_root = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=as_root)
        yield browser
        browser.close()

"""Readers with different systems. `python -m tests.browser.looks` takes screenshots for each.

They show the page of components, and in JupyterLab the forms and questions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, FloatRect, Page

from tests.browser.chromium import started_chromium
from tests.browser.components import components_page
from tests.browser.interactive import CONTROLS, controls
from tests.browser.lab import COMPONENTS

__all__ = ["LOOKS", "NARROW", "WIDTHS", "looking"]

WIDTHS = (1440, 1100, 700)
NARROW = 360  # pictures are then as wide as in JupyterLab at 700, beside its list of files
_PIECE = 4_000  # pixels: the whole page is taller than a picture that Chromium can take
_TALL = 14_000  # pixels


@dataclass(frozen=True)
class Look:
    """What a reader has asked their system for."""

    colours: Literal["light", "dark"]
    contrast: Literal["no-preference", "more"] = "no-preference"
    forced: Literal["none", "active"] = "none"


LOOKS = {
    "light": Look("light"),
    "dark": Look("dark"),
    "high-contrast": Look("light", "more"),
    "dark-high-contrast": Look("dark", "more"),
    "forced-colours": Look("dark", forced="active"),
}


def _widths(name: str) -> tuple[int, ...]:
    """Return the widths at which pictures are taken: colours of these two looks change nothing in the layout."""
    return (1100,) if name in ("dark-high-contrast", "forced-colours") else WIDTHS


@contextmanager
def looking(chromium: Browser, look: Look, width: int) -> Iterator[Page]:
    """Open a page for a reader with such a system, without scripts."""
    with chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=look.colours,
        contrast=look.contrast,
        forced_colors=look.forced,
        reduced_motion="reduce",
    ) as context:
        yield context.new_page()


def main(chromium: Browser) -> None:
    COMPONENTS.mkdir(parents=True, exist_ok=True)
    _components(chromium)
    _controls(chromium)


def _components(chromium: Browser) -> None:
    page_file = COMPONENTS / "index.html"
    page_file.write_text(components_page(), encoding="utf-8")
    for name, look in LOOKS.items():
        for width in (*_widths(name), *([NARROW] if name == "light" else [])):
            with looking(chromium, look, width) as page:
                page.goto(page_file.as_uri())
                for section in page.locator("section", has=page.locator("details:not([name])")).all():
                    section.locator("details:not([name])").first.evaluate("each => { each.open = true; }")
                tall = page.evaluate("document.documentElement.scrollHeight")
                for number, top in enumerate(range(0, tall, _PIECE), 1):
                    clip: FloatRect = {"x": 0, "y": top, "width": width, "height": min(_PIECE, tall - top)}
                    page.screenshot(path=COMPONENTS / f"{name}-{width}-{number}.png", full_page=True, clip=clip)


def _controls(chromium: Browser) -> None:
    with TemporaryDirectory() as folder, controls(chromium, Path(folder)) as notebook:
        for name, look in LOOKS.items():
            notebook.turn(look.colours)
            notebook.page.emulate_media(contrast=look.contrast, forced_colors=look.forced, reduced_motion="reduce")
            for width in _widths(name):
                # So tall that no control lies in a part of the notebook that JupyterLab would have to scroll to.
                notebook.page.set_viewport_size({"width": width, "height": _TALL})
                for number, control in enumerate(CONTROLS, 1):
                    file = COMPONENTS / f"{name}-{width}-{control}.png"
                    notebook.output(number).screenshot(path=file)


if __name__ == "__main__":
    with started_chromium() as chromium:
        main(chromium)

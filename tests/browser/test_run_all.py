"""Run All of every notebook, one after the other in one JupyterLab, as somebody does who touches no form."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from helpers import lesson
from helpers.dps import AllocationPolicy
from helpers.lesson.experiments.gallery import Prediction
from helpers.lesson.forms import Inputs
from tests.browser.lab import NOTEBOOKS, PROJECT, Lab, NotebookPage

PICTURES = PROJECT / "build" / "browser"
AXE = PROJECT / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"


def is_on_this_machine(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("data", "blob") or parts.hostname in ("127.0.0.1", "localhost")


def barriers(page: Page) -> list[str]:
    """What axe finds serious or critical in our own output, with all that is folded opened."""
    page.evaluate("document.querySelectorAll('.dps details').forEach(each => each.open = true)")
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run({include: [['.dps'], ['.dps-form']]})")
    page.evaluate("document.querySelectorAll('.dps details').forEach(each => each.open = false)")
    assert found["passes"], "axe has looked at something"
    return [
        f"{rule['impact']} {rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def controls_without_a_name(page: Page) -> list[str]:
    pass

"""Accessibility barriers: those that axe finds, and texts in drawings with too little contrast by WCAG 2."""

from typing import Any

from playwright.sync_api import Page

from tests.browser.colours import BEHIND, contrast
from tests.browser.lab import PROJECT

__all__ = ["barriers", "broken_words", "faint_texts", "squeezed_texts"]

AXE = PROJECT / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"


def barriers(page: Page) -> list[str]:
    """Return what axe reports as moderate or worse in our own output, with all folded parts open."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(_LOOK)
    read = sum(len(rule["nodes"]) for rule in found["passes"] if rule["id"] == "color-contrast")
    assert read > 10, "axe has read the texts"
    return [
        f"{rule['impact']} {rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in found["violations"]
        if rule["impact"] in ("moderate", "serious", "critical")
        for node in rule["nodes"]
    ]


# JupyterLab's body has no height and clips its content, so axe would consider everything invisible.
_LOOK = """async () => {
    const folds = [...document.querySelectorAll('.dps details:not([open])')];
    folds.forEach(each => { each.open = true; });
    document.body.style.height = '100vh';
    const found = await axe.run({include: [['.dps'], ['.dps-form']]});
    document.body.style.height = '';
    folds.forEach(each => { each.open = false; });
    return found;
}"""


def faint_texts(page: Page) -> list[str]:
    """Return the texts of drawings whose contrast is below WCAG 2 (AA), which axe can't determine in an SVG."""
    drawn: list[dict[str, Any]] = page.evaluate(_DRAWN)
    return [
        f"{each['text']}: {each['colour']}, opacity {each['opacity']:.2f}, on {each['behind']}"
        for each in drawn
        if contrast(each["colour"], each["behind"], each["opacity"]) < 4.5
    ]


_DRAWN = f"""() => [...document.querySelectorAll('.dps svg text')].map(text => {{
    let opacity = 1;
    for (let each = text; each; each = each.parentElement) opacity *= getComputedStyle(each).opacity;
    return {{text: text.textContent, colour: getComputedStyle(text).fill, opacity, behind: ({BEHIND})(text)}};
}})"""


def squeezed_texts(page: Page) -> list[str]:
    """Return the texts of tables in columns that are so narrow that words are broken between letters."""
    found: list[str] = page.evaluate(_SQUEEZED)
    return found


_SQUEEZED = """() => [...document.querySelectorAll('.dps td, .dps th')].filter(cell => {
    const words = cell.textContent.trim().split(/\\s+/).length; // innerText is empty in what is folded
    const range = document.createRange();
    range.selectNodeContents(cell);
    const lines = new Set([...range.getClientRects()].map(each => Math.round(each.top))).size;
    return cell.childElementCount === 0 && lines > 2 * words + 1;
}).map(cell => cell.textContent)"""


def broken_words(page: Page) -> list[str]:
    """Return the words of our own output that are broken between letters; code and hexadecimal numbers may be."""
    found: list[str] = page.evaluate(_BROKEN)
    return found


_BROKEN = """() => {
    const broken = [];
    for (const frame of document.querySelectorAll('.dps')) {
        const texts = document.createTreeWalker(frame, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const text = texts.currentNode;
            if (text.parentElement.closest('code, pre, .code, style')) continue;
            for (const word of text.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
                const range = document.createRange();
                range.setStart(text, word.index);
                range.setEnd(text, word.index + word[0].length);
                const lines = new Set([...range.getClientRects()].map(each => Math.round(each.top)));
                if (lines.size > 1) broken.push(word[0]);
            }
        }
    }
    return broken;
}"""

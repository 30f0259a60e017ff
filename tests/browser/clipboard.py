"""What a reader who pastes gets."""

from playwright.sync_api import Page

__all__ = ["pasted"]


def pasted(page: Page) -> str:
    """Return the text that Ctrl+V inserts into an empty field."""
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste-here'}))")
    field = page.locator("#paste-here")
    field.focus()
    page.keyboard.press("ControlOrMeta+v")
    text = field.input_value()
    field.evaluate("each => each.remove()")
    return text

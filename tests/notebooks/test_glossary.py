"""The glossary: each term has an entry, links lead to entries and back, and a notebook links a term where it first uses it."""

import re

import nbformat
import pytest

from helpers import walkthrough

NOTEBOOKS = walkthrough.PROJECT / "notebooks"
_, *_SECTIONS = re.split(r"^## ", (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
ENTRIES = {section.partition("\n")[0]: section for section in _SECTIONS}
_FORMS = {form.lower(): term for term in ENTRIES for form in (term, f"{term}s", re.sub("y$", "ies", term))}
_TERM = re.compile(rf"\b({'|'.join(map(re.escape, sorted(_FORMS, key=len, reverse=True)))})\b", re.IGNORECASE)
_LINK = re.compile(r"\[([^\]\n]+)\]\(glossary\.md#([\w.-]+)\)")
# Code, headings, and links to elsewhere.
_NOT_PROSE = re.compile(r"`[^`\n]*`|\[[^\]\n]*\]\((?!glossary)[^)\n]*\)|^#[^\n]*$|^    [^\n]*$", re.MULTILINE)


def prose(notebook: str) -> str:
    cells = nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return _NOT_PROSE.sub("", text)


def test_there_are_about_35_terms_in_alphabetical_order() -> None:
    assert 35 <= len(ENTRIES) <= 45
    assert list(ENTRIES) == sorted(ENTRIES, key=str.lower)


@pytest.mark.parametrize("term", ENTRIES)
def test_each_entry_explains_its_term_and_leads_back_to_a_notebook_that_uses_it(term: str) -> None:
    entry = ENTRIES[term]
    assert len(entry.split()) > 8
    (notebook,) = re.findall(r"\]\((\w+)\.ipynb\)", entry)
    assert any(_FORMS[found.lower()] == term for found in _TERM.findall(prose(notebook))), notebook


@pytest.mark.parametrize("notebook", [each.stem for each in walkthrough.NOTEBOOKS])
def test_a_notebook_links_each_term_where_it_first_uses_it(notebook: str) -> None:
    text = prose(notebook)
    linked = {match.start(1): match for match in _LINK.finditer(text)}
    addresses = [range(*match.span(2)) for match in linked.values()]
    first: dict[str, int] = {}
    for match in _TERM.finditer(text):
        if any(match.start() in address for address in addresses):
            continue
        first.setdefault(_FORMS[match[1].lower()], match.start())
    for term, position in first.items():
        assert position in linked, f"{term}: {text[position - 30 : position + 40]!r}"
        assert linked[position][2] == term.replace(" ", "-")

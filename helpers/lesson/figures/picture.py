"""The base of all pictures: HTML that follows the theme and needs no script, and the same as plain text.

Text from a certificate or a service is never HTML: `Markup.format` escapes it.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from markupsafe import Markup, escape

__all__ = [
    "STYLE",
    "Kind",
    "Listing",
    "Picture",
    "Row",
    "Showable",
    "Table",
    "badge",
    "breaking",
    "card",
    "column_name",
    "copyable",
    "fold",
    "grouped",
    "joined",
    "listed",
    "mark",
    "ours",
    "pill",
    "plain",
    "table",
    "with_digits_grouped",
]


def ours(html: str) -> Markup:
    """Mark HTML as safe: it was written or escaped here, and contains no unescaped text from outside."""
    return Markup(html)  # noqa: S704


def _compact(css: str) -> str:
    """Return a style sheet without comments and line breaks: every picture contains it, and notebooks store pictures."""
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)).strip()


STYLE = ours(f"<style>{_compact(Path(__file__).with_name('design.css').read_text(encoding='utf-8'))}</style>")
"""The look of pictures, forms and pages, as a style element."""

_LONG_NUMBER = re.compile(r"\b([0-9A-Fa-f]{32,})\b")
Kind: TypeAlias = Literal["accepted", "rejected", "error", "note"]
"""The outcomes that have a colour of their own; each also has a word, for readers who can't tell colours apart."""
Row: TypeAlias = tuple[str, str]
"""A name and a text, which may be Markup."""


@runtime_checkable
class Showable(Protocol):
    """An object that shows itself in a notebook."""

    def _repr_html_(self) -> str: ...


class Picture(ABC):
    """A picture, shown as HTML in a browser and as text in a terminal or a log."""

    @abstractmethod
    def html(self) -> Markup:
        """Return the picture without its frame, so that another picture can contain it."""

    @abstractmethod
    def text(self) -> str:
        """Return the picture as plain text."""

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.framed(self.html())

    @staticmethod
    def framed(html: Markup) -> str:
        """Put a frame around a part of a picture, which can then be shown by itself."""
        return Markup("{}<div class='dps'>{}</div>").format(STYLE, html)


class Table(Picture):
    """A card with a title, and rows that consist of a name and a text."""

    @abstractmethod
    def title(self) -> str: ...

    @abstractmethod
    def rows(self) -> Sequence[Row]: ...

    def html(self) -> Markup:
        return card(self.title(), table(self.rows()))

    def text(self) -> str:
        rows = self.rows()
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join([self.title(), *(f"  {name:{width}}  {plain(text)}" for name, text in rows)])


@dataclass(frozen=True, repr=False)
class Listing(Picture):
    """A heading with some sentences."""

    heading: str
    items: Sequence[str]

    def html(self) -> Markup:
        return card(self.heading, listed(map(with_digits_grouped, self.items)))

    def text(self) -> str:
        return "\n".join([self.heading, *(f"  {item}" for item in self.items)])


def card(title: str, *content: str, kind: Kind | None = None, word: str = "") -> Markup:
    """Return a card.

    Args:
        kind: the outcome, for a rule of its colour at the left. word: its word, for a pill beside the title; a card whose
            content has the pill needs none.
    """
    classes = f"card {kind}" if kind else "card"
    beside = Markup(" {}").format(pill(kind, word)) if kind and word else ""
    return Markup("<div class='{}'><h2>{}{}</h2>{}</div>").format(
        classes, with_digits_grouped(title), beside, Markup().join(content)
    )


def pill(kind: Kind, word: str) -> Markup:
    """Return a word in the colour of an outcome."""
    return Markup("<span class='pill {}'>{}</span>").format(kind, word)


def badge(word: str) -> Markup:
    """Return a word about something that is no outcome."""
    return Markup("<span class='badge'>{}</span>").format(word)


def grouped(digits: str) -> Markup:
    """Return hexadecimal digits in groups of four. A click selects them all, without the gaps."""
    groups = ((digits[start : start + 4],) for start in range(0, len(digits), 4))
    return Markup("<code class='hex' title='A click selects it all'>{}</code>").format(
        joined("<span>{}</span>", groups)
    )


# The word stands in an attribute, which the style sheet shows: the plain text of a picture has no words of its controls.
# Selecting first also shows what is copied. `execCommand` needs no permission, and works where a page has no secure origin.
_COPY = (
    "getSelection().selectAllChildren(this.previousElementSibling);"
    "this.ariaLabel=document.execCommand(&quot;copy&quot;)?&quot;Copied&quot;:&quot;Selected&quot;;"
    "setTimeout(()=&gt;{this.ariaLabel=&quot;Copy&quot;},2000)"
)


def copyable(content: Markup) -> Markup:
    """Return an element, and after it a button that copies its text.

    The button is hidden, and the style sheet shows it only where its handler can run. A front end that does not trust a
    notebook removes the handler and leaves the button hidden.
    """
    # JupyterLab's sanitizer removes a `hidden` without a value.
    return content + ours(
        f"<button type='button' hidden='hidden' class='copy' aria-label='Copy' onclick='{_COPY}'></button>"
    )


def with_digits_grouped(text: str) -> Markup:
    """Return a text in which each long hexadecimal number is in groups of four; Markup stays as it is."""
    if isinstance(text, Markup):
        return text
    parts = _LONG_NUMBER.split(text)  # texts and numbers by turns
    return Markup().join(grouped(part) if index % 2 else escape(part) for index, part in enumerate(parts))


def plain(text: str) -> str:
    """Return Markup without its tags and on one line, and any other text unchanged."""
    if not isinstance(text, Markup):
        return text
    return ours(re.sub(r"</(?:li|p|dd|td|div)>", " ", text.replace("<br>", ", "))).striptags()


def breaking(text: str, between: str) -> Markup:
    """Return a path or a host name that breaks only where `between` matches, a regular expression, and not inside a word."""
    return Markup("<span class='pieces'>{}</span>").format(
        joined("<span>{}</span>", ((piece,) for piece in re.split(between, text) if piece))
    )


def table(rows: Iterable[Row]) -> Markup:
    return Markup("<table class='facts'>{}</table>").format(joined("<tr><th scope='row'>{}</th><td>{}</td></tr>", rows))


def listed(items: Iterable[str], *, ordered: bool = False) -> Markup:
    """Return items as an HTML list."""
    return Markup("<{0}>{1}</{0}>").format(
        "ol" if ordered else "ul", joined("<li>{}</li>", ((item,) for item in items))
    )


def fold(summary: str, *content: str, is_open: bool = False) -> Markup:
    """Return content that a click on the summary opens, without a script."""
    return Markup("<details{}><summary>{}</summary><div>{}</div></details>").format(
        Markup(" open") if is_open else "", summary, Markup().join(content)
    )


def column_name(name: str) -> Markup:
    """Return a column's name, which a narrow page shows in each row instead of the head."""
    return Markup("<span class='column-name'>{} </span>").format(name)


def mark(passed: bool) -> Markup:
    """Return ✔ or ✘."""
    return Markup("<span class='good'>✔</span>") if passed else Markup("<span class='bad'>✘</span>")


def joined(template: str, parts: Iterable[Sequence[object]]) -> Markup:
    """Fill in the template once for each of the parts, and join the results."""
    return Markup().join(ours(template).format(*each) for each in parts)

"""What every picture is: HTML that follows JupyterLab's theme and needs no script, and the same in plain text.

Whatever a certificate or a service says is a text and never HTML: `Markup.format` escapes it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from markupsafe import Markup

__all__ = [
    "Listing",
    "Picture",
    "Row",
    "Showable",
    "Table",
    "fold",
    "joined",
    "listed",
    "mark",
    "ours",
    "plain",
    "table",
]


def ours(html: str) -> Markup:
    """HTML that was written or escaped here, and holds nobody else's words as they came."""
    return Markup(html)  # noqa: S704


_STYLE = ours(f"<style>{Path(__file__).with_name('figures.css').read_text()}</style>")

Row: TypeAlias = tuple[str, str]
"""A name and a text; the text may be Markup."""


@runtime_checkable
class Showable(Protocol):
    """Whatever shows itself in a notebook."""

    def _repr_html_(self) -> str: ...


class Picture(ABC):
    """Shown as HTML where there is a browser, and as text in a terminal or a log."""

    @abstractmethod
    def html(self) -> Markup:
        """The picture without its frame: it may stand inside another one."""

    @abstractmethod
    def text(self) -> str:
        """The same for a terminal."""

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.framed(self.html())

    @staticmethod
    def framed(html: Markup) -> str:
        """A part of a picture, to be shown by itself."""
        return Markup("{}<div class='dps'>{}</div>").format(_STYLE, html)


class Table(Picture):
    """A card with a title and rows of a name and a text."""

    @abstractmethod
    def title(self) -> str: ...

    @abstractmethod
    def rows(self) -> Sequence[Row]: ...

    def html(self) -> Markup:
        return Markup("<div class='card'><h4>{}</h4>{}</div>").format(self.title(), table(self.rows()))

    def text(self) -> str:
        rows = self.rows()
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join([self.title(), *(f"  {name:{width}}  {plain(text)}" for name, text in rows)])


@dataclass(frozen=True, repr=False)
class Listing(Picture):
    """A heading and some sentences."""

    heading: str
    items: Sequence[str]

    def html(self) -> Markup:
        return Markup("<div class='card'><h4>{}</h4>{}</div>").format(self.heading, listed(self.items))

    def text(self) -> str:
        return "\n".join([self.heading, *(f"  {item}" for item in self.items)])


def plain(text: str) -> str:
    """What is Markup, without its tags and on one line; any other text as it is."""
    return ours(text.replace("<br>", ", ")).striptags() if isinstance(text, Markup) else text


def table(rows: Iterable[Row]) -> Markup:
    """Rows as an HTML table."""
    return Markup("<table>{}</table>").format(joined("<tr><th scope='row'>{}</th><td>{}</td></tr>", rows))


def listed(items: Iterable[str], *, ordered: bool = False) -> Markup:
    """Items as a list."""
    return Markup("<{0}>{1}</{0}>").format(
        "ol" if ordered else "ul", joined("<li>{}</li>", ((item,) for item in items))
    )


def fold(summary: str, *content: str) -> Markup:
    """Content that opens on request; it needs no script."""
    return Markup("<details><summary>{}</summary><div>{}</div></details>").format(summary, Markup().join(content))


def mark(passed: bool) -> Markup:
    """✔ or ✘."""
    return Markup("<span class='good'>✔</span>") if passed else Markup("<span class='bad'>✘</span>")


def joined(template: str, parts: Iterable[Sequence[object]]) -> Markup:
    """The template filled in with each of the parts, one after the other."""
    return Markup().join(ours(template).format(*each) for each in parts)

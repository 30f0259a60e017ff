"""Tabs without a script, and highlighted code that a click selects whole."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.figures.picture import Picture, copyable, joined, ours

__all__ = ["Tabs", "highlighted"]


@dataclass(frozen=True, repr=False)
class Tabs(Picture):
    """Several contents in one place, of which one is visible; `tabs` are the contents by their titles.

    They are folds with one name, of which the browser keeps at most one open. A reader reaches each title with Tab and opens it
    with Space: radio buttons would need the arrow keys, which JupyterLab takes for itself.
    """

    tabs: Mapping[str, Markup]

    def html(self) -> Markup:
        name = f"tabs-{secrets.token_hex(4)}"  # unique, for a page has many of them, also from earlier kernels
        folds = joined(
            "<details name='{}'{}><summary>{}</summary><div>{}</div></details>",
            (
                (name, "" if number else Markup(" open"), title, content)
                for number, (title, content) in enumerate(self.tabs.items())
            ),
        )
        return Markup("<div class='tabs' style='--tabs:{}'>{}</div>").format(len(self.tabs), folds)

    def text(self) -> str:
        return "\n".join(f"{title}:\n  {content.striptags()}" for title, content in self.tabs.items())


def highlighted(code: str, language: str, *, is_whole: bool = True) -> Markup:
    """Return code with its keywords, strings and comments in colours; a click selects all of it, and a button copies it.

    Args:
        language: a name that pygments knows: python, bash, json, http.
        is_whole: False if the code has an ellipsis: then a copy of it would be useless, and there is no button.
    """
    # pygments is untyped. It is imported here because that takes a moment, and only a few cells need it.
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

    # pygments escapes the code. With nowrap it adds no elements besides the spans.
    spans = ours(highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True)))
    if not is_whole:
        return Markup("<pre>{}</pre>").format(spans)
    whole = Markup("<pre class='whole' title='A click selects it all'>{}</pre>").format(spans)
    return Markup("<div class='code-box'>{}</div>").format(copyable(whole))

"""The pieces of drawings: icons, stations, and the arrows between them.

They are HTML and not one large SVG: so their text keeps its size and wraps where the page is narrow, and screen readers read it.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from markupsafe import Markup

from helpers.lesson.figures.picture import Kind, ours, pill

__all__ = ["HERE", "IconName", "Mark", "flag", "icon", "link", "route", "station", "station_head"]

IconName: TypeAlias = Literal[
    "certificate",
    "check",
    "cloud",
    "code",
    "cross",
    "device",
    "done",
    "group",
    "hub",
    "key",
    "lens",
    "mask",
    "person",
    "warning",
]
Mark: TypeAlias = Literal["here", "done", ""]
"""How a station stands out: the reader is here, has been here, or something is missing."""

_PATHS: Mapping[IconName, str] = {
    "certificate": "<rect x='3' y='4' width='18' height='13' rx='2'/><path d='M6.5 8.5h7M6.5 12h4'/>"
    "<circle cx='16' cy='13' r='2.6'/><path d='M14.6 15.4 14 21l2-1.2 2 1.2-.6-5.6'/>",
    "check": "<path d='M5 12.5l4.5 4.5L19 7.5'/>",
    "cloud": "<path d='M7 18.5a4.5 4.5 0 0 1-.4-9 6 6 0 0 1 11.5 1.6 3.8 3.8 0 0 1-.4 7.4z'/>",
    "code": "<path d='M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16'/>",
    "cross": "<path d='M6 6l12 12M18 6 6 18'/>",
    "device": "<rect x='6' y='6' width='12' height='12' rx='2'/><path d='M9.5 2.5v3.5M14.5 2.5v3.5M9.5 18v3.5M14.5 18v3.5"
    "M2.5 9.5H6M2.5 14.5H6M18 9.5h3.5M18 14.5h3.5'/>",
    "done": "<circle cx='12' cy='12' r='9.5'/><path d='M7.5 12.5l3 3 6-6.5'/>",
    "group": "<rect x='3' y='3.5' width='18' height='17' rx='3' stroke-dasharray='3 2.4'/><circle cx='8.5' cy='12' r='1.7'/>"
    "<circle cx='15.5' cy='9' r='1.7'/><circle cx='15.5' cy='15' r='1.7'/>",
    "hub": "<circle cx='12' cy='12' r='3.2'/><circle cx='4.5' cy='5' r='1.8'/><circle cx='19.5' cy='5' r='1.8'/>"
    "<circle cx='4.5' cy='19' r='1.8'/><circle cx='19.5' cy='19' r='1.8'/><path d='M5.9 6.3l3.7 3.5M18.1 6.3l-3.7 3.5"
    "M5.9 17.7l3.7-3.5M18.1 17.7l-3.7-3.5'/>",
    "key": "<circle cx='7.5' cy='15.5' r='4.2'/><path d='M10.6 12.4 20 3M16 7l3.2 3.2M13.4 9.6l2 2'/>",
    "lens": "<circle cx='10' cy='10' r='6.2'/><path d='M14.6 14.6 20.5 20.5'/>",
    "mask": "<path d='M3 8.5c3-1.5 6-1.7 9-.3 3-1.4 6-1.2 9 .3-.2 5-2 8-4.7 8-2 0-3-2.5-4.3-2.5S9.7 16.5 7.7 16.5"
    "c-2.7 0-4.5-3-4.7-8z'/><path d='M7 11.3h2.5M14.5 11.3H17'/>",
    "person": "<circle cx='12' cy='8' r='4'/><path d='M4.5 20.5c.6-4.2 3.6-6.5 7.5-6.5s6.9 2.3 7.5 6.5'/>",
    "warning": "<path d='M12 3.5 22 20.5H2z'/><path d='M12 10v5M12 17.5v.4'/>",
}
HERE = "You are here"


def icon(name: IconName) -> Markup:
    """Return a small drawing. Screen readers skip it, because a word always stands beside it."""
    return ours(f"<svg class='icon' viewBox='0 0 24 24' aria-hidden='true' focusable='false'>{_PATHS[name]}</svg>")


def flag() -> Markup:
    return Markup("<span class='flag'>{}</span>").format(HERE)


def station(
    name: IconName, title: str, *says: str, kind: Kind | None = None, word: str = "", marked: Mark = ""
) -> Markup:
    """Return a box with an icon, a title and some lines below it.

    Args:
        kind, word: the outcome at this station, and its word in a pill.
    """
    return Markup("<div class='station {} {}'>{}{}{}</div>").format(
        kind or "",
        marked,
        flag() if marked == "here" else "",
        station_head("done" if marked == "done" else name, title, pill(kind, word) if kind and word else ""),
        Markup().join(Markup("<small>{}</small>").format(each) for each in says),
    )


def station_head(name: IconName, title: str, beside: str = "") -> Markup:
    """Return a station's icon and title, and what stands beside the title."""
    return Markup("<div class='station-head'>{}<span><b>{}</b> {}</span></div>").format(icon(name), title, beside)


def link(word: str) -> Markup:
    """Return an arrow to the next station, with a word on it."""
    return Markup("<span class='link'>{}</span>").format(word)


def route(parts: Iterable[Markup]) -> Markup:
    """Return stations and the arrows between them, from left to right or, where the page is narrow, from top to bottom."""
    return Markup("<div class='route'>{}</div>").format(Markup().join(parts))

"""“What just happened”, folded: the requests of a step, and the same step in three other ways."""

import json
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlsplit

from markupsafe import Markup

from helpers.dps import Chapter, Event, Exchange
from helpers.lesson.figures.checklist import clicks
from helpers.lesson.figures.picture import Picture, card, fold
from helpers.lesson.figures.requests import path_of, shortened, show_exchange
from helpers.lesson.figures.shapes import icon
from helpers.lesson.figures.tabs import Tabs, highlighted
from helpers.lesson.recipes import Recipe

__all__ = ["RecordedExchanges", "WhatJustHappened"]

_ONLY_ASKS = re.compile(r"/(?:token|listkeys|query)$", re.IGNORECASE)
"""The ends of paths to which a POST changes nothing."""
_PLANES = {
    "sign-in": "Sign-in (Entra ID)",
    "management": "Management plane (Azure Resource Manager)",
    "service": "Service plane (the provisioning service itself)",
}


@dataclass(frozen=True, repr=False)
class WhatJustHappened(Picture):
    """A step behind the scenes.

    Attributes:
        exchanges: the requests of Azure's SDKs and the answers. events: a device's messages over MQTT.
    """

    exchanges: Chapter
    events: Sequence[Event]
    recipe: Recipe

    def html(self) -> Markup:
        wire = self._wire()
        tabs = {"On the wire": Markup().join(wire)} if wire else {}
        tabs["In the portal"] = clicks(self.recipe.clicks)
        tabs["As commands"] = highlighted(self.recipe.commands, "bash")
        tabs["As Python"] = highlighted(self.recipe.python, "python")
        summary = Markup("{}<span><b>What just happened</b><small>{}</small></span>").format(
            icon("lens"), self._counted()
        )
        return Markup("<div class='card opens'>{}</div>").format(fold(summary, Tabs(tabs).html()))

    def text(self) -> str:
        lines = [
            f"  {group[0].method} {path_of(group[0].url)}  → {group[0].status}{_more(group)}"
            for group in _grouped(self.exchanges)
        ]
        lines += [f"  {line}" for line in _packets(self.events).splitlines()]
        lines += ["  In the portal:", *(f"    {step.replace('**', '')}" for step in self.recipe.clicks)]
        for name, script in (("As commands", self.recipe.commands), ("As Python", self.recipe.python)):
            lines += [f"  {name}:", textwrap.indent(script, "    ")]
        return "\n".join([f"What just happened: {self._counted()}", *lines])

    def _wire(self) -> list[Markup]:
        shown = list[Markup]()
        groups, plane = _grouped(self.exchanges), ""
        own = _own_request(self.exchanges)
        for group in groups:
            if group[0].plane != plane:
                plane = group[0].plane
                shown.append(Markup("<p class='plane'>{}</p>").format(_PLANES[plane]))
            shown.append(_shown_as_one(group, is_open=any(each is own for each in group)))
        if self.exchanges.left_off:
            count = len(self.exchanges)
            shown.insert(0, Markup("<p>The last {} of {}:</p>").format(count, count + self.exchanges.left_off))
        if self.events:
            log = _code(_packets(self.events))
            shown.append(Markup("<p>The device over MQTT, as its SDK logs it:</p>{}").format(log))
        return shown

    def _counted(self) -> str:
        if not self.exchanges and not self.events:
            return "nothing was sent. The same step in other ways"
        sent = len(self.exchanges) + self.exchanges.left_off
        said = [f"{sent} {'request' if sent == 1 else 'requests'}"] if sent else []
        said += [f"{len(self.events)} lines of the device's log"] if self.events else []
        return f"{' and '.join(said)}, and the same step in other ways"


@dataclass(frozen=True, repr=False)
class RecordedExchanges(Picture):
    """Some requests and their answers, with all that was recorded of them, for the learner to explain."""

    title: str
    exchanges: Sequence[Exchange]

    def html(self) -> Markup:
        return card(self.title, *(show_exchange(each, is_open=True, explained=False) for each in self.exchanges))

    def text(self) -> str:
        lines = [self.title]
        for each in self.exchanges:
            headers = (f"{name}: {value}" for name, value in each.request_headers.items())
            bodies = (
                json.dumps(shortened(body), ensure_ascii=False)
                for body in (each.request, each.answer)
                if body is not None
            )
            lines.append(f"  {each.method} {path_of(each.url)} -> {each.status}")
            lines += [f"    {line}" for line in (*headers, *bodies)]
        return "\n".join(lines)


def _own_request(exchanges: Iterable[Exchange]) -> Exchange | None:
    """Return the request for which the step exists: the last one that changes something, or else the last one."""
    sent = list(exchanges)
    changing = [each for each in sent if each.method != "GET" and not _ONLY_ASKS.search(urlsplit(each.url).path)]
    return next(reversed(changing or sent), None)


def _grouped(exchanges: Iterable[Exchange]) -> list[list[Exchange]]:
    """The exchanges in their order; consecutive deletions that differ only in the last part of the path form one group."""

    def kind(each: Exchange) -> object:
        if each.method != "DELETE":
            return id(each)
        return each.plane, urlsplit(each.url).path.rpartition("/")[0], each.status

    return [list(group) for _, group in groupby(exchanges, kind)]


def _shown_as_one(group: Sequence[Exchange], *, is_open: bool) -> Markup:
    """The first exchange of a group, with the others folded below it."""
    first, *others = group
    if not others:
        return show_exchange(first, is_open=is_open)
    rest = (show_exchange(each, is_open=False) for each in others)
    return Markup("{}{}").format(show_exchange(first, is_open=is_open), fold(_more(group).strip(), *rest))


def _more(group: Sequence[Exchange]) -> str:
    return f"  and {len(group) - 1} more like it" if len(group) > 1 else ""


def _packets(events: Sequence[Event]) -> str:
    return "\n".join(f"{event.seconds:4.1f} s  {event.said}" for event in events)


def _code(text: str) -> Markup:
    return Markup("<pre>{}</pre>").format(text)

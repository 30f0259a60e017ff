"""Requests and answers as lines of text."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl, unquote

from helpers.local_dps.request.routing import NO_BODY
from tests.notebooks.recorder import Exchange
from tests.record.placeholders import Placeholders

__all__ = ["WireText", "in_order"]

# Headers that clients and the local DPS add to every message, and headers that repeat what the body says.
_NOISE = re.compile(
    r"accept(-encoding)?|user-agent|host|connection|content-length|cache-control|location|traceparent"
    r"|x-client-.*|client-request-id|x-ms-(client-request-id|return-client-request-id|lib-capability|request-id)"
    r"|x-ms-correlation-request-id",
    re.IGNORECASE,
)
_USUAL = ("application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded")
_DISCOVERY = "/v2.0/.well-known/openid-configuration"
_TOKEN = "/oauth2/v2.0/token"
# Many devices of a fleet register at once, so only the requests of one device have an order.
_OF_A_DEVICE = re.compile(r"(?:/0ne[0-9A-F]{8})?/registrations/([^/]+)(?:/(?:register|operations/.+))?")
_LONG = 60  # characters; a longer body has a mark


class WireText:
    """Writes the exchanges of one record.

    A long body has a mark, and is shown once; later the mark stands for it. A body with the same fields as an earlier one
    is its mark, “but”, and the fields whose values differ from the last such body.
    """

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._marks: set[str] = set()
        self._alike: dict[frozenset[str], dict[str, Any]] = {}

    def lines(self, exchanges: Sequence[Exchange]) -> Iterator[str]:
        """Return a line for each request, for each status, and for each body."""
        for exchange in in_order(exchanges):
            if exchange.path.endswith(_TOKEN):
                yield self._sign_in(exchange)
                continue
            target = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
            yield f"{exchange.method} {self._placeholders.text(unquote(target))}{self._headers(exchange.headers)}"
            if exchange.body:
                yield f"  > {self._body(exchange.body)}"
            yield f"  {exchange.status or 'dropped'}{self._headers(exchange.answer_headers)}"
            if exchange.answer is not NO_BODY and exchange.answer is not None:
                yield f"  < {self._json(_sorted(exchange.answer))}"

    def _sign_in(self, exchange: Exchange) -> str:
        """Return the scope and the outcome of a sign-in. azure-identity decides the rest."""
        scope = dict(parse_qsl(exchange.body.decode()))["scope"]
        outcome = exchange.answer.get("access_token") or exchange.answer["error"]
        return f"sign in for {scope}: {exchange.status} {self._placeholders.text(outcome)}"

    def _headers(self, headers: Mapping[str, str]) -> str:
        told = {name: text for name, text in headers.items() if not _NOISE.fullmatch(name) and text not in _USUAL}
        return "".join(
            f" {self._placeholders.name('token', text.removeprefix('Bearer '))}"
            if name == "Authorization"
            else f" [{name}: {self._once(self._placeholders.text(text))}]"
            for name, text in sorted(told.items())
        )

    def _body(self, body: bytes) -> str:
        try:
            return self._json(json.loads(body))
        except ValueError:
            return self._placeholders.content(body)

    def _json(self, value: Any) -> str:
        told = self._placeholders.value(value)
        text = json.dumps(told, ensure_ascii=False)
        mark, fields = _mark(text), dict(_fields(told))
        earlier = self._alike.get(frozenset(fields))
        self._alike[frozenset(fields)] = fields
        if earlier is None or len(text) <= _LONG or mark in self._marks:
            return self._once(text)
        self._marks.add(mark)
        changed = {name: inner for name, inner in fields.items() if inner != earlier[name]}
        return f"{mark} but {json.dumps(changed, ensure_ascii=False)}"

    def _once(self, text: str) -> str:
        """Return a text where it first appears; later the mark of a long one."""
        if len(text) <= _LONG:
            return text
        mark = _mark(text)
        if mark in self._marks:
            return mark
        self._marks.add(mark)
        return f"{mark} {text}"


def _mark(text: str) -> str:
    return f"#{sha256(text.encode()).hexdigest()[:6]}"


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Return the innermost values of a JSON value with the names that lead to them."""
    if not value or not isinstance(value, dict | list):
        yield name, value
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _fields(inner, f"{name}.{key}" if name else str(key))


def in_order(exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """Return the exchanges in their order; consecutive ones of devices are sorted by device.

    Polls of a device that is not assigned yet are left out, because their number depends on the clock. The request for
    OpenID's configuration is left out, too, because each sign-in makes it.
    """
    told = [
        each
        for each in exchanges
        if not ("/operations/" in each.path and each.status == 202)
        and not (each.path.endswith(_DISCOVERY) and each.status == 200)
    ]
    for _, some in groupby(told, key=lambda each: _device(each) is not None):
        yield from sorted(some, key=lambda each: _device(each) or "")


def _device(exchange: Exchange) -> str | None:
    found = _OF_A_DEVICE.fullmatch(exchange.path) if exchange.method in ("PUT", "GET", "DELETE") else None
    return found[1] if found else None


def _sorted(answer: Any) -> Any:
    """Sort registration records by id, because DPS lists them in the order of registration."""
    if isinstance(answer, list) and all("registrationId" in each for each in answer):
        return sorted(answer, key=lambda each: str(each["registrationId"]))
    return answer

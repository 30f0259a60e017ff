"""One request and its answer: what the request asks and who answers, its path, its headers and bodies."""

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from helpers.dps import Exchange
from helpers.lesson.figures.picture import breaking, fold, joined, pill
from helpers.lesson.figures.tabs import highlighted

__all__ = ["meaning", "path_of", "shortened", "show_exchange", "status_words"]

_MAX_TEXT_LENGTH = 288
_SHORTENED_LENGTH = 72
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    ("GET", r"openid-configuration", "The SDK asks Entra ID where it issues tokens."),
    ("POST", r"oauth2/v2\.0/token", "The SDK asks Entra ID for an access token. The next requests carry it."),
    ("GET", r"certificates", "You ask Azure Resource Manager which CAs the service has. DPS answers with the list."),
    ("GET", r"certificates/[^/]+", "You ask for this CA. DPS answers with its thumbprint, its status and its ETag."),
    ("PUT", r"certificates/[^/]+", "You upload the CA's certificate. DPS stores it and answers with its status and ETag."),
    ("DELETE", r"certificates/[^/]+", "You ask DPS to delete this CA. Its ETag shows that you know the current state."),
    ("POST", r"generateVerificationCode", "You ask for a verification code. DPS makes a random one and answers with it."),
    ("POST", r"verify", "You send the proof. DPS checks the signature, the code and the dates, and answers with the result."),
    ("GET", r"provisioningServices/[^/]+", "You ask Azure Resource Manager for the service: its ID scope, hubs and endpoints."),
    ("POST", r"listkeys", "You ask Azure Resource Manager for the service's access keys."),
    ("GET", r"enrollmentGroups/[^/]+", "You ask DPS for the enrollment group. It answers with the group and its ETag."),
    ("PUT", r"enrollmentGroups/[^/]+", "You create or change the enrollment group. DPS stores it and answers with its ETag."),
    ("DELETE", r"enrollmentGroups/[^/]+", "You ask DPS to delete the enrollment group."),
    ("POST", r"enrollmentGroups/query", "You ask DPS which enrollment groups it has. It answers with a list."),
    ("GET", r"enrollments/[^/]+", "You ask DPS for the device's individual enrollment."),
    ("PUT", r"enrollments/[^/]+", "You create or change an individual enrollment. For its device, it comes before any group."),
    ("DELETE", r"enrollments/[^/]+", "You ask DPS to delete the device's individual enrollment."),
    ("POST", r"enrollments/query", "You ask DPS which individual enrollments it has. It answers with a list."),
    ("POST", r"registrations/[^/]+/query", "You ask DPS for the registrations of the group's devices. It answers with a list."),
    ("GET", r"registrations/[^/]+", "You ask DPS for the device's registration record."),
    ("DELETE", r"registrations/[^/]+", "You ask DPS to delete the device's registration record."),
)  # fmt: skip
"""For each method and end of a path: what the request asks, and who answers."""


_NOT_FOUND = "DPS answers that it does not exist."
_REFUSED = "DPS rejects the request, and says why."


def meaning(exchange: Exchange) -> str:
    """Return in words what a request asks and who answers; "" if the lesson never sends such a request."""
    path = urlsplit(exchange.url).path
    found = (
        says for method, end, says in _MEANINGS if method == exchange.method and re.search(rf"/{end}$", path, re.I)
    )
    says = next(found, "")
    if says and exchange.status >= 400:
        asked, _, _ = says.partition(". ")
        return f"{asked.rstrip('.')}. {_NOT_FOUND if exchange.status == 404 else _REFUSED}"
    return says


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[-1]


def status_words(status: int) -> str:
    """Return an HTTP status with its words, such as "200 OK"."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:  # not every number that a service may send is in the registry
        return str(status)


def show_exchange(exchange: Exchange, *, is_open: bool, explained: bool = True) -> Markup:
    """Return a fold with a request and its answer; in a question, nothing is explained, and no header is folded."""
    says = meaning(exchange) if explained else ""
    return Markup(
        "<details class='exchange'{}><summary><b>{}</b> <code>{}</code> → {}{}</summary><div>{}{}{}</div></details>"
    ).format(
        Markup(" open") if is_open else "",
        exchange.method,
        breaking(path_of(exchange.url), r"(?=[/?&])|(?<==)"),
        pill("accepted" if exchange.status < 400 else "rejected", status_words(exchange.status)),
        Markup("<small class='meaning'>{}</small>").format(says) if says else "",
        _headers(exchange.request_headers, "Headers of the request" if explained else ""),
        _body(exchange.request),
        _answer(exchange, explained=explained),
    )


def _answer(exchange: Exchange, *, explained: bool) -> Markup:
    told = Markup("<p class='quiet'>{}</p>").format(
        "The answer has no body." if exchange.answer is None else "The answer:"
    )
    headers = _headers(exchange.answer_headers, "Headers of the answer" if explained else "")
    notes = _notes(exchange) if explained else ""
    return Markup("{}{}{}{}").format(told, headers, _body(exchange.answer), notes)


def _headers(headers: Mapping[str, str], folded: str) -> Markup:
    lines = joined("<div><code>{}: {}</code></div>", headers.items())
    return fold(Markup("<small>{}</small>").format(folded), lines) if lines and folded else lines


def _body(value: Any) -> Markup:
    if value is None:
        return Markup()
    text = json.dumps(shortened(value), indent=2, ensure_ascii=False)
    return highlighted(text, "json", is_whole="…" not in text)


def _notes(exchange: Exchange) -> Markup:
    """Return a line for each field of the bodies that the course teaches."""
    fields = [*_fields(exchange.request), *_fields(exchange.answer)]
    known = ((name, _FIELDS[name]) for name in dict.fromkeys(fields) if name in _FIELDS)
    return joined("<div class='quiet'><code>{}</code>: {}</div>", known)


def _fields(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _fields(each)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _fields(inner)


_FIELDS = {
    "certificate": "a certificate in Base64. In an upload it is the CA's own, and in a verification it is the proof.",
    "isVerified": "whether the CA counts as verified, by a proof or by self-attestation.",
    "thumbprint": "the SHA-1 hash of the certificate, which tells you which certificate it is.",
    "verificationCode": "the code that the proof must have as its common name.",
    "etag": "the version of this record. A change must name the current one in If-Match.",
}
"""What the fields are that the course teaches, by their names."""


def shortened(value: Any) -> Any:
    """Replace each long text by its beginning; such a text is a certificate in base64."""
    match value:
        case dict():
            return {name: shortened(inner) for name, inner in value.items()}
        case list():
            return [shortened(inner) for inner in value]
        case str() if len(value) > _MAX_TEXT_LENGTH:
            return f"{value[:_SHORTENED_LENGTH]}… ({len(value)} characters)"
        case _:
            return value

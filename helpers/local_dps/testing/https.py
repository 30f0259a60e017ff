"""HTTPS requests to a local DPS, with only the standard library."""

import json
import ssl
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

__all__ = ["RequestFailed", "open_url", "request_json", "request_token"]

_MAX_ANSWER_SECONDS = 30.0


class RequestFailed(Exception):
    """The local DPS refused a request. The message contains its explanation."""


def open_url(trust: ssl.SSLContext, request: Request, seconds: float = _MAX_ANSWER_SECONDS) -> HTTPResponse:
    """Send a request, and return its response, which the caller closes. Proxies in the environment are ignored.

    Raises:
        URLError: there was no answer; HTTPError: the status is an error.
    """
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=trust))
    response: HTTPResponse = opener.open(request, timeout=seconds)
    return response


def request_json(
    trust: ssl.SSLContext,
    method: str,
    url: str,
    token: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Send a request, and return the JSON of the answer, or None if it has no body.

    Args:
        token: the bearer token.
        body: None for no body.

    Raises:
        RequestFailed
    """
    content = None if body is None else json.dumps(body).encode()
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | dict(headers or {})
    return _send(trust, Request(url, content, sent, method=method))  # noqa: S310 - an https URL


def request_token(trust: ssl.SSLContext, url: str, client_id: str, client_secret: str, scope: str) -> str:
    """Return an access token for an application (OAuth 2.0 client credentials).

    Raises:
        RequestFailed
    """
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret, "scope": scope}
    token: str = _send(trust, Request(url, urlencode(form).encode(), method="POST"))["access_token"]  # noqa: S310 - https
    return token


def _send(trust: ssl.SSLContext, request: Request) -> Any:
    try:
        with open_url(trust, request) as answer:
            content = answer.read()
    except HTTPError as error:
        with error:
            explanation = error.headers.get("x-local-dps-explanation", "")
            raise RequestFailed(
                f"{request.get_method()} {request.full_url} was answered with {error.code}: "
                f"{error.read().decode(errors='replace')} {explanation}".strip()
            ) from None
    return json.loads(content) if content else None

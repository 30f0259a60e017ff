"""The webhook of a custom allocation policy: the user's own function that chooses a device's hub."""

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, InvalidURL

from ...request.routing import read_object

__all__ = ["WebhookQuestion", "WebhookReply", "Webhooks"]

_TIMEOUT_SECONDS = 10.0
_MAX_CONCURRENT_CALLS = 50
_MAX_REPLY_BYTES = 64 * 1024  # a reply names a hub, and may have a twin of at most 40 KB


class WebhookQuestion(NamedTuple):
    """A call of the webhook that chooses a hub for a device.

    Attributes:
        service_id, registration, operation: the registration for which the webhook is called.
        body: JSON for the webhook.
    """

    service_id: int
    registration: str
    operation: str
    url: str
    body: Mapping[str, Any]


class WebhookReply(NamedTuple):
    """The reply of a webhook.

    Attributes:
        problem: why there is no valid reply, to follow "Custom allocation failed"; empty if there is one.
    """

    hub: object = None
    initial_twin: Mapping[str, Any] | None = None
    payload: Any = None
    problem: str = ""


class Webhooks:
    """The calls of webhooks, which run in the background. Meanwhile the device polls."""

    def __init__(self, settle: Callable[[WebhookQuestion, WebhookReply], None]) -> None:
        self._settle = settle
        self._asking: dict[tuple[int, str], tuple[str, asyncio.Task[None]]] = {}
        self._turns = asyncio.Semaphore(_MAX_CONCURRENT_CALLS)

    def ask(self, question: WebhookQuestion) -> None:
        """Call the webhook after the current request, unless a call for the same operation is in progress.

        If the device has registered again, an earlier call for it is cancelled.
        """
        device = (question.service_id, question.registration.lower())
        operation, task = self._asking.get(device, ("", None))
        if operation == question.operation:
            return
        if task is not None:
            task.cancel()
        task = asyncio.get_running_loop().create_task(self._ask(question))
        self._asking[device] = (question.operation, task)
        task.add_done_callback(lambda done: self._forget(device, done))

    def _forget(self, device: tuple[int, str], done: "asyncio.Task[None]") -> None:
        if self._asking.get(device, ("", None))[1] is done:
            del self._asking[device]

    async def close(self) -> None:
        """Cancel all calls. If a device polls after the next start, its webhook is called again."""
        tasks = [task for _, task in self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, question: WebhookQuestion) -> None:
        async with self._turns:
            try:
                reply = await _post(question.url, question.body)
            except (ClientError, OSError, TimeoutError, ValueError) as error:
                reply = WebhookReply(problem=f": the webhook gave no valid reply ({_reason(error)}).")
        try:
            self._settle(question, reply)
        except Exception:
            logging.getLogger(__name__).exception("A webhook's reply could not be stored.")


def _reason(error: Exception) -> str:
    """Return the reason for a failed call. It goes to the device, so it leaves out the URL, which often holds a key."""
    match error:
        case TimeoutError():
            return f"it did not reply within {_TIMEOUT_SECONDS:.0f} s"
        case InvalidURL():
            return "its URL is invalid"
        case ClientConnectorError():
            return "no server listens at its address"
        case ClientError():
            return "its reply is not HTTP"
        case _:
            return str(error)


async def _post(url: str, body: Mapping[str, Any]) -> WebhookReply:
    """Call a webhook, and return its reply.

    Raises:
        ValueError: the URL is not on loopback, or the reply is invalid.
        ClientError, OSError, TimeoutError
    """
    if not _is_on_loopback(url):
        raise ValueError("it is not on loopback, and this local DPS calls no other webhooks")
    async with (
        ClientSession(timeout=ClientTimeout(_TIMEOUT_SECONDS)) as session,
        session.post(url, json=body, allow_redirects=False) as response,
    ):
        if response.status != 200:
            return WebhookReply(problem=f" with status code: {response.status}")
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > _MAX_REPLY_BYTES:
                raise ValueError(f"its reply is larger than {_MAX_REPLY_BYTES:,} bytes")
    said = read_object(bytes(content))
    twin = said.get("initialTwin")
    if not isinstance(twin, dict | None):
        raise ValueError("initialTwin is not an object")
    return WebhookReply(said.get("iotHubHostName"), twin, said.get("payload"))


def _is_on_loopback(url: str) -> bool:
    try:
        place = urlsplit(url)
    except ValueError as error:  # its text may contain a user and a password
        raise InvalidURL(url) from error
    if place.scheme not in ("http", "https") or not place.hostname:
        return False
    try:
        return ipaddress.ip_address(place.hostname).is_loopback
    except ValueError:
        return place.hostname.lower() == "localhost"

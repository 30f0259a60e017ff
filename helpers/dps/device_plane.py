"""Register a device over HTTPS with the documented REST protocol: PUT the registration, then poll for the result.

Azure's device SDK does the same over MQTT, but it always waits two seconds before its first poll, and it does not report
the reason for a rejection. Source: learn.microsoft.com, "Device Provisioning Service, Runtime Registration".
"""

import asyncio
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from helpers.certificates import DeviceCredential

__all__ = ["API_VERSION", "DevicePlane", "NoAnswer", "RegistrationAnswer", "UnusableCredential", "register_over_https"]

API_VERSION = "2021-06-01"
_MAX_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.2, 2.0  # doubled after each attempt, unless the answer has a Retry-After
_MAX_REQUEST_SECONDS = 30.0
_MAX_ASSIGNMENT_SECONDS = 30.0  # DPS chooses a hub within this time; a custom allocation waits for its webhook
_POLL_INTERVAL_SECONDS = 1.0  # before a poll, if the answer has no Retry-After
_MIN_POLL_INTERVAL_SECONDS = 0.1  # between two polls, even if Retry-After is 0


@dataclass(frozen=True)
class DevicePlane:
    """The endpoint at which devices register.

    Attributes:
        host: the host name in the endpoint's TLS certificate.
        https_endpoint: the URL for HTTPS; None for port 443 of `host`.
        proxy: host and port of the HTTP proxy for MQTT; None for a direct connection.
        trust: PEM of the CA that issued the endpoint's TLS certificate; None for the public CAs.
    """

    host: str
    https_endpoint: str | None = None
    proxy: tuple[str, int] | None = None
    trust: str | None = None


class RegistrationAnswer(NamedTuple):
    """The final answer to a registration: its HTTP status and its JSON body."""

    status: int
    body: Mapping[str, Any]


class NoAnswer(Exception):
    """DPS could not be reached, or failed in every attempt; the message says which."""


class UnusableCredential(Exception):
    """The device's chain or key can't be used; the message says why."""


async def register_over_https(plane: DevicePlane, id_scope: str, device: DeviceCredential) -> RegistrationAnswer:
    """Register a device and wait for DPS's final answer.

    DPS never answers the first request with a hub, so at least one poll follows. Both requests can be retried safely: a
    device that registers again gets the same answer.

    Returns:
        the final answer, whether DPS accepts the device (200) or rejects it (4xx).

    Raises:
        NoAnswer: DPS could not be reached or failed in every attempt, or it did not choose a hub in time.
        UnusableCredential: the device's chain or key can't be used.
    """
    from aiohttp import ClientSession, ClientTimeout, TCPConnector  # takes a quarter of a second to import

    context = await asyncio.to_thread(_tls, plane, device)  # reads files; for Azure, those of all public CAs
    endpoint = plane.https_endpoint or f"https://{plane.host}"
    async with ClientSession(
        endpoint, connector=TCPConnector(ssl=context), timeout=ClientTimeout(total=_MAX_REQUEST_SECONDS)
    ) as session:
        registration = f"/{id_scope}/registrations/{device.registration_id}"
        asked = {"registrationId": device.registration_id}
        answer = await _request(session, "PUT", f"{registration}/register", asked)
        deadline = time.monotonic() + _MAX_ASSIGNMENT_SECONDS
        pause = 0.0
        while answer.status == 202:
            if time.monotonic() >= deadline:
                raise NoAnswer(f"DPS had not chosen a hub after {_MAX_ASSIGNMENT_SECONDS:.0f} seconds.")
            await asyncio.sleep(
                max(pause, _POLL_INTERVAL_SECONDS if answer.retry_after is None else answer.retry_after)
            )
            pause = _MIN_POLL_INTERVAL_SECONDS
            answer = await _request(session, "GET", f"{registration}/operations/{answer.body['operationId']}")
        return RegistrationAnswer(answer.status, answer.body)


class _Answer(NamedTuple):
    status: int
    body: Mapping[str, Any]
    retry_after: float | None  # seconds


async def _request(session: Any, method: str, path: str, body: Mapping[str, Any] | None = None) -> _Answer:
    """Send a request, and retry it while the service fails temporarily (no answer, 408, 429, 5xx)."""
    from aiohttp import ClientError

    reason = ""
    for attempt in range(_MAX_ATTEMPTS):
        pause = min(_FIRST_PAUSE_SECONDS * 2**attempt, _MAX_PAUSE_SECONDS)
        try:
            async with session.request(method, path, params={"api-version": API_VERSION}, json=body) as response:
                content = await response.read()
                answer = _Answer(response.status, json.loads(content), _seconds(response.headers.get("Retry-After")))
        except TimeoutError:
            reason = f"DPS did not answer within {_MAX_REQUEST_SECONDS:.0f} seconds."
        except (OSError, ValueError, ClientError) as error:
            reason = f"DPS could not be reached, or the connection broke: {error}."
        else:
            if answer.status not in (408, 429) and answer.status < 500:
                return answer
            reason = f"DPS answered with status {answer.status}."
            pause = pause if answer.retry_after is None else answer.retry_after
        await asyncio.sleep(pause)
    raise NoAnswer(f"{reason} All {_MAX_ATTEMPTS} attempts failed.")


def _seconds(retry_after: str | None) -> float | None:
    """Return a Retry-After header in seconds; None if there is none, or if it is a date, which DPS never sends."""
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None


def _tls(plane: DevicePlane, device: DeviceCredential) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=plane.trust)
    try:
        context.load_cert_chain(device.chain_file, device.key_file)
    except OSError as error:  # a file is missing, or OpenSSL can't use its content
        raise UnusableCredential(str(error)) from error
    return context

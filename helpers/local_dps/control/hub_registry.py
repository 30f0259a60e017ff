"""The linked IoT hubs, which are names and no more here: the devices that were assigned to them, and how far they are."""

import hashlib
from collections.abc import Mapping
from typing import Any

from ..errors import control as errors
from ..planes.device.allocation import HubLatencies
from ..request.routing import Request, Response, Route
from ..store import HubDeviceRow, Store

__all__ = ["HubRegistry"]

_PAGE_SIZE = 1000


class HubRegistry:
    """/hubs/{hub}/devices, as the hub's own registry would tell of them, and /latencies."""

    def __init__(self, store: Store, latencies: HubLatencies) -> None:
        self._store = store
        self._latencies = latencies
        self.routes = (
            Route("GET", "/hubs/{hub}/devices", self._list),
            Route("GET", "/hubs/{hub}/devices/{device}", self._get),
            Route("GET", "/latencies", self._get_latencies),
            Route("PUT", "/latencies", self._put_latencies),
        )

    def _list(self, request: Request) -> Response:
        """By device id, at most a thousand; `next` is there when there are more: ask for those `?after=` it."""
        rows, more = self._store.hub_devices.page(request.parameters["hub"], request.query.get("after", ""), _PAGE_SIZE)
        further = {"next": rows[-1].id} if more else {}
        return Response(200, {"devices": [_describe(row) for row in rows], **further})

    def _get(self, request: Request) -> Response:
        hub, device = request.parameters["hub"], request.parameters["device"]
        row = self._store.hub_devices.get(hub, device)
        if row is None:
            raise errors.not_found(f"The hub '{hub}' knows no device '{device}'.")
        return Response(200, _describe(row))

    def _get_latencies(self, _request: Request) -> Response:
        return Response(200, self._latencies.by_hub())

    def _put_latencies(self, request: Request) -> Response:
        """Milliseconds by host name, instead of all that were there."""
        try:
            self._latencies.replace(request.json_object())
        except ValueError as error:
            raise errors.bad_request(str(error)) from error
        return Response(200, self._latencies.by_hub())


def _describe(row: HubDeviceRow) -> Mapping[str, Any]:
    """A device identity as IoT Hub's registry writes one, with its twin. DPS enters every X.509 device as self-signed, known
    by its certificate, whichever CA let it in.
    """
    same = f"{row.hub} {row.id} {row.thumbprint}".lower()
    return {
        "deviceId": row.id,
        "etag": hashlib.sha256(same.encode()).hexdigest()[:12],
        "status": "enabled",
        "connectionState": "Disconnected",
        "authentication": {
            "type": "selfSigned",
            "symmetricKey": {"primaryKey": None, "secondaryKey": None},
            "x509Thumbprint": {"primaryThumbprint": row.thumbprint, "secondaryThumbprint": None},
        },
        "capabilities": row.capabilities,
        "twin": row.twin,
    }

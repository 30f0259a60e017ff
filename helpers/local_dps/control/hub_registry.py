"""The linked IoT hubs: the devices that DPS assigned to them, and their latencies. Here a hub is only a name."""

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
    """The requests to /hubs/{hub}/devices, answered as the hub's own registry would, and to /latencies."""

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
        """List at most a thousand devices, in order of their ids. If there are more, `next` is the value for `?after=`."""
        rows, more = self._store.hub_devices.page(request.parameters["hub"], request.query.get("after", ""), _PAGE_SIZE)
        further = {"next": rows[-1].id} if more else {}
        return Response(200, {"devices": [_describe(row) for row in rows], **further})

    def _get(self, request: Request) -> Response:
        hub, device = request.parameters["hub"], request.parameters["device"]
        row = self._store.hub_devices.get(hub, device)
        if row is None:
            raise errors.not_found(f"The hub '{hub}' has no device '{device}'.")
        return Response(200, _describe(row))

    def _get_latencies(self, _request: Request) -> Response:
        return Response(200, self._latencies.by_hub())

    def _put_latencies(self, request: Request) -> Response:
        """Replace all latencies. The body has milliseconds by host name."""
        try:
            self._latencies.replace(request.json_object())
        except ValueError as error:
            raise errors.bad_request(str(error)) from error
        return Response(200, self._latencies.by_hub())


def _describe(row: HubDeviceRow) -> Mapping[str, Any]:
    """Return a device identity as IoT Hub's registry writes it, with its twin.

    DPS enters every X.509 device as self-signed, with its certificate's thumbprint, even if a CA signed the certificate.
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

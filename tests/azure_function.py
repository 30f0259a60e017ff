"""An Azure function on loopback that chooses a hub for a device, and requires its key, as in Azure."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

__all__ = ["AzureFunction", "azure_function"]


@dataclass
class AzureFunction:
    """The function. It answers 401 without its key.

    Attributes:
        devices: for which it has chosen a hub.
    """

    url: str
    key: str
    devices: list[str] = field(default_factory=list)


@contextmanager
def azure_function(key: str) -> Iterator[AzureFunction]:
    """Run a function with that key during the `with` block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if parse_qs(urlsplit(self.path).query).get("code") != [key]:
                self.send_response(401)
                self.end_headers()
                return
            function.devices.append(asked["deviceRuntimeContext"]["registrationId"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"iotHubHostName": asked["linkedHubs"][-1]}).encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        function = AzureFunction(f"http://127.0.0.1:{server.server_address[1]}/api/choose", key)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield function
        finally:
            server.shutdown()
            thread.join()

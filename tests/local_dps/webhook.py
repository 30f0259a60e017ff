"""A webhook that allocates devices to hubs, and answers when a test allows it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.local_dps.allocation import FAR


@dataclass
class Webhook:
    """The webhook, and its next answer.

    Attributes:
        may: set once it may answer; until then it waits.
        asked: the questions that it got.
    """

    status: int = 200
    answer: object = field(default_factory=lambda: {"iotHubHostName": FAR})
    may: threading.Event = field(default_factory=threading.Event)
    asked: list[Any] = field(default_factory=list)
    url: str = ""

    @property
    def definition(self) -> Mapping[str, Any]:
        """The members of an enrollment that name it."""
        return {
            "allocationPolicy": "custom",
            "customAllocationDefinition": {"webhookUrl": self.url, "apiVersion": "2021-10-01"},
        }


@contextmanager
def running_webhook() -> Iterator[Webhook]:
    """A webhook on loopback for as long as the block runs, which may answer at once."""
    hook = Webhook()
    hook.may.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            hook.may.wait(30)
            content = hook.answer if isinstance(hook.answer, bytes) else json.dumps(hook.answer).encode()
            self.send_response(hook.status)
            self.send_header("Location", hook.url)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"http://127.0.0.1:{server.server_address[1]}/allocate"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hook
        finally:
            hook.may.set()
            server.shutdown()
            thread.join()

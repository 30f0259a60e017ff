"""A small HTTP server on loopback, for a test's webhooks."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

__all__ = ["Answer", "answering"]

Answer: TypeAlias = tuple[int, dict[str, str], bytes]
"""The status, the headers and the body of an answer."""


@contextmanager
def answering(answer: Callable[[str, Any], Answer]) -> Iterator[str]:
    """Answer each POST during the `with` block, whose value is the server's URL without a path.

    Args:
        answer: takes the path with the query, and the JSON value that was sent.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, headers, content = answer(
                self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()

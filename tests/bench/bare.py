"""What HTTPS costs by itself: an aiohttp handler that always returns the same bytes. `python -m tests.bench.bare`."""

import asyncio
import base64
import json
import sys

from aiohttp import web

from helpers.local_dps.tls import server_context


async def _serve(body: bytes, headers: dict[str, str]) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(body=body, headers=headers)

    context, authority = server_context(("localhost", "127.0.0.1"))
    server = await asyncio.get_running_loop().create_server(
        web.Server(answer, access_log=None), "127.0.0.1", 0, ssl=context
    )
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "authority": authority.decode()}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    asyncio.run(_serve(base64.b64decode(given["body"]), given["headers"]))

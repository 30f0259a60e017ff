"""The cost of HTTPS alone: an aiohttp application whose one handler always returns the same bytes."""

import asyncio
import base64
import json
import socket
import sys

from aiohttp import web

from helpers.local_dps.net.tls import new_server_identity


async def _serve(body: bytes, headers: dict[str, str]) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=body, headers=headers)

    identity = new_server_identity(("localhost", "127.0.0.1"))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener, ssl_context=identity.context()).start()
    port = listener.getsockname()[1]
    print(json.dumps({"port": port, "authority": identity.authority_pem.decode()}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    asyncio.run(_serve(base64.b64decode(given["body"]), given["headers"]))

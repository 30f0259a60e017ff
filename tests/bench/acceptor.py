"""The cost of a device's handshake alone: asyncio and the local DPS's own TLS for devices, with no service behind them."""

import asyncio
import json
import sys

from helpers.local_dps.net.device_tls import device_context
from helpers.local_dps.net.tls import new_server_identity


async def _accept() -> None:
    identity = new_server_identity(("localhost",))
    server = await asyncio.get_running_loop().create_server(
        asyncio.Protocol, "127.0.0.1", 0, ssl=device_context(identity, lambda _reason: None)
    )
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "authority": identity.authority_pem.decode()}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    json.load(sys.stdin)
    asyncio.run(_accept())

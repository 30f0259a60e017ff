"""The command line: `python -m helpers`."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from helpers.local_dps import CannotStart, LocalDps

__all__: list[str] = []

app = typer.Typer(
    help="Prove to Azure DPS that you hold a CA's private key: run the notebooks, or serve a local DPS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)


@app.callback()
def _commands() -> None:
    """Commands have names, however few there are."""


@app.command("local-dps")
def local_dps(
    connection_file: Annotated[Path, typer.Option(help="Written, mode 0600, once the service is ready.")],
    state: Annotated[
        Path | None, typer.Option(help="Where its data lives; a folder beside the connection file unless given.")
    ] = None,
    https_port: Annotated[int, typer.Option(min=0, max=65535, help="0 for a free port.")] = 0,
    host_name: Annotated[list[str] | None, typer.Option(help="A further name for its certificate; repeatable.")] = None,
    idle_seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop after this long without a request; never unless given.")
    ] = None,
) -> None:
    """Serve a local DPS on loopback until it is stopped (Ctrl-C or SIGTERM)."""
    dps = LocalDps(
        state or connection_file.with_name("local-dps-state"),
        https_port=https_port,
        host_names=tuple(host_name or ()),
        observe=lambda exchange: print(exchange.line(), flush=True),
        idle_seconds=idle_seconds,
    )

    def ready(connection: Mapping[str, Any]) -> None:
        print(f"Local DPS ready at {connection['management_endpoint']}; connection file: {connection_file}", flush=True)

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await dps.serve(stop, connection_file, ready)

    try:
        asyncio.run(serve())
    except CannotStart as error:
        print(f"The local DPS did not start. {error}", file=sys.stderr)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()

"""The command `local-dps`: serve a local DPS, tell a script how to reach it, and make a device that it accepts."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_state_path

from ..version import __version__
from .device import add_device_options, device
from .env import add_env_options, env
from .serve import add_serve_options, serve

__all__ = ["main", "serve_main"]

_DESCRIPTION = "A Device Provisioning Service on loopback that really verifies. For learning and for tests."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `local-dps`, and return its exit status.

    Args:
        arguments: without the program's name; None for those of this process.
    """
    parser = argparse.ArgumentParser("local-dps", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"local-dps {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, add_options, meaning in (
        (serve, add_serve_options, "serve until Ctrl-C or SIGTERM; one line per request goes to standard output"),
        (env, add_env_options, "wait until it serves, and print how to reach it, as NAME=value lines"),
        (
            device,
            add_device_options,
            "make a device that it accepts, with a CA of its own, and print its files as JSON",
        ),
    ):
        own = commands.add_parser(command.__name__, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
        _add_connection_file(own)
        add_options(own)
        own.set_defaults(command=command, parser=own)
    options = parser.parse_args(arguments)
    status: int = options.command(options, options.parser)
    return status


def serve_main(program: str, arguments: Sequence[str]) -> int:
    """Serve a local DPS for another program's own command, and return the exit status.

    Args:
        program: that program and its command, for the help.
    """
    parser = argparse.ArgumentParser(program, description="Serve a local DPS on loopback until Ctrl-C or SIGTERM.")
    parser.add_argument("--version", action="version", version=__version__)
    _add_connection_file(parser)
    add_serve_options(parser)
    return serve(parser.parse_args(arguments), parser)


def _add_connection_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--connection-file",
        type=Path,
        default=user_state_path("local-dps") / "connection.json",
        metavar="PATH",
        help="the file that says how to reach it, with mode 0600; by default %(default)s",
    )

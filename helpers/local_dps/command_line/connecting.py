"""The shared parts of the commands that use a running local DPS."""

import argparse
import sys

from ..testing import LocalDpsConnection, NotServed, wait_for_connection
from .numbers import number_of

__all__ = ["add_wait_option", "connect"]


def add_wait_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how long to wait for the local DPS."""
    parser.add_argument(
        "--wait",
        type=number_of(0),
        default=30.0,
        metavar="SECONDS",
        help="how long to wait until it serves; by default 30",
    )


def connect(options: argparse.Namespace) -> LocalDpsConnection:
    """Wait until the local DPS serves. If it does not, end the program with a message and status 1."""
    try:
        return wait_for_connection(options.connection_file, options.wait)
    except (NotServed, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)

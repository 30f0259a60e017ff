"""The command that makes a device which a local DPS accepts, for tests in any language."""

import argparse
import json
import re
import sys
from pathlib import Path

from ..testing import RequestFailed, ServiceForTests
from .connecting import add_wait_option, connect

__all__ = ["add_device_options", "device"]

# The characters that DPS allows in a registration id, except the colon, which Windows does not allow in a file name.
_REGISTRATION_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `device`, except for the connection file."""
    parser.add_argument("registration_id", type=_registration_id, help="the device's registration id")
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="the folder for the device's files; by default devices beside the connection file",
    )
    add_wait_option(parser)


def device(options: argparse.Namespace, _parser: argparse.ArgumentParser) -> int:
    """Create a CA, verify it, create an enrollment group for it, issue the device's certificate, and print its files as JSON."""
    connection = connect(options)
    folder: Path = (options.folder or options.connection_file.with_name("devices")).resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = ServiceForTests(connection, folder).device(options.registration_id)
    except (RequestFailed, OSError) as error:
        print(f"The device was not created. {error}", file=sys.stderr)
        return 1
    described = {
        "registration_id": made.registration_id,
        "id_scope": connection.id_scope,
        "chain_file": str(made.chain_file),
        "key_file": str(made.key_file),
        "ca_file": connection.ca_file,
        "device_endpoint": connection.device_endpoint,
        "mqtt_endpoint": connection.mqtt_endpoint,
        "proxy_endpoint": connection.proxy_endpoint,
    }
    print(json.dumps(described, indent=2))
    return 0


def _registration_id(text: str) -> str:
    if not _REGISTRATION_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a registration id. Use up to 128 letters, digits, dots, underscores and hyphens, with a letter or "
            "digit first and last."
        )
    return text

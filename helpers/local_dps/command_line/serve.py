"""The command that serves a local DPS until it is stopped."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..configuration import Configuration
from ..core.faults import FAULT_NAMES, Faults, fault_named
from ..planes.device.allocation import HubLatencies
from ..server import LocalDps, new_event_loop
from ..state import CannotStart
from .numbers import number_of, numbers_by_name, whole_number
from .request_log import RequestLog

__all__ = ["add_serve_options", "serve"]

_MAX_FILES_ON_MACOS = 10_240  # OPEN_MAX: macOS refuses a higher limit
_PORTS = {
    "https": "the main HTTPS port: management, sign-in and the oldest service",
    "device": "the port for devices over HTTPS",
    "mqtts": "the port for devices over MQTT with TLS",
    "proxy": "the port of the proxy for devices",
    "control": "the port of the control interface",
}


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `serve`, except for the connection file."""
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="the folder for its data; by default local-dps-state beside the connection file",
    )
    parser.add_argument("--in-memory", action="store_true", help="keep the data in memory, and lose it at the end")
    parser.add_argument("--reset", action="store_true", help="delete the present state first")
    port = whole_number(0, 65535)
    for name, meaning in _PORTS.items():
        parser.add_argument(
            f"--{name}-port", type=port, default=0, metavar="N", help=f"{meaning}; by default a free one"
        )
    parser.add_argument(
        "--bind",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="the address to listen on, by default 127.0.0.1 and ::1; beyond loopback, it prints a warning",
    )
    parser.add_argument(
        "--host-name",
        action="append",
        default=[],
        metavar="NAME",
        help="an additional name for its certificate; repeatable",
    )
    parser.add_argument(
        "--idle-seconds",
        type=number_of(1),
        metavar="N",
        help="stop after this long without a request; by default, never",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=RATE",
        help="the proportion of requests that get this fault; repeatable",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="the seed of the faults; the same seed gives the same faults",
    )
    parser.add_argument(
        "--latency",
        action="append",
        default=[],
        metavar="HUB=MILLISECONDS",
        help="the latency of a hub, for the allocation policy geoLatency; repeatable",
    )
    parser.add_argument(
        "--log-megabytes",
        type=whole_number(1, 1 << 20),
        metavar="N",
        help="start the log over when its file is longer than this",
    )
    parser.add_argument(
        "--retry-after",
        type=whole_number(0, 3600),
        default=3,
        metavar="SECONDS",
        help="how long a device is told to wait before it polls; by default 3, as in Azure",
    )
    parser.add_argument(
        "--known-hub",
        action="append",
        default=[],
        metavar="NAME",
        help="an IoT hub that exists; without this option, all hubs exist; repeatable",
    )
    parser.add_argument(
        "--allow-tls-1-3",
        action="store_true",
        help="let devices use TLS 1.3 as well; Azure documents TLS 1.2 only",
    )


def serve(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Serve until SIGINT (Ctrl-C) or SIGTERM, and return the exit status.

    Args:
        options: those of `add_serve_options`, and connection_file.
        parser: ends the program if an option is wrong.
    """
    log = RequestLog(options.log_megabytes)
    configuration = Configuration(
        state=options.state or options.connection_file.with_name("local-dps-state"),
        in_memory=options.in_memory,
        reset=options.reset,
        https_port=options.https_port,
        device_port=options.device_port,
        mqtts_port=options.mqtts_port,
        proxy_port=options.proxy_port,
        control_port=options.control_port,
        bind=options.bind,
        host_names=tuple(options.host_name),
        observe=log.note,
        idle_seconds=options.idle_seconds,
        faults=_faults(options, parser),
        latencies=_latencies(options, parser),
        retry_after=options.retry_after,
        known_hubs=tuple(options.known_hub),
        allow_tls_1_3=options.allow_tls_1_3,
    )
    if not configuration.is_on_loopback:
        print(
            f"Warning: at {options.bind}, other machines may reach this local DPS. It is made for learning and tests: anyone "
            "who reads the connection file, or exploits a bug, has full control of it.",
            file=sys.stderr,
        )
    _allow_many_connections()
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(configuration, options.connection_file, log))
    except CannotStart as error:
        print(f"The local DPS did not start. {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(configuration: Configuration, connection_file: Path, log: RequestLog) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    # Not the loop's own handlers, which Windows lacks. A handler wakes the loop on all systems.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))

    def ready(connection: Mapping[str, Any]) -> None:
        print(f"Local DPS ready at {connection['management_endpoint']}; connection file: {connection_file}", flush=True)

    try:
        await LocalDps(configuration).serve(stop, connection_file, ready)
    finally:
        log.flush()


def _faults(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Faults:
    try:
        rates = {fault_named(name): rate for name, rate in numbers_by_name(options.fault).items()}
        return Faults(rates, options.seed)
    except ValueError as error:
        parser.error(f"{error} Write a fault as name=rate, for example throttle=0.1. The names are {FAULT_NAMES}.")


def _latencies(options: argparse.Namespace, parser: argparse.ArgumentParser) -> HubLatencies:
    try:
        return HubLatencies(numbers_by_name(options.latency))
    except ValueError as error:
        parser.error(f"{error} Write a latency as hub=milliseconds.")


def _allow_many_connections() -> None:
    """Raise the limit of open files: each connection is one, and shells often allow 1,024. Windows has no such limit.

    macOS reports that there is no hard limit, but refuses to remove the soft one.
    """
    if sys.platform != "win32":
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        for limit in (most, _MAX_FILES_ON_MACOS):
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
                return

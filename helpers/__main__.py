"""The command line: `python -m helpers`."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpers.problem import Problem

if TYPE_CHECKING:
    from helpers.local_dps import Faults, RequestRecord
    from helpers.local_dps.planes.device.allocation import HubLatencies

__all__: list[str] = []

_PROJECT = Path(__file__).resolve().parent.parent
_LAB_WORKSPACE = _PROJECT / "data" / "workspace" / "lab"
_RUN_WORKSPACE = _PROJECT / "data" / "workspace" / "run"
_MAX_FILES_ON_MACOS = 10_240  # OPEN_MAX: macOS refuses a higher limit

app = typer.Typer(
    help="Prove to Azure DPS that you hold a CA's private key: run the notebooks, or serve a local DPS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # local variables may hold secrets
)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Print a Problem without a traceback and exit with status 1."""
    try:
        yield
    except Problem as problem:
        print(problem, file=sys.stderr)
        raise typer.Exit(1) from problem


@app.command()
def run(
    folder: Annotated[
        Path, typer.Option("--workspace", help="The workspace's folder. It is emptied first, unless you add --keep.")
    ] = _RUN_WORKSPACE,
    keep: Annotated[
        bool, typer.Option("--keep", help="Continue with the workspace as it is, instead of emptying it.")
    ] = False,
    parameters: Annotated[
        Path, typer.Option(help="A YAML file with the notebooks' parameters, one name: value per line.")
    ] = _PROJECT / "data/parameters/local.yaml",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", help="A parameter as name=value; overrides the file; repeatable.")
    ] = None,
) -> None:
    """Execute every notebook. 08 and 09 run while others do. The exit status is 0 only if every cell succeeded."""
    from helpers import walkthrough  # the lesson takes half a second to import; the other commands don't need it
    from helpers.walkthrough.progress import Progress
    from helpers.workspace import Workspace

    with _plain_errors():
        values = walkthrough.read_parameters(parameters, parameter or [])
        if keep:  # the workspace may already have the values that the parameters leave out
            workspace = Workspace(folder)
        else:
            walkthrough.check_parameters(values)
            workspace = walkthrough.fresh_workspace(folder)
        try:
            with Progress() as progress:
                outcomes = walkthrough.run(workspace, values, on_cell=progress.on_cell, on_end=progress.on_end)
        except KeyboardInterrupt:
            print("Interrupted. Nothing is left running. To continue, run it again with --keep.", file=sys.stderr)
            raise typer.Exit(130) from None
    executed = workspace.folder / "executed"
    print(f"Executed copies: {executed}\nOpen this in a browser: {(executed / 'index.html').absolute().as_uri()}")
    if failures := [outcome.failure for outcome in outcomes if outcome.failure]:
        print(f"\n{failures[0]}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def status(
    folder: Annotated[Path, typer.Option("--workspace", help="The workspace's folder.")] = _LAB_WORKSPACE,
) -> None:
    """Show the progress of a walkthrough."""
    from helpers.workspace import Workspace

    with _plain_errors():
        if not folder.exists():
            print(f"There is no workspace at {folder}. Run make lab to start one, or name another with --workspace.")
            return
        workspace = Workspace(folder)
        facts, roles = workspace.facts, workspace.authority_roles()
    print(f"Target:            {facts.target or 'not chosen'}")
    print(f"CAs with a key:    {', '.join(roles) or 'none'}")
    print(
        f"Registered:        {f'{facts.registered_role} as {facts.certificate_name}' if facts.certificate_name else 'no'}"
    )
    print(f"Code waiting:      {'yes' if facts.verification_code else 'no'}")
    print(f"Verified:          {'yes' if facts.verified else 'no'}")
    print(f"Enrollment group:  {facts.enrollment_group_id or 'none'}")


@app.command()
def reset(
    folder: Annotated[
        Path, typer.Option("--workspace", help="The folder of the workspace to remove.")
    ] = _LAB_WORKSPACE,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it without asking.")] = False,
) -> None:
    """Remove a workspace, including its private keys, and stop its local DPS. Nothing is removed from Azure."""
    from helpers.dps import stop_local_dps
    from helpers.workspace import is_workspace, remove_workspace

    if not is_workspace(folder):
        print(f"There is no workspace at {folder}.")
        return
    if not yes:
        typer.confirm(f"Remove {folder} with its private keys? They can't be recovered.", abort=True)
    with _plain_errors():
        stop_local_dps(folder / "local-dps")
        remove_workspace(folder)
    print(f"Removed {folder}.")


class _Log:
    """The log of requests on standard output: at once on a terminal, otherwise ten times a second."""

    def __init__(self, megabytes: int | None = None) -> None:
        """
        Args:
            megabytes: the size above which the log file, if standard output is one, is emptied and started again.
        """
        self._waiting: list[RequestRecord] = []
        self._pause = 0.0 if sys.stdout.isatty() else 0.1  # seconds
        self._limit = megabytes and megabytes << 20
        self._is_read = True

    def note(self, record: "RequestRecord") -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(self._pause, self.flush)
        self._waiting.append(record)

    def flush(self) -> None:
        records, self._waiting = self._waiting, []
        if not records or not self._is_read:
            return
        text = "".join(f"{record.line()}\n" for record in records)
        try:
            self._write(text)
        except BrokenPipeError:
            self._is_read = False
        except OSError:
            pass  # the disk is full: these lines are lost, but later ones may succeed

    def _write(self, text: str) -> None:
        """Write without Python's buffer: it would keep the bytes that a full disk rejected, and fail with them at exit."""
        output = sys.stdout.fileno()
        if self._limit is not None and os.fstat(output).st_size > self._limit:
            os.ftruncate(output, 0)
            text = f"(This log exceeded {self._limit >> 20} MB. The earlier lines were deleted.)\n{text}"
        content = text.encode(errors="replace")
        while content:
            content = content[os.write(output, content) :]


def _faults(wanted: list[str], seed: int) -> "Faults":
    from helpers.local_dps.core.faults import FAULT_NAMES, Faults, fault_named

    try:
        return Faults({fault_named(name): rate for name, rate in _numbers(wanted).items()}, seed)
    except ValueError as error:
        raise typer.BadParameter(
            f"{error} Write a fault as name=rate, for example throttle=0.1. The names are {FAULT_NAMES}."
        ) from error


def _latencies(wanted: list[str]) -> "HubLatencies":
    from helpers.local_dps.planes.device.allocation import HubLatencies

    try:
        return HubLatencies(_numbers(wanted))
    except ValueError as error:
        raise typer.BadParameter(f"{error} Write a latency as hub=milliseconds.") from error


def _numbers(wanted: list[str]) -> dict[str, float]:
    """Parse `name=number` texts; a missing number becomes NaN, which the caller rejects."""
    parts = [each.partition("=") for each in wanted]
    return {name: float(number or "nan") for name, _, number in parts}


def _allow_many_connections() -> None:
    """Raise the limit of open files: each connection is one, and shells often allow 1,024.

    macOS reports that there is no hard limit, but refuses to remove the soft one.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (most, _MAX_FILES_ON_MACOS):
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
            return


@app.command("local-dps")
def local_dps(
    connection_file: Annotated[
        Path, typer.Option(help="A file to write, with mode 0600, when the local DPS is ready.")
    ],
    state: Annotated[
        Path | None,
        typer.Option(help="The folder for its data. By default, local-dps-state beside the connection file."),
    ] = None,
    start_over: Annotated[bool, typer.Option("--reset", help="Delete the present state first.")] = False,
    https_port: Annotated[int, typer.Option(min=0, max=65535, help="The main HTTPS port. 0 for a free port.")] = 0,
    device_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port for devices over HTTPS. 0 for a free port.")
    ] = 0,
    mqtts_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port for devices over MQTT with TLS. 0 for a free port.")
    ] = 0,
    proxy_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of the proxy for devices. 0 for a free port.")
    ] = 0,
    bind: Annotated[
        str, typer.Option(help="The address to listen on. Beyond loopback, it prints a warning.")
    ] = "127.0.0.1",
    host_name: Annotated[
        list[str] | None, typer.Option(help="An additional name for its certificate. Repeatable.")
    ] = None,
    idle_seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop after this long without a request. By default, never.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="name=rate: the proportion of requests that get the fault. Repeatable.")
    ] = None,
    latency: Annotated[
        list[str] | None, typer.Option(help="hub=milliseconds, for the allocation policy geoLatency. Repeatable.")
    ] = None,
    log_megabytes: Annotated[
        int | None, typer.Option(min=1, help="Start the log over when its file is longer than this.")
    ] = None,
    retry_after: Annotated[
        int,
        typer.Option(min=0, max=3600, help="How many seconds a device is told to wait before it polls. Azure says 3."),
    ] = 3,
    known_hub: Annotated[
        list[str] | None, typer.Option(help="An IoT hub that exists. Without this option, all hubs exist. Repeatable.")
    ] = None,
    allow_tls_1_3: Annotated[
        bool, typer.Option("--allow-tls-1-3", help="Let devices use TLS 1.3 as well. Azure documents TLS 1.2 only.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The seed of the faults. The same seed gives the same faults.")] = 0,
) -> None:
    """Serve a local DPS on loopback until it is stopped (Ctrl-C or SIGTERM)."""
    from helpers.local_dps import CannotStart, Configuration, LocalDps

    log = _Log(log_megabytes)
    configuration = Configuration(
        state or connection_file.with_name("local-dps-state"),
        reset=start_over,
        https_port=https_port,
        device_port=device_port,
        mqtts_port=mqtts_port,
        proxy_port=proxy_port,
        bind=bind,
        host_names=tuple(host_name or ()),
        observe=log.note,
        idle_seconds=idle_seconds,
        faults=_faults(fault or [], seed),
        latencies=_latencies(latency or []),
        retry_after=retry_after,
        known_hubs=tuple(known_hub or ()),
        allow_tls_1_3=allow_tls_1_3,
    )
    if not configuration.is_on_loopback:
        print(
            f"Warning: at {bind}, other machines may reach this local DPS. It is made for learning and tests: anyone who reads "
            "the connection file, or exploits a bug, has full control of it.",
            file=sys.stderr,
        )

    def ready(connection: Mapping[str, Any]) -> None:
        print(f"Local DPS ready at {connection['management_endpoint']}; connection file: {connection_file}", flush=True)

    _allow_many_connections()

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            await LocalDps(configuration).serve(stop, connection_file, ready)
        finally:
            log.flush()

    try:
        asyncio.run(serve())
    except CannotStart as error:
        print(f"The local DPS did not start. {error}", file=sys.stderr)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()

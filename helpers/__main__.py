"""The command line: `python -m helpers`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_data_path

from helpers.problem import Problem
from helpers.systems import door

__all__: list[str] = []

_PROJECT = Path(__file__).resolve().parent.parent
_IS_CLONE = (_PROJECT / "notebooks").is_dir()  # otherwise only the package is installed, without the course
_WORKSPACES = _PROJECT / "data" / "workspace" if _IS_CLONE else user_data_path("dps-proof-of-possession", False)
_LAB_WORKSPACE = _WORKSPACES / "lab"
_RUN_WORKSPACE = _WORKSPACES / "run"

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
        if not _IS_CLONE:
            raise Problem(
                "There are no notebooks here.",
                f"Only the package is installed, in {_PROJECT}; the notebooks are in a clone of the project.",
                "Clone the project, and run this in its folder.",
            )
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
    """Show the progress of a walkthrough, and the next step."""
    from helpers.lesson.course.journey import journey
    from helpers.workspace import Workspace

    with _plain_errors():
        if not folder.exists():
            print(f"There is no workspace at {folder}: no notebook has run there yet.")
            print(f"Open JupyterLab ({door('lab')}) and run 00_start_here, or name another workspace with --workspace.")
            return
        workspace = Workspace(folder)
        facts, roles = workspace.facts, workspace.authority_roles()
        progress = journey(workspace)
    print(f"Target:            {facts.target or 'not chosen'}")
    print(f"CAs with a key:    {', '.join(roles) or 'none'}")
    print(
        f"Registered:        {f'{facts.registered_role} as {facts.certificate_name}' if facts.certificate_name else 'no'}"
    )
    print(f"Code waiting:      {'yes' if facts.verification_code else 'no'}")
    print(f"Verified:          {'yes' if facts.verified else 'no'}")
    print(f"Enrollment group:  {facts.enrollment_group_id or 'none'}")
    print(progress.text())


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

    if not folder.exists():
        print(f"There is no workspace at {folder}, so nothing was removed.")
        return
    if not is_workspace(folder):
        print(f"{folder} is not a workspace, because it has no workspace.json. Nothing was removed.", file=sys.stderr)
        raise typer.Exit(1)
    if not yes:
        typer.confirm(f"Remove {folder} with its private keys? They can't be recovered.", abort=True)
    with _plain_errors():
        stop_local_dps(folder / "local-dps")
        remove_workspace(folder)
    print(f"Removed {folder}.")


@app.command(
    "local-dps",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def local_dps(context: typer.Context) -> None:
    """Serve a local DPS on loopback until it is stopped (Ctrl-C or SIGTERM). --help lists its options."""
    from helpers.local_dps.command_line import serve_main

    raise typer.Exit(serve_main("python -m helpers local-dps", context.args))


if __name__ == "__main__":
    app()

"""What the command line prints."""

import re
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from helpers import walkthrough
from helpers.__main__ import app
from helpers.workspace import Workspace
from tests.record.placeholders import Placeholders

__all__ = ["command_line", "run_command"]


def command_line(folder: Path) -> str:
    """Return what the commands print, and the errors of notebooks that run before the ones they need."""
    place = folder / "workspace"
    placeholders = Placeholders({str(folder): "<folder>", str(walkthrough.PROJECT): "<project>"})
    lines: list[str] = []

    def told(*arguments: str, stdin: str = "") -> None:
        result = run_command(*arguments, "--workspace", place, stdin=stdin)
        printed = re.sub(r" +\d+\.\d s", " <seconds>", placeholders.text(result.stdout)).splitlines()
        are_notebooks = [line for line in printed if re.match(r"(ok|FAILED) ", line)]  # 08 and 09 end at any time
        others = [line for line in printed if line not in are_notebooks]
        said = [*sorted(are_notebooks), *others, *placeholders.text(result.stderr).splitlines()]
        lines.extend([f"=== {placeholders.text(' '.join(arguments))}", *said, f"exit code {result.exit_code}", ""])

    told("status")
    told("reset")
    for parameter in (
        "root_nam=Root",
        "root_name",
        "lifetime_days=0",
        "own_ca_key=/nowhere",
        "webhook_url=https://a.b",
    ):
        told("run", "-p", parameter)
    (folder / "no-ca.pem").write_text("neither a certificate nor a key")
    told("run", *(f"-p{name}={folder / 'no-ca.pem'}" for name in ("own_ca_certificate", "own_ca_key")))
    told("run")
    told("status")
    told("reset", stdin="n\n")
    told("reset", stdin="y\n")
    told("status")

    def alone(workspace: Workspace, step: Path, where: str) -> None:
        (outcome,) = walkthrough.run(workspace, {}, notebooks=[step])
        lines.extend([f"=== {step.stem} {where}", *placeholders.text(outcome.failure or "ok").splitlines(), ""])

    for step in walkthrough.NOTEBOOKS:
        alone(Workspace(folder / step.stem), step, "in an empty workspace")
    begun = Workspace(folder / "begun")
    up_to_07 = walkthrough.NOTEBOOKS[:8]  # no later notebook needs the one before it
    for earlier, left_out, step in zip(up_to_07, up_to_07[1:], up_to_07[2:], strict=False):
        walkthrough.run(begun, {}, notebooks=[earlier])
        alone(begun, step, f"without {left_out.stem}")
    return "".join(f"{line}\n" for line in lines)


def run_command(*arguments: str | Path, stdin: str = "") -> Result:
    """Run `python -m helpers` in this process, which saves the start of another Python."""
    return CliRunner().invoke(
        app, [str(each) for each in arguments], input=stdin, env={"COLUMNS": "200", "NO_COLOR": "1"}
    )

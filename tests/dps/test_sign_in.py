"""Azure without a sign-in: one error with the next step, and none of the SDK's own lines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONNECT = """
from helpers.dps import connect_azure
from helpers.problem import Problem

service = connect_azure(subscription_id="1", resource_group="g", provisioning_service="s")
try:
    service.describe()
except Problem as problem:
    print(problem)
"""


@pytest.mark.unix
@pytest.mark.parametrize("has_azure_cli", [False, True])
def test_there_is_one_error_and_it_names_a_missing_azure_cli(tmp_path: Path, has_azure_cli: bool) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if has_azure_cli:
        az = programs / "az"
        az.write_text("#!/bin/sh\necho \"Please run 'az login' to setup account.\" >&2\nexit 1\n")
        az.chmod(0o755)
    environment = {"PATH": f"{programs}:/bin", "HOME": str(tmp_path), "AZURE_TOKEN_CREDENTIALS": "dev"}
    result = subprocess.run(
        [sys.executable, "-c", CONNECT],
        cwd=Path(__file__).resolve().parents[2],
        env={**environment, "TMPDIR": os.environ.get("TMPDIR", "/tmp")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.stderr == ""
    assert ": sign-in failed." in result.stdout
    assert ("Install the Azure CLI" in result.stdout) is not has_azure_cli
    assert "az login" in result.stdout

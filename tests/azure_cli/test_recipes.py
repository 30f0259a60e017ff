"""The commands that the lesson shows beside each step, run as they stand, in one shell, by a learner's local DPS."""

import os
import subprocess
from pathlib import Path

from helpers import lesson
from helpers.dps import ProvisioningService
from helpers.lesson.recipes import Names, recipe
from helpers.workspace import Workspace
from tests.azure_cli.az import AZ, Outside
from tests.lesson.learner import learners_workspace, rehearsing


def commands(step: str, kept: Workspace, dps: ProvisioningService, **known: str) -> str:
    """The commands that the lesson shows, except those that need an extension of the CLI, which no package index has."""
    shown = recipe(step, Names.of(kept, dps, **known)).commands
    head, _, rest = shown.partition("\netag=")
    return shown if "extension" not in head else f"etag={rest}"


def run(folder: Path, outside: Outside, *scripts: str) -> str:
    environment = {
        "HOME": str(folder),
        "PATH": f"{AZ.parent}:{os.environ['PATH']}",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_AUTO_UPGRADE_ENABLE": "false",
        "AZURE_CORE_OUTPUT": "json",
        "HTTPS_PROXY": outside.url,
        "HTTP_PROXY": outside.url,
        "NO_PROXY": "localhost",
    }
    command = ["bash", "-euo", "pipefail", "-c", "\n".join(scripts)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_commands_upload_prove_and_delete_a_ca(outside: Outside, tmp_path: Path) -> None:
    with learners_workspace(tmp_path) as kept, rehearsing(kept) as dps:
        name = "walkthrough-ca"
        signing_in = commands("connect", kept, dps)
        said = run(tmp_path, outside, signing_in, commands("upload", kept, dps), commands("code", kept, dps))
        assert dps.describe().id_scope in said
        code = said.strip().splitlines()[-1]
        assert len(code) == 48
        assert not dps.certificates.get(name).verified
        kept.update(certificate_name=name, registered_role="intermediate", verification_code=code)
        started = lesson.open(kept.folder)
        started.store("proof", started.registered_authority().sign_verification_code(code))
        run(tmp_path, outside, signing_in, commands("verify", kept, dps))
        assert dps.certificates.get(name).verified
        dps.certificates.upload("next-ca", kept.public_part("root").read_bytes())
        run(tmp_path, outside, signing_in, commands("delete_ca", kept, dps, next_certificate="next-ca"))
        assert [each.name for each in dps.certificates.list()] == [name]
        run(tmp_path, outside, signing_in, commands("clean_up", kept, dps))
        assert dps.certificates.list() == []

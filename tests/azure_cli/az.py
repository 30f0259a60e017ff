"""The Azure CLI as a person uses it: it takes commands, prints JSON or an error, and can reach only loopback."""

import json
import re
import shutil
import socketserver
import subprocess
from pathlib import Path
from typing import Any, Self

from tests.local_dps.wire import LocalService

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = PROJECT / ".venv-azure-cli"
AZ = ENVIRONMENT / "bin" / "az"
REQUIREMENTS = (Path(__file__).parent / "requirements.txt").read_text()
VERSION = re.search(r"^azure-cli==(\S+)$", REQUIREMENTS, re.MULTILINE)[1]
PATIENCE = 60.0  # seconds; it needs less than one


class AzureCli:
    """The CLI of one person, with a configuration folder of its own and a proxy that records every other host it asks for."""

    def __init__(self, folder: Path, dps: LocalService, outside: "Outside") -> None:
        self.folder = folder
        self.dps = dps
        self.outside = outside

    def copy(self, folder: Path) -> "AzureCli":
        """Return the CLI of another person, with a copy of this configuration."""
        shutil.copytree(self.folder, folder)
        return AzureCli(folder, self.dps, self.outside)

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one command, and return its result, even if it fails."""
        installed = AZ.is_file() and [*ENVIRONMENT.glob(f"lib/python*/site-packages/azure_cli-{VERSION}.dist-info")]
        assert installed, f"The Azure CLI {VERSION} is not there: make azure-cli installs it."
        environment = {
            "HOME": str(self.folder),
            "AZURE_CONFIG_DIR": str(self.folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_AUTO_UPGRADE_ENABLE": "false",
            "REQUESTS_CA_BUNDLE": self.dps.connection["ca_file"],
            "HTTPS_PROXY": self.outside.url,
            "HTTP_PROXY": self.outside.url,
            "NO_PROXY": "localhost",
        }
        return subprocess.run(
            [AZ, *arguments],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    def __call__(self, *arguments: str | Path) -> Any:
        """Run a command that must succeed, and return its output."""
        result = self.run(*arguments)
        assert result.returncode == 0, (arguments, result.stderr)
        return json.loads(result.stdout) if result.stdout.strip() else None

    def refused(self, *arguments: str | Path) -> str:
        """Run a command that must fail, and return its error text."""
        result = self.run(*arguments)
        assert result.returncode != 0, (arguments, result.stdout)
        assert "Traceback" not in result.stderr, result.stderr
        return result.stderr

    def sign_in(self, *credential: str | Path) -> tuple[str | Path, ...]:
        """The command that signs the application in."""
        given = self.dps.connection
        who = ("--username", given["client_id"], "--tenant", given["tenant_id"])
        return ("login", "--service-principal", *who, *credential)

    def secret(self, secret: str) -> tuple[str, ...]:
        """Return arguments that read the secret from a file, because other people can see a process's arguments."""
        file = self.folder / "secret"
        file.touch(mode=0o600)
        file.write_text(secret)
        return ("--password", f"@{file}")


class Outside(socketserver.ThreadingTCPServer):
    """A proxy that forwards nothing, and records the requested hosts."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Refuse)

    def __enter__(self) -> Self:
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Refuse(socketserver.StreamRequestHandler):
    server: Outside

    def handle(self) -> None:
        self.server.asked.append(self.rfile.readline().decode(errors="replace").strip())

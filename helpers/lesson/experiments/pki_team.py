"""A PKI team with a CA of its own: its private key is in another process, so the course's code never has it."""

import json
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509

from helpers.dps import RegisteredCertificate
from helpers.lesson.targets import target_of
from helpers.lesson.targets.scratch import registered_for_a_moment, with_code
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["PkiTeam"]

_SCRIPT = Path(__file__).with_name("pki_team_process.py")
_MAX_WAIT_SECONDS = 5.0


class PkiTeam:
    """Signs requests. The team's process ends with this object, and with the notebook's kernel.

    Attributes:
        certificate: the CA's certificate, which is public.
        dps: the service at which the CA is registered for a moment: the walkthrough's own, or a local DPS for the portal. It
            repeats a change if an ETag is stale, and its notes are only about the walkthrough's own CA.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Start the team's process, which creates the CA.

        Raises:
            Problem: no target was chosen (run 00_start_here), or the process does not start.
        """
        self.dps = target_of(workspace).rehearse()
        # -P: a module in the script's folder must not stand in for a package of the same name.
        self._process = subprocess.Popen(  # noqa: S603 - a fixed command
            [sys.executable, "-P", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._end = weakref.finalize(self, _end, self._process)
        self.certificate = x509.load_pem_x509_certificate(self._answer()["certificate"].encode())

    @contextmanager
    def registered_for_a_moment(self) -> Iterator[RegisteredCertificate]:
        """Register the team's CA with DPS for the duration of the `with` block, and generate a verification code for it."""
        dps = self.dps.unheard
        with registered_for_a_moment(dps, self.certificate) as uploaded:
            yield with_code(dps, uploaded)

    def sign(self, request: bytes) -> bytes:
        """Return the certificate (PEM) that the team issues for a request (PKCS#10, PEM).

        Raises:
            Problem: the team refuses the request, or its process has ended.
        """
        try:
            print(json.dumps({"request": request.decode(errors="replace")}), file=self._process.stdin, flush=True)
        except (OSError, ValueError) as error:  # ValueError: the pipe is closed
            raise _ended() from error
        answer = self._answer()
        if "refused" in answer:
            raise Problem(
                "The PKI team did not sign the request.",
                answer["refused"],
                "Give the team the request that `request_verification_certificate(code)` returns.",
            )
        return answer["certificate"].encode()

    def close(self) -> None:
        """End the team's process. The CA's private key ends with it."""
        self._end()

    def _answer(self) -> dict[str, str]:
        assert self._process.stdout
        try:
            line = self._process.stdout.readline()
        except KeyboardInterrupt:
            self.close()  # otherwise the next request would get the answer to this one
            raise
        if not line:
            raise _ended()
        answer: dict[str, str] = json.loads(line)
        return answer


def _ended() -> Problem:
    return Problem(
        "The PKI team's process has ended.",
        "It was killed, or the machine has run out of memory. The CA's private key ended with it.",
        "Run the cell that calls `walkthrough.pki_team()` again: a new team creates a new CA.",
    )


def _end(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.close()  # the process reads the end of its input, and ends
        process.wait(_MAX_WAIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
    process.stdout.close()

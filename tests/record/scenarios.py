"""The scenarios that are recorded, by name."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from unittest.mock import patch

from helpers import walkthrough
from tests.openssl import make_encrypted_root
from tests.record.commands import command_line
from tests.record.portal import portal
from tests.record.text import Record
from tests.record.walk import Walk

__all__ = ["DEFAULT", "LIKE_THE_DEFAULT", "SCENARIOS"]


def _walkthrough(folder: Path, **parameters: str) -> str:
    """Return the record of a whole walkthrough."""
    with Walk.begin(folder) as walk:
        record = Record(walk)

        def on_end(outcome: walkthrough.NotebookRun) -> None:
            assert outcome.failure is None, outcome.failure
            record.notebook_ended(outcome)
            if outcome.name == walkthrough.NOTEBOOKS[-2].stem:
                record.state("before the clean-up", with_copies=False)

        walk.run(parameters, walkthrough.NOTEBOOKS, on_end)
        record.state("at the end", with_copies=True)
        return str(record)


def _own_ca(folder: Path) -> str:
    """Return the record of a walkthrough that registers a root CA made by OpenSSL, whose key is encrypted."""
    passphrase = "correct horse battery staple"
    made = make_encrypted_root(folder, passphrase)
    files = {"own_ca_certificate": str(made.certificate), "own_ca_key": str(made.private_key)}
    with patch.dict(os.environ, CA_PASSPHRASE=passphrase):
        return _walkthrough(folder, **files, register_ca="root")


DEFAULT = "ec-intermediate"
# Their records hold only the lines that differ from the default's record.
LIKE_THE_DEFAULT = ("ec-root", "rsa-intermediate", "rsa-root", "own-ca")
# Each function runs its scenario in an empty folder and returns the record.
SCENARIOS: Mapping[str, Callable[[Path], str]] = {
    DEFAULT: _walkthrough,
    "ec-root": partial(_walkthrough, register_ca="root"),
    "rsa-intermediate": partial(_walkthrough, key_type="RSA"),
    "rsa-root": partial(_walkthrough, key_type="RSA", register_ca="root"),
    "own-ca": _own_ca,
    "portal": portal,
    "command-line": command_line,
}

"""The `openssl` program as the oracle that says which proofs are good."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def run(*arguments: str | Path, stdin: bytes) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=True).stdout


def signed_by(proof_pem: str, uploaded_pem: str, folder: Path) -> bool:
    """Whether OpenSSL finds the proof signed by the uploaded certificate, whatever the dates of both."""
    anchor, proof = folder / "uploaded.pem", folder / "proof.pem"
    anchor.write_text(uploaded_pem)
    proof.write_text(proof_pem)
    options = ("-partial_chain", "-no_check_time", "-no-CApath", "-no-CAstore")
    result = subprocess.run(
        ["openssl", "verify", *options, "-CAfile", str(anchor), str(proof)],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode not in (0, 2):
        raise AssertionError(result.stderr)
    return result.returncode == 0


def read(proof_pem: str) -> tuple[list[str], datetime, datetime]:
    """The common names, the beginning and the end, as OpenSSL reads them."""
    options = ("-noout", "-subject", "-startdate", "-enddate", "-nameopt", "sep_multiline,sname,utf8,esc_ctrl")
    printed = run("x509", *options, stdin=proof_pem.encode()).decode()
    names = re.findall(r"^    CN=(.*)$", printed, re.MULTILINE)
    return names, _date(printed, "notBefore"), _date(printed, "notAfter")


def _date(printed: str, which: str) -> datetime:
    found = re.search(rf"^{which}=(.*) GMT$", printed, re.MULTILINE)
    assert found
    return datetime.strptime(found[1], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)

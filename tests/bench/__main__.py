"""How fast it all is, as ratios that a noisy machine does not move much: `make bench`.

Whatever is measured runs in turn with something bare that does the same work and nothing else.
"""

import tempfile
from pathlib import Path

from helpers.certificates import CertificateAuthority
from tests.bench.certificates import certificates
from tests.bench.planes import throughput
from tests.bench.processes import memory_folder
from tests.bench.registrations import registrations
from tests.bench.store import lookups, memory


def main() -> None:
    """Measure, and print a line a figure."""
    authority = CertificateAuthority.create_root("Bench Root").create_intermediate("Bench Signer")
    with tempfile.TemporaryDirectory() as disk, tempfile.TemporaryDirectory(dir=memory_folder()) as quick:
        certificates(authority, Path(quick))
        registrations(authority, Path(disk, "registrations"), Path(quick))
        throughput(Path(disk, "throughput"))
        memory(Path(disk))
        lookups(Path(disk))


if __name__ == "__main__":
    main()

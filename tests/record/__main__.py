"""Record what users get, and compare it with the committed records: `python -m tests.record [NAME …]`.

The command prints each difference and then ends with 1. With --write the new records replace the committed ones, which accepts
every difference. Say in the commit message why each one is intended.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.record.records import differences, make, record_file
from tests.record.scenarios import SCENARIOS


def main() -> int:
    """Run the scenarios and return the program's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.record", description="Record what users get, and compare it with the committed records."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(SCENARIOS)}; all unless given")
    parser.add_argument("--write", action="store_true", help="replace the committed records where they differ")
    chosen = parser.parse_args()
    if unknown := {*chosen.names} - {*SCENARIOS}:
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}; choose from {', '.join(SCENARIOS)}")
    are_different = False
    for name in chosen.names or SCENARIOS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            made = make(name, Path(folder).resolve())
        found = differences(name, made)
        print(f"{name}: {'different' if found else 'as committed'}, {time.monotonic() - began:.0f} s", flush=True)
        if chosen.write:
            record_file(name).write_text(made)
        elif found:
            print(found)
            are_different = True
    return int(are_different)


if __name__ == "__main__":
    sys.exit(main())

"""Judges generated proofs, and NIST's chains, beside OpenSSL: `make judging`, once a week.

Each difference must be one that helpers/local_dps/CONFORMANCE.md lists. Otherwise the command prints the proof or the
chain, leaves the proof's certificates in build/judging, and ends with 1.
"""

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tests.judging import pkits, proofs
from tests.judging.pkits import JudgedChain
from tests.judging.proofs import JudgedProof

_UNKNOWN = Path(__file__).resolve().parents[2] / "build" / "judging"


def main() -> int:
    """Judge everything, print the result, and return the program's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.judging", description="Judge proofs and chains beside OpenSSL."
    )
    parser.add_argument("--proofs", type=int, default=10_000, help="how many to generate")
    parser.add_argument(
        "--seed", type=int, default=int(f"{datetime.now(UTC):%Y%m%d}"), help="today's date unless given"
    )
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # the library warns of serial numbers that are not positive
    print(
        f"Seed {chosen.seed}: it decides what the proofs are like; their keys and signatures are new each time.",
        flush=True,
    )
    unknown = _report("proofs", proofs.judge_all(chosen.seed, chosen.proofs))
    unknown += _report("chains", map(pkits.judge, pkits.chains()))
    print(f"Differences that CONFORMANCE.md does not list: {unknown}")
    return 1 if unknown else 0


def _report(what: str, judged: Iterable[JudgedProof | JudgedChain]) -> int:
    """Print the table of one kind, and return how many differences are not known."""
    began, agreed, differences, unknown = time.monotonic(), Counter[bool](), Counter[tuple[str, str]](), 0
    for each in judged:
        if not each.differs:
            agreed[each.dps.accepted] += 1
        elif (name := each.difference) is not None:
            differences["accepted" if each.dps.accepted else "refused", name] += 1
        else:
            unknown += 1
            print(each, flush=True)
            if isinstance(each, JudgedProof):
                each.write(_UNKNOWN)
    count = agreed.total() + differences.total() + unknown
    print(f"{count:,} {what} in {time.monotonic() - began:.0f} s")
    print(f"  {agreed[True]:6,} accepted by both\n  {agreed[False]:6,} refused by both")
    for (verdict, name), number in sorted(differences.items()):
        print(f"  {number:6,} {verdict} by the local DPS alone: {name}")
    return unknown


if __name__ == "__main__":
    sys.exit(main())

"""Generated proofs, judged by the local DPS and by OpenSSL."""

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from tests.encodings import as_pem
from tests.judging.differences import proof_difference
from tests.judging.making import Submission, make
from tests.judging.recipes import Recipe, draw
from tests.judging.verdicts import OpenSslVerdict, Verdict, local_dps, openssl

__all__ = ["JudgedProof", "judge", "judge_all"]


@dataclass(frozen=True)
class JudgedProof:
    """A proof, and both verdicts on it."""

    number: int
    recipe: Recipe
    submission: Submission
    dps: Verdict
    openssl: OpenSslVerdict

    @property
    def differs(self) -> bool:
        """Whether the verdicts differ, or the local DPS failed to give one."""
        return self.dps.has_crashed or self.dps.accepted != self.openssl.accepted

    @property
    def difference(self) -> str | None:
        """The name of the known difference; None if it is not known."""
        if self.dps.has_crashed:
            return None
        return proof_difference(self.recipe, self.submission.is_signed, self.dps, self.openssl)

    def write(self, folder: Path) -> None:
        """Write the two certificates into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.number}-ca.pem").write_text(as_pem(self.submission.ca))
        (folder / f"{self.number}-proof.pem").write_text(as_pem(self.submission.proof))

    def __str__(self) -> str:
        code, moment = self.submission.code, f"{self.submission.now:%Y-%m-%d %H:%M:%S}Z"
        said = f"local DPS: {self.dps}\n  OpenSSL: {self.openssl}"
        return f"Proof {self.number}: {self.recipe}\n  for the code {code} at {moment}\n  {said}"


def judge(seed: int, number: int) -> JudgedProof:
    """Make the proof of that number, and get both verdicts."""
    chance = Random(f"{seed}-{number}")
    recipe = draw(chance)
    submission = make(recipe, chance)
    return JudgedProof(number, recipe, submission, local_dps(submission), openssl(submission))


def judge_all(seed: int, count: int) -> Iterator[JudgedProof]:
    """Judge that many proofs, on all cores."""
    # The library warns of names that are too long.
    with ProcessPoolExecutor(os.cpu_count(), initializer=warnings.simplefilter, initargs=("ignore",)) as pool:
        yield from pool.map(partial(judge, seed), range(count), chunksize=25)

"""A short form of the weekly comparison with OpenSSL, so that it keeps working; and the page that lists the known differences."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import helpers.local_dps
from tests.judging import pkits, proofs
from tests.judging.differences import CHAINS, PROOFS
from tests.judging.making import make
from tests.judging.proofs import JudgedProof
from tests.judging.recipes import OPTIONS, Recipe
from tests.judging.verdicts import local_dps, openssl

PAGE = Path(helpers.local_dps.__file__).with_name("CONFORMANCE.md")
pytestmark = pytest.mark.filterwarnings("ignore")  # the library's, of odd names and serial numbers


def test_generated_proofs_are_judged_as_openssl_judges_them() -> None:
    judged = [proofs.judge(seed=1, number=number) for number in range(60)]
    assert [str(each) for each in judged if each.differs and each.difference is None] == []
    agreed = {each.dps.accepted for each in judged if not each.differs}
    assert agreed == {True, False}


def test_no_chain_of_the_pkits_is_accepted_that_openssl_refuses() -> None:
    judged = [pkits.judge(each) for each in pkits.chains()[::6]]
    assert [str(each) for each in judged if each.differs and each.difference is None] == []
    agreed = {each.dps.accepted for each in judged if not each.differs}
    assert agreed == {True, False}


def judged(recipe: Recipe) -> JudgedProof:
    submission = make(recipe, Random(1))
    return JudgedProof(0, recipe, submission, local_dps(submission), openssl(submission))


def test_the_proof_from_which_all_are_made_is_valid() -> None:
    right = judged(Recipe())
    assert (right.dps.accepted, right.openssl.accepted, right.submission.is_signed) == (True, True, True)
    assert all(getattr(Recipe(), name) in (*values, "right") for name, values in OPTIONS.items())


def test_an_unknown_difference_is_noticed() -> None:
    """A critical extension is a known difference only on a proof that the CA signed."""
    known = judged(Recipe(extensions="proxy certificate"))
    assert known.difference == "proof: proxy certificate"
    wrong = judged(replace(known.recipe, signature="one bit"))
    assert not wrong.dps.accepted
    assert replace(wrong, dps=known.dps).difference is None
    crashed = replace(known, dps=replace(known.dps, has_crashed=True))
    assert crashed.differs
    assert crashed.difference is None


def test_each_known_difference_is_on_the_page() -> None:
    listed = [
        line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text().splitlines() if line.startswith("| ")
    ]
    section = [each for each in listed if each in (*PROOFS, *CHAINS)]
    assert sorted(section) == sorted((*PROOFS, *CHAINS))
